"""Small files, read with as few calls of the system as there can be."""

from __future__ import annotations

import errno
import os
import stat


def read_link(path: str, limit: int) -> bytes:
    """The content of a link, which is small: three calls of the system, where there is a link for each image.

    Raises:
        OSError: it cannot be read, or is larger than the limit.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return content


def read_file(path: str, limit: int) -> bytes:
    """The content of a regular file; others could block.

    Raises:
        OSError: it cannot be read, is no file, or larger than the limit.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        if info.st_size > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        content = os.read(descriptor, info.st_size + 1)
        while info.st_size < len(content) <= limit and (more := os.read(descriptor, limit + 1)):
            content += more
    finally:
        os.close(descriptor)
    return content
