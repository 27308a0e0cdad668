"""The processes of a service that is restarted without a failed request: the one that serves, those that drain."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ctl.graceful.control import Control, MasterGone
from ctl.graceful.instance import Instance, State
from ctl.services.definition import Definition


def processes(definition: Definition) -> list[dict[str, object]] | None:
    """The processes of a master, as plain JSON values; None where there is no master."""
    found = _instances(definition)
    if found is None:
        return None
    now = time.monotonic()
    return [
        {
            "number": one.number,
            "state": str(one.state),
            "pid": one.pid,
            "seconds": round(now - one.since),
            "connections": one.connections(),
            "limit": max(0, round(one.deadline - now)) if one.deadline else None,
        }
        for one in found
    ]


def others(definition: Definition) -> Iterator[str]:
    """The processes beside the one that serves, a line each to follow the name of the service."""
    now = time.monotonic()
    for one in _instances(definition) or ():
        if one.state not in (State.CURRENT, State.FIRST, State.ENDED):
            count = one.connections()
            left = f", ended in {max(0, one.deadline - now):.0f}s at the latest" if one.deadline else ""
            connections = f"{count} connection{'' if count == 1 else 's'}"
            yield f"{one.state}: (pid {one.pid}) {now - one.since:.0f}s, {connections}{left}"


def _instances(definition: Definition) -> list[Instance] | None:
    if definition.graceful is None:
        return None
    try:
        return Control(definition.graceful).instances()
    except MasterGone:
        return None
