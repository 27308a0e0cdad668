"""One run at a time for each root."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ctl.errors import USE_SUDO, CtlError, LockHeld, naming
from ctl.machine.owner import refuse_root_of_another
from ctl.paths import Layout

PATIENCE = 1.0
"""Seconds in which a run that has just taken the lock writes its process number."""
PATIENCE_AFTER_KILL = 60.0
"""Seconds in which a program ends that a killed run has started, and that holds its lock."""
_held: list[int] = []


@contextmanager
def run_lock(layout: Layout) -> Iterator[None]:
    """Hold the lock of a converging run; the kernel frees it when the process ends, however it ends.

    Raises:
        LockHeld: another run holds it; names its process.
        CtlError: this user may not take it, or is root in the root of somebody else.
    """
    refuse_root_of_another(layout)
    descriptor = _open(layout)
    try:
        _take(descriptor, layout)
        with naming(layout.run_lock):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        _held.append(descriptor)
        try:
            yield
        finally:
            _held.remove(descriptor)
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def held_locks() -> tuple[int, ...]:
    """Descriptors of the locks that this process holds.

    A program that inherits them holds them, too, until it ends: no run begins beside what a killed one has started.
    """
    return tuple(_held)


def _open(layout: Layout) -> int:
    try:
        layout.state.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        layout.state.mkdir(mode=0o700, exist_ok=True)
        return os.open(layout.run_lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise CtlError(f"{error.filename} may not be used by this user", hint=USE_SUDO) from error


def _take(descriptor: int, layout: Layout) -> None:
    """Take the lock or name who holds it; one that is about to write its number, or to end, gets a moment to do so."""
    began = time.monotonic()
    while not _taken(descriptor):
        number = _number(descriptor)
        alive = number is not None and Path(f"/proc/{number}").exists()
        patience = PATIENCE if number is None else PATIENCE_AFTER_KILL
        if not alive and time.monotonic() < began + patience:
            time.sleep(0.01)
            continue
        if number is None or alive:
            raise LockHeld(
                f"another run is under way (pid {number or 'unknown'}), holding {layout.run_lock}",
                hint="Wait for it to end, and run again.",
            )
        raise LockHeld(
            f"a program that a killed run (pid {number}) started does not end, and holds {layout.run_lock}"
            f"{_processes_with(layout.run_lock)}",
            hint="Wait for it to end, or end it; and run again.",
        )


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _number(descriptor: int) -> int | None:
    """The process number in the lock file: a killed run leaves its own behind."""
    text = os.pread(descriptor, 32, 0).decode(errors="replace")
    return int(text) if text.endswith("\n") and text.strip().isdecimal() else None


def _processes_with(path: Path) -> str:
    """Which other processes have a file open, in brackets."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it ended meanwhile
            if link.readlink() == path and link.parts[2] != str(os.getpid()):
                found.add(f"{(link.parents[1] / 'comm').read_text().strip()}, pid {link.parts[2]}")
    return f" ({'; '.join(sorted(found))})" if found else ""
