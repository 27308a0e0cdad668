"""Tries something with the rights of another account, in a process of its own that starts no program."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ctl.errors import os_error

SECONDS = 10.0
"""For a read and a write in a folder; they take thousandths, and in a storage that hangs they never end."""
SILENT = f"it does not answer within {SECONDS:.0f} s"
_LARGEST = 4096
_LOOKS, _PAUSE = 50, 0.02
_FIRST_FREE = 3
"""The first descriptor after the standard streams."""


class Identity(NamedTuple):
    """Whose rights count.

    Args:
        uid, gid: the account's. Where root tries it, its further groups do not count: services run without them.
    """

    uid: int
    gid: int


def failure_as(identity: Identity, job: Callable[[], None]) -> str:
    """Run a job in a child process, so that one that hangs on a dead file server can be left.

    A fork costs a fraction of a program's start, and is safe beside threads for a job that only calls the system.

    Args:
        identity: whose rights it has: the caller's own, or any where that is root.
        job: raises OSError where it fails.

    Returns:
        Why it failed, "" where it did not; SILENT where it does not come to an end.
    """
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return f"it cannot be tried: {error.strerror}"
    if child == 0:
        _run(identity, job, writing)
    os.close(writing)
    try:
        ended = bool(select.select([reading], [], [], SECONDS)[0])
        text = os.read(reading, _LARGEST).decode("utf-8", "replace") if ended else SILENT
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(reading)
    if not ended:
        os.kill(child, signal.SIGKILL)
    status = _status(child, wait=ended)
    return text or ("the try was ended" if status else "")


def _status(child: int, *, wait: bool) -> int:
    """How it ended. One that hangs may not end even when it is killed: it is left after a moment."""
    for _ in range(_LOOKS):
        pid, status = os.waitpid(child, 0 if wait else os.WNOHANG)
        if pid:
            return status
        time.sleep(_PAUSE)
    return 0


def _run(identity: Identity, job: Callable[[], None], writing: int) -> None:
    """The child: never returns, and keeps no lock of its parent's."""
    status = 1
    with suppress(BaseException):
        os.closerange(_FIRST_FREE, writing)
        os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))
        try:
            if os.geteuid() == 0:
                os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)
            job()
            status = 0
        except OSError as error:
            os.write(writing, os_error(error).encode("utf-8", "surrogateescape")[:_LARGEST])
    os._exit(status)
