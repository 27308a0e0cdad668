"""Ends a service for certain: asks first, then kills what is left of its process group."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from ctl.services.control import ServiceFailed
from ctl.services.runit import Runit
from ctl.services.status import Status


def graceful_kill(runit: Runit, name: str) -> tuple[Status, list[int]]:
    """Stop a service; send KILL to every process of its group that is left when its time is over.

    Returns:
        Its state afterwards, and the processes that were killed.

    Raises:
        ServiceFailed: it cannot be controlled, or does not even end by KILL.
    """
    pid = runit.status(name).pid
    group = _own_group(pid) if pid is not None else None
    try:
        status = runit.stop(name)
    except ServiceFailed as error:
        if not error.line.startswith("timeout:") or pid is None:
            raise
        killed = _kill(group, pid)
        return runit.stop(name), killed
    return status, _kill(group, None)


def _own_group(pid: int) -> int | None:
    """The process group that the service leads (chpst -P); None where it shares that of runsv and its log."""
    try:
        return pid if os.getpgid(pid) == pid else None
    except ProcessLookupError:
        return None


def _kill(group: int | None, pid: int | None) -> list[int]:
    victims = _members(group) if group is not None else [pid] if pid is not None else []
    for victim in victims:
        # it may have ended by itself
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    return victims


def _members(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # it may have ended while we look
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(int(entry.name)) == group:
                    found.append(int(entry.name))
    return sorted(found)
