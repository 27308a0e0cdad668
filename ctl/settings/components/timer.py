"""The timer: runs the scheduled tasks of all components."""

from __future__ import annotations

from collections.abc import Iterable

from ctl.settings.component import Component, running

NAME = "timer"
NEEDED = ("cronsim",)
"""Packages that its process imports."""
FORMER = ("letsencrypt", "logrotate")
"""Services whose work it has taken over."""


def timer(others: Iterable[Component]) -> Component:
    """Its declaration.

    Args:
        others: the components of ctl with their tasks; without any there is no timer.
    """
    scheduling = tuple(others)
    return Component(
        NAME,
        what="the timer",
        when=lambda values: any(tuple(one.tasks(values)) for one in running(scheduling, values)),
        wait=60,
        signals={"HUP": "reads its tasks anew, those under way go on", "TERM": "ends, after its tasks"},
        secondary=True,
    )
