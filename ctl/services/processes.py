"""The processes of this machine, asked of the kernel: parent, state, start, program; never of a command line.

A service's process carries the mark of its service (MARK in its environment, or the pid file that it has written):
so one that has lost its runsv is known, and distinguished from another's of the same program.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select

MARK = "CTL_SERVICE"
"""Environment variable that a run script exports: the folder of the service's definition."""
TICK = 0.02
"""Seconds by which the start of a process and the time of a file may be off: both are counted in ticks."""
RUNSV = "runsv"
_DELETED = " (deleted)"
_GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True)
class Process:
    """One process.

    Args:
        pid, parent: numbers.
        state: its letter (proc_pid_stat(5)): "T" for one that SIGSTOP has stopped, "Z" for one that has ended.
        started: when, in seconds of time.time(), exact to a hundredth.
    """

    pid: int
    parent: int
    state: str
    started: float


class Processes:
    """All processes, as they were at one moment."""

    def __init__(self) -> None:
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        found = (_read(entry, booted) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208 - half as long as with paths
        self._all = {one.pid: one for one in found if one is not None}

    def get(self, pid: int) -> Process | None:
        """One of them; None where it has ended."""
        return self._all.get(pid)

    def strays(self, definition: Path, pid_file: Path | None) -> list[int]:
        """Processes of a service that have not come from the runsv that is in charge of it now.

        Args:
            definition: the folder of its definition (or of its log's).
            pid_file: where its program writes its pid, if it overwrites its environment (as NGINX does).
        """
        alive = [one.pid for one in self._all.values() if one.state != "Z"]
        found = [pid for pid in alive if bears_mark(pid, definition)]
        roots = [self._writer(pid_file), *(pid for pid in alive if _is_runsv(pid, definition))]
        found += [pid for root in roots if root is not None for pid in self.family(root)]
        return sorted(pid for pid in set(found) if not self._supervised(pid, definition))

    def _supervised(self, pid: int, definition: Path) -> bool:
        """Whether a process is, or came from, a runsv that is in this folder; not in one of that name which is gone."""
        process = self.get(pid)
        while process is not None and process.pid > 1:
            if _name(process.pid) == RUNSV:
                with suppress(*_GONE, PermissionError):
                    found = Path(f"/proc/{process.pid}/cwd").stat()
                    return any(os.path.samestat(found, one.stat()) for one in (definition, definition.parent))
                return False
            process = self.get(process.parent)
        return False

    def _writer(self, pid_file: Path | None) -> int | None:
        """The process that wrote a pid file, if it is alive: another with its number has started later."""
        if pid_file is None:
            return None
        try:
            process = self.get(int(pid_file.read_text(encoding="ascii")))
            written = pid_file.stat().st_mtime
        except (OSError, ValueError):
            return None
        return process.pid if process and process.started <= written + TICK else None

    def family(self, pid: int) -> list[int]:
        """A process, and all that came from it."""
        known = {pid}
        while new := {one.pid for one in self._all.values() if one.parent in known} - known:
            known |= new
        return sorted(known & self._all.keys() | {pid})

    def newest(self, pid: int) -> float:
        """When the youngest child of a process started; when it started itself, if it has none."""
        children = [one.started for one in self._all.values() if one.parent == pid]
        return max([*children, self._all[pid].started]) if pid in self._all else 0.0


def _read(pid: str, booted: float) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            words = file.read().rpartition(")")[2].split()
    except _GONE:
        return None
    return Process(int(pid), int(words[1]), words[0], booted + int(words[19]) / os.sysconf("SC_CLK_TCK"))


def program(pid: int) -> Path | None:
    """The executable of a process; None where there is none, or the rights to ask are missing."""
    try:
        return Path(f"/proc/{pid}/exe").readlink()
    except (*_GONE, PermissionError):
        return None


def replaced(pid: int) -> Path | None:
    """The executable of a process, if another file has its place by now (as after an upgrade); else None."""
    found = str(program(pid) or "")
    path = Path(found.removesuffix(_DELETED))
    return path if found.endswith(_DELETED) and path.exists() else None


def _name(pid: int) -> str:
    return (program(pid) or Path()).name.removesuffix(_DELETED)


def _is_runsv(pid: int, definition: Path) -> bool:
    """Whether a process is a runsv that was started in a folder of this name, which may have been removed since."""
    with suppress(*_GONE, PermissionError):
        folder = os.readlink(f"/proc/{pid}/cwd").removesuffix(_DELETED)  # noqa: PTH115 - may end so
        return folder == str(definition) and _name(pid) == RUNSV
    return False


def bears_mark(pid: int, definition: Path) -> bool:
    """Whether the environment of a process names a service: it was started by its run script, or by what that started.

    Args:
        definition: the folder of the service's definition; it may have been removed since.
    """
    with suppress(*_GONE, PermissionError):
        return os.fsencode(f"{MARK}={definition}") in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def end(pids: Iterable[int], seconds: float) -> list[int]:
    """End processes: TERM and CONT, then KILL for what is left when their time is over.

    Args:
        seconds: their time.

    Returns:
        Those that had to be killed.
    """
    left = {pid: handle for pid in pids if (handle := _open(pid)) is not None}
    try:
        for number in (signal.SIGTERM, signal.SIGCONT):
            _send(left, number)
        _await(left, seconds)
        killed = sorted(left)
        _send(left, signal.SIGKILL)
        _await(left, seconds)
        return killed
    finally:
        for handle in left.values():
            os.close(handle)


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _send(handles: Mapping[int, int], number: signal.Signals) -> None:
    for handle in handles.values():
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)


def _await(handles: dict[int, int], seconds: float) -> None:
    """Return when all have ended, or the time is over; those that have are taken out."""
    deadline = time.monotonic() + seconds
    while handles and (left := deadline - time.monotonic()) > 0:
        ended, _, _ = select(list(handles.values()), [], [], left)
        for pid in [pid for pid, handle in handles.items() if handle in ended]:
            os.close(handles.pop(pid))
