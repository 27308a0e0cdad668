"""An alarm clock for a selector: wakes it at a time of the wall clock, or as soon as that clock is set.

It sleeps until then. A machine that was suspended wakes it afterwards, if the time has come (timerfd_create(2)).
"""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress
from datetime import datetime

_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_ABSTIME, _CANCEL_ON_SET = 1, 2
_EXPIRATIONS = 8
"""Bytes that a read returns."""
_libc = ctypes.CDLL(None, use_errno=True)


class Alarm:
    """A timerfd of the wall clock: Python has it from 3.13 on only. Raises OSError where the kernel has none."""

    def __init__(self) -> None:
        self.fd = _called("timerfd_create", time.CLOCK_REALTIME, _NONBLOCK | _CLOEXEC)

    def fileno(self) -> int:
        """For a selector."""
        return self.fd

    def set(self, moment: datetime | None) -> None:
        """Wake up at a moment, at once where it has gone by; never for None. Raises OSError."""
        nanoseconds = max(1, int(moment.timestamp() * 10**9)) if moment else 0
        when = (ctypes.c_long * 4)(0, 0, *divmod(nanoseconds, 10**9))  # struct itimerspec
        _called("timerfd_settime", self.fd, _ABSTIME | _CANCEL_ON_SET, ctypes.byref(when), None)

    def stop(self) -> None:
        """It has woken somebody up."""
        with suppress(OSError):  # ECANCELED: the clock was set
            os.read(self.fd, _EXPIRATIONS)


def _called(name: str, *arguments: object) -> int:
    result: int = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result
