"""Temporary files and folders that killed processes left, distinguished from those in use by a lock on them.

A lock (flock) ends with the process that holds it, whatever ends that. What is the caller's own, has the name of
a temporary one, and is locked by nobody, nobody will miss.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A fresh folder for the caller alone, locked while it is in use, and removed at the end if it is still there.

    Args:
        prefix: begins its name.
        parent: where it is made; by default among the machine's temporary files.
    """
    folder, descriptor = locked_folder(prefix, parent)
    try:
        yield folder
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):  # a sweeper may be quicker, now that it is locked no more
            shutil.rmtree(folder)


def locked_folder(prefix: str, parent: Path | None) -> tuple[Path, int]:
    """As `temporary_folder`; the caller removes it.

    Returns:
        The folder, and the descriptor that holds its lock; a child process that inherits it holds it too.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # taken for a leftover before it was locked: make another
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if lock(descriptor):
                return folder, descriptor
            os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Lock a file or folder that has just been made. Returns False where a sweeper was quicker: make another."""
    # Where the file system knows no locks, a sweeper cannot lock either, and leaves everything alone.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return os.fstat(descriptor).st_nlink > 0


def abandoned(parent: Path, prefix: str) -> Iterator[Path]:
    """The regular files and folders of the caller's that nobody uses; each is locked while it is looked at.

    Args:
        parent: the folder to search; other accounts may write there.
        prefix: of their names.
    """
    for path in sorted(parent.glob(f"{prefix}*")):
        try:
            descriptor = os.open(
                path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            )
        except OSError:  # a link, another account's, or gone by now: not ours to look after
            continue
        try:
            if os.fstat(descriptor).st_uid == os.geteuid() and _unused(descriptor):
                yield path
        finally:
            os.close(descriptor)


def _unused(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody holds it; or no locks can be had here, and nothing is known
        return False
    return True


def sweep(parent: Path, prefix: str) -> None:
    """Remove what killed processes of the caller's left in a folder."""
    for left in abandoned(parent, prefix):
        # What cannot be removed is left as it was; what this run is for does not need it gone.
        with suppress(OSError):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()
