"""Breaks work at its Nth change of a folder: the process is killed, or the call fails."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from ctl.errors import CtlError

CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.utime", "os.chown", "shutil.rmtree"}
"""Audit events of calls that change a file system; beside `open` for writing."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

POINTS = os.environ.get("CTL_TEST_CRASH_POINTS")
"""Read now: a test session takes it out of the environment."""


class Break:
    """Ends the process, or fails a call, at the Nth change.

    Args:
        number: of the change; 0 only counts.
        error: of the system, or None to kill.
        top: changes elsewhere do not count.
    """

    def __init__(self, number: int, error: int | None, top: Path) -> None:
        self.count = 0
        self._number = number
        self._error = error
        self._top = str(top)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit hook."""
        writes = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & WRITES)
        if not (writes or event in CHANGES) or not str(arguments[0]).startswith(self._top):
            return
        self.count += 1
        if self.count == self._number:
            if self._error is None:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(self._error, "on purpose", str(arguments[0]))


def broken(work: Callable[[], object], top: Path, number: int, error: int | None = None) -> int:
    """Work in a child that breaks at a change. Returns how many changes it saw; -1 where it was killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        hook = Break(number, error, top)
        sys.addaudithook(hook)
        try:
            work()
        except (CtlError, OSError):
            pass
        finally:
            os.write(writer, str(hook.count).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return int(text) if text else -1


def points(total: int, few: int = 3) -> list[int]:
    """All, or without `CTL_TEST_CRASH_POINTS` in the environment a few of them, always the same."""
    every = list(range(1, total + 1))
    return sorted(random.Random(total).sample(every, min(int(POINTS or few), total)))  # noqa: S311
