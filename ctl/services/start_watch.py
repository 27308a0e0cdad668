"""When a service that was started counts as up, and when it counts as failed."""

from __future__ import annotations

import time
from pathlib import Path

from ctl.machine.ports import answers, listens
from ctl.services.definition import Definition
from ctl.services.status import Status

CRASHES = 4
"""How often a service may end by itself before it counts as failed: runsv starts it again once a second."""
SETTLE = 0.5
"""Seconds that a service without addresses must live to count as up."""


class StartWatch:
    """Watches a service that is to come up; wants to be shown every status that is seen meanwhile.

    Args:
        folder: its definition (or its log's), where runsv keeps its notes.
        definition: its addresses and its time.
    """

    def __init__(self, folder: Path, definition: Definition) -> None:
        self._folder = folder
        self._definition = definition
        self._ends: set[int] = set()
        self._seen: dict[tuple[int, ...], float] = {}

    def up(self, status: Status) -> bool:
        """Whether it now runs as wanted and itself answers at all its addresses."""
        if status.crashing:
            self._ends.add(_last_change(self._folder))
        if not status.healthy:
            return False
        return not self._silent(status) if self._definition.listen else self._settled(status)

    @property
    def failed(self) -> bool:
        """Whether it ended by itself so often that there is nothing to wait for."""
        return len(self._ends) >= CRASHES

    def problem(self, status: Status) -> str:
        """Why it is not up, to follow its name."""
        if self.failed:
            return "keeps exiting"
        silent = self._silent(status)
        if not status.healthy or not silent:
            return f"is not up after {self._definition.wait} s"
        taken = [address for address in silent if answers(address)]
        if taken:
            return f"does not listen at {', '.join(taken)}, where another process answers"
        return f"does not answer at {', '.join(silent)} after {self._definition.wait} s"

    def _silent(self, status: Status) -> list[str]:
        """The addresses at which it is not this very process that answers."""
        pid, listen = status.pid, self._definition.listen
        if pid is None:
            return list(listen)
        return [address for address in listen if not (answers(address) and listens(pid, address))]

    def _settled(self, status: Status) -> bool:
        """Whether it and its log have lived for a while; one that keeps exiting is alive for a moment each second."""
        first_seen = self._seen.setdefault(tuple(status.pids), time.monotonic())
        youngest = min(one.seconds for one in (status, status.log) if one is not None)
        return youngest > 1 or time.monotonic() - first_seen > SETTLE


def _last_change(folder: Path) -> int:
    """When runsv last noted a change of state, in nanoseconds: distinguishes one end of a service from the next."""
    return (folder / "supervise/status").stat().st_mtime_ns
