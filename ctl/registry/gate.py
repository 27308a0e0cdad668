"""The gate between the registry and its garbage collection: a lock that only one of them can pass.

The registry's run script takes the lock as a reader and gives it back before the registry begins; so it
waits for as long as a collection, which holds the lock alone, lives. Collector and private instance inherit
the lock: a killed ctl opens the gate by itself, but not before they are dead too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from ctl.errors import USE_SUDO, CtlError, LockHeld
from ctl.paths import Layout

_WAIT = "Wait for its end."


def gate_file(layout: Layout) -> Path:
    """The file of the lock; run scripts open it too."""
    return layout.state / "collect.lock"


class Gate:
    """The gate, held: `with Gate(layout) as gate: …`.

    Args:
        layout: the root.
        shared: let the registry pass all the same, and only keep collections away: for a dry run, and for a
            run that may restart the registry.
        patience: seconds to wait for run scripts that pass the gate at this moment; each takes milliseconds.

    Raises:
        LockHeld: another collection is under way; names its process.
        CtlError: the file cannot be opened.
    """

    def __init__(self, layout: Layout, *, shared: bool = False, patience: float = 2.0) -> None:
        self._path = gate_file(layout)
        self._patience = patience
        self._shared = shared
        self._fd = -1

    def __enter__(self) -> Gate:
        self._fd = _open(self._path)
        try:
            self._take()
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def fileno(self) -> int:
        """The descriptor that children inherit."""
        return self._fd

    def release(self) -> None:
        """Let the registry pass, once every child that inherited the lock has ended."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self) -> None:
        end = time.monotonic() + self._patience
        while not _lock(self._fd, fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX):
            # a reader is a run script on its way, a reconfigure or a dry run; a writer is a collection
            if not _lock(self._fd, fcntl.LOCK_SH):
                raise LockHeld(f"a garbage collection is under way{self._holder()}", hint=_WAIT)
            if time.monotonic() > end:
                raise LockHeld("a reconfigure, or a dry run of a collection, is under way", hint=_WAIT)
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            time.sleep(0.01)
        if not self._shared:
            self._sign()

    def _sign(self) -> None:
        """Say who holds it, for the error of whoever comes next. A full disk is collected without."""
        user = os.environ.get("SUDO_USER", "")
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()} {user if user.isprintable() else ''}\n".encode(), 0)

    def _holder(self) -> str:
        return _signature(self._fd)


def collecting(layout: Layout) -> bool:
    """Whether a collection is under way; False also where the gate cannot be looked at."""
    return collection(layout) is not None


def collection(layout: Layout) -> str | None:
    """Since when a collection is under way, and by whom, as " since 10:40:12 (process 17, alice)".

    None where there is none, and where the gate cannot be looked at.
    """
    try:
        fd = os.open(gate_file(layout), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _lock(fd, fcntl.LOCK_SH):
            return None
        since = time.strftime("%H:%M:%S", time.localtime(os.fstat(fd).st_mtime))
        return f" since {since}{_signature(fd)}"
    finally:
        os.close(fd)


def _signature(fd: int) -> str:
    """Who holds it, as far as that is written in it."""
    pid, _, user = os.pread(fd, 100, 0).decode("utf-8", "replace").partition("\n")[0].partition(" ")
    return f" (process {pid}{f', {user}' if user else ''})" if pid.isdecimal() else ""


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        # a run script that came first made it with its own umask
        os.fchmod(fd, 0o600)
    except PermissionError as error:
        raise CtlError(f"{path} may not be used by this user", hint=USE_SUDO) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            # No run script has come before, as each makes the file; the lock in the storage keeps others away.
            return os.memfd_create("ctl-gate")
        raise CtlError(f"{path} cannot be opened: {error.strerror}") from error
    return fd


def _lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
