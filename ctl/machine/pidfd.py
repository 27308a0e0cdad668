"""Descriptors of other processes (pidfd_getfd(2)), which the standard library does not have."""

from __future__ import annotations

import ctypes
import os

_PIDFD_GETFD = 438
"""The number of the system call, on every architecture (include/uapi/asm-generic/unistd.h)."""


def copy_descriptor(handle: int, number: int) -> int:
    """A descriptor of another process.

    Args:
        handle: of the process (pidfd_open(2)).
        number: which.

    Raises:
        OSError: it has none, or this process may not; many containers forbid the call altogether.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(_PIDFD_GETFD, handle, number, 0))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


def copies_descriptors() -> bool:
    """Whether the kernel lets a process have descriptors of another: asked with this process's own."""
    try:
        handle = os.pidfd_open(os.getpid())
    except OSError:
        return False
    try:
        os.close(copy_descriptor(handle, handle))
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
