"""One run at a time for each root."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.errors import USE_SUDO, CtlError, LockHeld, naming
from ctl.machine.owner import refuse_root_of_another
from ctl.paths import Layout

PATIENCE = 1.0
"""Seconds in which a run that has just taken the lock writes its process number."""


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
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _open(layout: Layout) -> int:
    try:
        layout.state.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        layout.state.mkdir(mode=0o700, exist_ok=True)
        return os.open(layout.run_lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise CtlError(f"{error.filename} may not be used by this user", hint=USE_SUDO) from error


def _take(descriptor: int, layout: Layout) -> None:
    """Take the lock or name who holds it; a holder that has not yet written its number gets a moment to do so."""
    until = time.monotonic() + PATIENCE
    while not _taken(descriptor):
        holder = _holder(descriptor)
        if holder is None and time.monotonic() < until:
            time.sleep(0.01)
            continue
        raise LockHeld(
            f"another run is under way (pid {holder or 'unknown'}), holding {layout.run_lock}",
            hint="Wait for it to end, and run again.",
        )


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> int | None:
    """The process number in the lock file, if it is of a living process: a killed run leaves its own behind."""
    text = os.pread(descriptor, 32, 0).decode(errors="replace")
    if not text.endswith("\n") or not text.strip().isdecimal():
        return None
    number = int(text)
    return number if Path(f"/proc/{number}").exists() else None
