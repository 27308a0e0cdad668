"""The accounts file: read by the issuer, changed by commands, one at a time and all or nothing."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.auth.accounts import Accounts
from ctl.auth.accounts_file import MAX_BYTES, BrokenAccounts, parse_accounts, render_accounts
from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import group_id
from ctl.errors import USE_SUDO, CtlError, LockHeld, no_right_to_read
from ctl.machine.owner import refuse_root_of_another
from ctl.paths import Layout

MODE = 0o640
_WAIT = 20.0
"""Seconds that a change waits for another one: scripts may make many at once."""
_PAUSE = 0.01
Change = Callable[[Accounts], Accounts]
"""From the accounts as they are to those that are wanted."""
_Identity = tuple[int, int, int, int] | str | None


def read(path: Path) -> Accounts:
    """The accounts of a file; none where there is no file.

    Raises:
        CtlError: it is broken, or may not be read by this user.
    """
    return read_with_state(path)[0]


def read_with_state(path: Path) -> tuple[Accounts, os.stat_result | None]:
    """The accounts, and the state of the file from which they are; None where there is no file."""
    try:
        data, state = _content(path)
    except FileNotFoundError:
        return Accounts(), None
    except PermissionError as error:
        raise no_right_to_read(path) from error
    except OSError as error:
        raise BrokenAccounts(f"{path}: cannot be read: {error.strerror}") from error
    return parse_accounts(data, str(path)), state


def _content(path: Path) -> tuple[bytes, os.stat_result]:
    # A pipe in its place must not make the issuer wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        return file.read(MAX_BYTES + 1), state


def change(path: Path, layout: Layout, function: Change, *, group: str | None = None) -> Accounts:
    """Change the accounts file: under a lock, in one step, readable by its owner and the issuer's group only.

    Args:
        path: the file, which need not exist; a symbolic link is followed.
        layout: the root whose lock is taken.
        function: from the accounts as they are to those that are wanted; what it raises leaves the file alone.
        group: the account group of the issuer; one that does not exist yet, and every one where the caller
            is not root, leaves the group of the file as it is.

    Returns:
        The accounts as they are now.

    Raises:
        LockHeld: other changes do not end.
        CtlError: the file is broken, or may not be changed by this user.
    """
    with _locked(layout):
        before = read(path)
        after = function(before)
        if after != before or not path.exists():
            _write(Path(os.path.realpath(path)), render_accounts(after), group)
    return after


def _write(path: Path, content: bytes, group: str | None) -> None:
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        uid, gid = (0, _group(path, group)) if os.geteuid() == 0 else (None, None)
        write_atomic(path, content, mode=MODE, uid=uid, gid=gid)
    except PermissionError as error:
        raise CtlError(f"{path} may not be changed by this user", hint=USE_SUDO) from error
    except OSError as error:
        raise CtlError(f"{path}: cannot be written: {error.strerror}; it is as it was") from error


def _group(path: Path, group: str | None) -> int:
    """Number of the issuer's group; before the first `ctl reconfigure` there is none."""
    found = group_id(group) if group else None
    if found is not None:
        return found
    return path.stat().st_gid if path.exists() else 0


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """Keep other changes out; the kernel lets go of it when the process ends, however it ends."""
    refuse_root_of_another(layout)
    path = layout.state / "accounts.lock"
    try:
        layout.state.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        layout.state.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise CtlError(f"{error.filename} may not be used by this user", hint=USE_SUDO) from error
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockHeld(
                    f"the accounts are being changed by another process, which holds {path}",
                    hint="Wait for it to end, and run again.",
                ) from None
            time.sleep(_PAUSE)
        else:
            return


class Watched:
    """An accounts file that is read again when it has changed. May be used by several threads.

    Args:
        path: the file, which need not exist.
        report: called once for every broken state and of its end, and where the file is gone; without secrets.
    """

    def __init__(self, path: Path, report: Callable[[str], None] = lambda _: None) -> None:
        self._path = path
        self._report = report
        self._lock = threading.Lock()
        self._seen: _Identity = "nothing yet"
        self._accounts = Accounts()
        self._ever_read = self._broken = False

    def current(self) -> Accounts:
        """The accounts as the file has them now; as they last were where it is broken or cannot be read."""
        if self._identity() != self._seen:
            with self._lock:
                identity = self._identity()  # another thread may have read a later state meanwhile
                if identity != self._seen:
                    self._read(identity)
        return self._accounts

    def _identity(self) -> _Identity:
        """What distinguishes one state of the file from another: see stat(2). None where there is no file."""
        try:
            return _identity(self._path.stat())
        except FileNotFoundError:
            return None
        except OSError as error:
            return str(error.strerror)

    def _read(self, identity: _Identity) -> None:
        try:
            found, state = read_with_state(self._path)
        except CtlError as error:
            rest = (
                "the accounts stay as they were" if self._ever_read else "there are none until that is mended"
            )
            self._report(f"{error.message}; {rest}")
            self._broken = True
        else:
            # of the very file that was read: it may have come, gone or been replaced since it was looked at
            identity = _identity(state) if state else None
            if self._broken:
                self._report(f"{self._path} can be read again")
            elif identity is None and self._accounts != Accounts():
                self._report(f"{self._path} is gone, and all accounts with it")
            self._accounts, self._ever_read, self._broken = found, True, False
        self._seen = identity


def _identity(found: os.stat_result) -> _Identity:
    # The last is also that of a change of the rights by which it can be read.
    return found.st_mtime_ns, found.st_ino, found.st_size, found.st_ctime_ns
