"""`python -m tests.harness.seccomp COMMAND…`: a command that the kernel refuses pidfd_getfd, as in many containers."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import NoReturn

_PIDFD_GETFD = 438
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_REFUSE, _ALLOW = 0x0005_0001, 0x7FFF_0000
"""SECCOMP_RET_ERRNO with EPERM, SECCOMP_RET_ALLOW (include/uapi/linux/seccomp.h)."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse() -> None:
    """Refuse the call to this process and those that it starts (seccomp(2))."""
    rules = [
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 1, _PIDFD_GETFD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    program = _Program(len(rules), b"".join(struct.pack("HBBI", *rule) for rule in rules))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main() -> NoReturn:
    """Become the command."""
    refuse()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command that is asked for


if __name__ == "__main__":
    main()
