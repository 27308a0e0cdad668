"""The processes of this machine, asked of the kernel: parent, state, start, program; never of a command line.

A service's process carries the mark of its service (MARK in its environment, or the pid file that it has written):
so one that has lost its runsv is known, and distinguished from another's of the same program.
"""

from __future__ import annotations

import os
import pwd
import signal
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from select import select
from typing import NamedTuple

MARK = "CTL_SERVICE"
"""Environment variable that a run script exports: the folder of the service's definition."""
TICK = 0.02
"""Seconds by which the start of a process and the time of a file may be off: both are counted in ticks."""
RUNSV = "runsv"
_MARKED = f"{MARK}=".encode()
_DELETED = " (deleted)"
_GONE = (FileNotFoundError, ProcessLookupError)


class Process(NamedTuple):
    """One process.

    Args:
        pid, parent: numbers.
        state: its letter (proc_pid_stat(5)): "T" for one that SIGSTOP has stopped, "Z" for one that has ended.
        started: when, in seconds of time.time(), exact to a hundredth.
        name: of its program, cut to 15 characters; a program may choose another.
    """

    pid: int
    parent: int
    state: str
    started: float
    name: str


class Processes:
    """All processes, as they were at one moment."""

    def __init__(self) -> None:
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        found = (_read(entry, booted) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208 - half as long as with paths
        self._all = {one.pid: one for one in found if one is not None}

    @cached_property
    def _marks(self) -> Mapping[int, str]:
        """The mark of each process that bears one: its service's definition."""
        alive = [one.pid for one in self._all.values() if one.state != "Z"]
        return {pid: mark for pid in alive if (mark := mark_of(pid))}

    def suspended(self, pids: Sequence[int]) -> list[Process]:
        """What SIGSTOP has stopped of a service: of its processes, all that came from them, and their supervisors.

        Args:
            pids: of what its runsv has started: its process, its log.
        """
        below = {one for pid in pids for one in self.family(pid)}
        runsvs = {self._parent(pid) for pid in pids}
        found = below | runsvs | {self._parent(pid) for pid in runsvs} - {1}
        return [self._all[one] for one in sorted(found & self._all.keys()) if self._all[one].state == "T"]

    def _parent(self, pid: int) -> int:
        return self._all[pid].parent if pid in self._all else 0

    def get(self, pid: int) -> Process | None:
        """One of them; None where it has ended."""
        return self._all.get(pid)

    def strays(self, definition: Path, pid_file: Path | None, users: Collection[str] = ()) -> list[int]:
        """Processes of a service that have not come from the runsv that is in charge of it now.

        Args:
            definition: the folder of its definition (or of its log's).
            pid_file: where its program writes its pid, if it overwrites its environment (as NGINX does).
            users: that its processes may have, beside root and the caller; () where that is not known. Anybody may
                put anything into his own environment.
        """
        uids = {0, os.geteuid(), *filter(None, map(_uid, users))} if users else None
        found = [pid for pid, mark in self._marks.items() if mark == str(definition) and _is_of(pid, uids)]
        runsvs = [one.pid for one in self._all.values() if one.name == RUNSV]
        roots = [self._writer(pid_file), *(pid for pid in runsvs if _is_runsv(pid, definition))]
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
            name, _, rest = file.read().rpartition(")")
            words = rest.split()
    except _GONE:
        return None
    began = booted + int(words[19]) / os.sysconf("SC_CLK_TCK")
    return Process(int(pid), int(words[1]), words[0], began, name.partition("(")[2])


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


def mark_of(pid: int) -> str:
    """The service that the environment of a process names: its run script started it, or what that started; or "".

    Returns:
        The folder of the service's definition; it may have been removed since.
    """
    with suppress(*_GONE, PermissionError):
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - half as long as with paths
            variables = file.read().split(b"\0")
        return next((os.fsdecode(one[len(_MARKED) :]) for one in variables if one.startswith(_MARKED)), "")
    return ""


def _is_of(pid: int, uids: Collection[int] | None) -> bool:
    """Whether a process has one of some users; None: any."""
    try:
        return uids is None or Path(f"/proc/{pid}").stat().st_uid in uids
    except _GONE:
        return False


def _uid(user: str) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


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
