"""The order of things that need each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from ctl.errors import CtlError


def order(needed: Mapping[str, Iterable[str]]) -> list[str]:
    """Names, each after those that it needs; else in their own order.

    Args:
        needed: what each needs; names that are not among the keys are ignored.

    Raises:
        CtlError: they go in a circle; names it.
    """
    sorter = TopologicalSorter(
        {name: [one for one in them if one in needed] for name, them in needed.items()}
    )
    places = {name: place for place, name in enumerate(needed)}
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise CtlError(f"each of these must start after the next: {circle}") from error
    found: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=places.__getitem__)
        found.append(ready.pop(0))
        sorter.done(found[-1])
    return found
