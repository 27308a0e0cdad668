"""Small files, read with as few calls of the system as there can be."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_SMALL, _MORE = 16 * 1024, 64 * 1024
"""Bytes; most manifests have less."""
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_small(path: str, limit: int) -> bytes:
    """The content of a link, or of a manifest that is compared with its digest: three calls of the system.

    A file system that gives less than all at a time, as FUSE may, cuts what is larger than a page.

    Raises:
        OSError: it cannot be read, or is larger than the limit.
    """
    descriptor = os.open(path, _READ)
    try:
        content = os.read(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return content


def read_with_facts(path: str, limit: int, folder: int) -> tuple[bytes, os.stat_result]:
    """The beginning of a link below an open folder, and what the file system knows of the same file.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, _READ, dir_fd=folder)
    try:
        return os.read(descriptor, limit), os.fstat(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: str, limit: int) -> bytes:
    """The content of a file: four calls of the system, where it is small. What is no regular file does not block.

    Raises:
        OSError: it cannot be read, or is larger than the limit.
    """
    descriptor = os.open(path, _READ)
    try:
        content = os.read(descriptor, _SMALL)
        while more := os.read(descriptor, _MORE):  # less than all may come at a time, as from FUSE
            content += more
            if len(content) > limit:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    finally:
        os.close(descriptor)
    return content


def open_own(path: Path, flags: int) -> int:
    """Open a file that is ours, a regular one: neither what a symbolic link leads to, nor what could block.

    Raises:
        OSError: it cannot be opened, or is something else.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.ELOOP):  # a pipe that nobody reads, a symbolic link
            raise
    else:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def read_own(path: Path) -> str:
    """The text of a file that is ours; what is no UTF-8 is replaced.

    Raises:
        OSError: as `open_own`.
    """
    with open(open_own(path, os.O_RDONLY), encoding="utf-8", errors="replace") as file:
        return file.read()
