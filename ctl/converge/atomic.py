"""Writing a file so that a reader sees the old one or the new one, whole, and never with the wrong rights."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ctl.converge.folders import open_folder
from ctl.converge.leftovers import lock
from ctl.errors import naming

TEMPORARY_PREFIX = ".ctl-"
"""Begins the name of every temporary file, so that one left by a crash can be distinguished from others' files."""


def write_atomic(
    path: Path, content: bytes, *, mode: int, uid: int | None = None, gid: int | None = None
) -> None:
    """Replace a file's content, mode and owner in one step.

    The temporary file is in the same folder; its mode and owner are set before it has content. A final
    path that is a symbolic link is replaced, not followed.

    Args:
        path: the file; its folder exists.
        content: the whole new content.
        mode: permission bits.
        uid, gid: new owner and group; None for the caller's.

    Raises:
        OSError: with the target as its filename; the former file is untouched.
        CtlError: the folder is reached through a symbolic link that another account made.
    """
    with naming(path), open_folder(path.parent) as folder:
        _write(folder, path.name, content, mode, -1 if uid is None else uid, -1 if gid is None else gid)


def _write(folder: int, name: str, content: bytes, mode: int, uid: int, gid: int) -> None:
    with temporary(folder) as temporary_name, created(temporary_name, folder) as descriptor:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.fsync(descriptor)
        os.rename(temporary_name, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


@contextmanager
def created(name: str | Path, folder: int | None = None) -> Iterator[int]:
    """A new file for this user alone, locked so that nobody takes it for a leftover (ctl.converge.leftovers).

    Args:
        name: of the file; in `folder` if that is given.
        folder: a descriptor.

    Yields:
        A descriptor to write to.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    while not lock(descriptor):
        os.close(descriptor)
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def link_atomic(path: Path, target: str) -> None:
    """Replace a symbolic link (or a file) by one that points at `target`, in one step.

    Raises:
        OSError: with the link as its filename; what was there is untouched.
    """
    with naming(path), open_folder(path.parent) as folder, temporary(folder) as temporary_name:
        os.symlink(target, temporary_name, dir_fd=folder)
        os.rename(temporary_name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)


@contextmanager
def temporary(folder: int) -> Iterator[str]:
    """A fresh name in a folder; what still bears it at the end is removed."""
    name = f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    try:
        yield name
    finally:
        with suppress(FileNotFoundError):  # renamed into place: as it should be
            os.unlink(name, dir_fd=folder)
