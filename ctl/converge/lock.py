"""One run at a time for each root."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ctl.errors import CtlError, LockHeld
from ctl.paths import Layout


@contextmanager
def run_lock(layout: Layout) -> Iterator[None]:
    """Hold the lock of a converging run; the kernel frees it when the process ends, however it ends.

    Raises:
        LockHeld: another run holds it; names its process.
        CtlError: this user may not take it.
    """
    descriptor = _open(layout)
    try:
        _take(descriptor, layout)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open(layout: Layout) -> int:
    try:
        layout.state.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        layout.state.mkdir(mode=0o700, exist_ok=True)
        return os.open(layout.run_lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise CtlError(
            f"{error.filename} may not be used by this user", hint="run the command with sudo"
        ) from error


def _take(descriptor: int, layout: Layout) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        raise LockHeld(
            f"another run is under way (pid {holder}), holding {layout.run_lock}",
            hint="wait for it to end, and run again",
        ) from None
