"""Unix sockets below any root: the kernel takes at most 107 bytes of a path (unix(7))."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_path(path: str | Path) -> Iterator[str]:
    """Another path to the same socket, short however deep its folder is; good inside the `with` block.

    Raises:
        OSError: its folder cannot be entered.
    """
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def connect(path: str | Path, seconds: float) -> socket.socket:
    """A connection to a socket.

    Args:
        path: of the socket, or of a link to it.
        seconds: the time limit of this and of what follows on the connection.

    Raises:
        OSError: nobody listens there.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(seconds)
    try:
        with short_path(path) as short:
            client.connect(short)
    except OSError:
        client.close()
        raise
    return client


def nearest_path(path: str | Path, start: str | Path) -> str:
    """A path as a program in another folder best names it: absolute, or relative where that is shorter."""
    return min(str(path), os.path.relpath(path, start), key=len)
