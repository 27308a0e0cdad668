"""Asks a process that has just started whether it is healthy, and stays up."""

from __future__ import annotations

import time
from pathlib import Path

from ctl.errors import RunFailed
from ctl.graceful.instance import Instance
from ctl.machine.health import HttpCheck
from ctl.services.definition import Definition
from ctl.services.waiting import POLL

BETWEEN_QUESTIONS = 0.2
"""Seconds between two questions for the health of a service; each is a line of its log."""
STEADY = 4
"""Seconds that a service whose health is asked for must have lived at most: a registry may exit after some."""
STEADY_SHARE = 8
"""Nor must it live longer than this part of the time in which it must be healthy."""


def ask_candidate(candidate: Instance, definition: Definition) -> None:
    """Ask a new process, which serves nobody yet, for its health. Raises RunFailed with what is wrong."""
    checks = [
        one._replace(address=f"unix:{candidate.socket}") if isinstance(one, HttpCheck) else one
        for one in definition.health
        if not one.via
    ]
    if not checks or not definition.health_seconds:
        return
    began = candidate.since
    while wrong := next(filter(None, (one.problem() for one in checks)), None):
        if time.monotonic() - began > definition.health_seconds or not _lives(candidate.pid):
            raise RunFailed(f"the new one {wrong}")
        time.sleep(BETWEEN_QUESTIONS)
    while time.monotonic() - began < steady_seconds(definition):
        if not _lives(candidate.pid):
            raise RunFailed("the new one keeps exiting")
        time.sleep(POLL)


def steady_seconds(definition: Definition) -> float:
    """How long a new process must have lived to count as up."""
    return min(STEADY, definition.health_seconds / STEADY_SHARE)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended stays a zombie until its parent asks for it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
