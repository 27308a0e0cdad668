"""Deletions of which the process that serves may not know: another one, which drained, has carried them out.

Each process remembers in its memory what is in the storage. NGINX writes a line into a log when a deletion has ended:
the name of the process that has answered it (of its socket); an empty one where none has, as the client went away. Then
the process may go on with it until it has no connection any more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ctl.graceful.instance import Instance, State
from ctl.machine.under_way import run_under_way
from ctl.paths import Layout

SECONDS_TO_ACCEPT = 60.0
"""For a process that takes over."""
_LATE = 2.0
"""Seconds for which NGINX may take to log what a process did that has ended."""


class Deletions:
    """What former processes have deleted since the last switch.

    Args:
        log: NGINX's, which may be rotated meanwhile; None where none is written.
        layout: of the root: while a run changes it, no process must begin with the half of it.

    Attributes:
        stale: whether the process that serves may remember what has been deleted.
    """

    def __init__(self, log: Path | None, layout: Layout) -> None:
        self._log, self._layout = log, layout
        self._inode = self._offset = 0
        self._until = 0.0
        self._unanswered = False
        self.stale = False

    def begin(self) -> None:
        """Another process serves from now on; it has not been asked for anything yet."""
        self.stale = False
        if self._log:
            first, names = not self._inode, self._answered(self._log)
            self._unanswered |= "" in names and not first

    def watched(self) -> bool:
        """Whether there is something to look for."""
        return self.stale or time.monotonic() < self._until

    def look(self, instances: Sequence[Instance]) -> bool:
        """Whether a fresh process should take over now."""
        if self._log is None:
            return False
        leaving = any(one.state in (State.DRAINING, State.ENDING) for one in instances)
        if leaving:
            self._until = time.monotonic() + _LATE
        if self.watched():
            serving = {Path(one.socket).name for one in instances if one.state is State.CURRENT}
            others = self._answered(self._log) - serving
            self._unanswered |= "" in others
            self.stale |= bool(others) or (self._unanswered and not leaving)
            self._unanswered &= leaving
        return self.stale and not run_under_way(self._layout) and not self._layout.journal.exists()

    def _answered(self, log: Path) -> set[str]:
        """The processes that have answered deletions since the last look."""
        found: set[str] = set()
        inode, offset = self._inode, self._offset
        for path in (log.with_name(f"{log.name}.1"), log):
            try:
                with path.open("rb") as file:
                    own = os.fstat(file.fileno()).st_ino
                    if own != inode and path != log:
                        continue
                    file.seek(offset if own == inode else 0)
                    found |= set(file.read().decode(errors="replace").splitlines())
                    self._inode, self._offset = own, file.tell()
            except FileNotFoundError:
                continue
        return found

    def facts(self) -> dict[str, Any]:
        """As plain JSON values, for the master across an exec."""
        names = ("stale", "_unanswered", "_inode", "_offset")
        return {name: getattr(self, name) for name in names}

    def take_up(self, facts: dict[str, Any] | None) -> None:
        """Go on as another one did, of which these are the facts."""
        vars(self).update(facts or {})
