"""One editor at a time for each settings file, and replacing it with its mode and owner kept."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import TEMPORARY_PREFIX, write_atomic
from ctl.converge.leftovers import abandoned
from ctl.errors import USE_SUDO, CtlError, LockHeld, UsageFault
from ctl.language.text_files import FileProblem, read_text

_PAUSE = 0.02
"""Seconds between two attempts to take the lock."""


class ChangedMeanwhile(CtlError):
    """The settings file is not what it was when the edit began (exit 1)."""


@dataclass(frozen=True)
class Original:
    """A settings file as it was when its edit began.

    Args:
        named: as the user named it.
        target: the file itself, at the end of symbolic links.
        content: what is in it.
        status: mode and owner.
    """

    named: Path
    target: Path
    content: bytes
    status: os.stat_result

    @property
    def text(self) -> str:
        """Its text, with a byte order mark and newlines as they are."""
        return self.content.decode()

    def replace(self, content: bytes) -> None:
        """Put other content in its place, with its mode and owner.

        Raises:
            ChangedMeanwhile: it has other content by now than when the edit began.
            OSError: it cannot be written; it is untouched.
        """
        if self.target.read_bytes() != self.content:
            raise ChangedMeanwhile(f"{self.named} was changed by somebody else meanwhile")
        mode = stat.S_IMODE(self.status.st_mode)
        write_atomic(self.target, content, mode=mode, uid=self.status.st_uid, gid=self.status.st_gid)


@contextmanager
def locked(settings_file: Path, *, wait: float = 0) -> Iterator[Original]:
    """Hold a settings file against other edits. The kernel lets go of it when the process ends.

    Args:
        settings_file: the file; a symbolic link is followed.
        wait: seconds to wait for another edit to end.

    Raises:
        UsageFault: it cannot be used.
        LockHeld: it is being edited.
    """
    target = _target(settings_file)
    descriptor = _lock(target, time.monotonic() + wait, settings_file)
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            original = Original(settings_file, target, file.read(), os.fstat(descriptor))
        _require_writable(original)
        _sweep(target.parent)
        yield original
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove half-written files and copies of killed commands; folders may hold a user's work, and stay."""
    for left in abandoned(folder, TEMPORARY_PREFIX):
        if left.is_file():
            left.unlink(missing_ok=True)


def _target(settings_file: Path) -> Path:
    try:
        read_text(settings_file)
    except FileProblem as problem:
        hint = problem.hint
        if not settings_file.exists() and not settings_file.is_symlink():
            hint = f"Write one: ctl settings template --output {settings_file}"
        raise UsageFault(f"the settings file {settings_file} {problem.message}", hint=hint or None) from None
    return settings_file.resolve(strict=True)


def _lock(target: Path, deadline: float, named: Path) -> int:
    """An open file that holds the lock of what is at the target now: an edit puts another file there."""
    while True:
        descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), target.stat()):
                return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise LockHeld(
                    f"{named} is being edited", hint="Wait for that to end, and run again."
                ) from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        time.sleep(_PAUSE)


def _require_writable(original: Original) -> None:
    """Say at once, and not after the work, that it cannot be written."""
    foreign = os.geteuid() not in (0, original.status.st_uid)
    folders = (original.target.parent, original.named.parent)
    for folder in folders:
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise UsageFault(f"{original.named} may not be changed: the file system of {folder} is read-only")
    if foreign or not all(os.access(folder, os.W_OK | os.X_OK) for folder in folders):
        raise CtlError(f"{original.named} may not be changed by this user", hint=USE_SUDO)
