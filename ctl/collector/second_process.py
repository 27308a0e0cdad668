"""Work that a second process shares: the answer is the same, whatever becomes of that process."""

from __future__ import annotations

import marshal
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

_ALONE = 10
"""Shares of work; for fewer a second process is not worth its start."""
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LENGTH = 8
"""Bytes of a number before what is sent."""
T = TypeVar("T")
R = TypeVar("R")


def in_two(work: Callable[[T], R], items: Sequence[T], share: int = 1) -> Generator[R]:
    """What some work makes of each item, in their order; of many a second process does every other share.

    It ends with this one, or when what is given here is closed.

    Args:
        work: it changes nothing that is needed afterwards: half of it is done elsewhere. What it makes consists of
            numbers, texts and the like.
        items: any.
        share: so many of them are sent at once, and held in memory.
    """
    shares = [items[at : at + share] for at in range(0, len(items), share)]
    if len(shares) < _ALONE or len(os.sched_getaffinity(0)) < 2 or threading.active_count() > 1:
        yield from map(work, items)  # of a process with threads a copy may wait for ever
        return
    there, here = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # the copy must not come to handle them
    child = _fork(here, work, shares[1::2])
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(here)
        with open(there, "rb") as pipe:  # noqa: PTH123 - it has no path
            for number, some in enumerate(shares):
                yield from (_receive(pipe) if number % 2 else None) or map(work, some)
    except BaseException:
        if child:
            os.kill(child, signal.SIGKILL)
        raise
    finally:
        if child:
            with suppress(ChildProcessError):  # where SIGCHLD is ignored
                os.waitpid(child, 0)


def _receive(pipe: BinaryIO) -> list[Any] | None:
    """What the second process has made of its next share; None where it was killed, or has failed: so may this one."""
    try:
        return list(marshal.loads(pipe.read(int.from_bytes(pipe.read(_LENGTH), "big"))))  # noqa: S302 - our own
    except (EOFError, ValueError, TypeError):
        return None


def _fork(pipe: int, work: Callable[[T], R], shares: Iterable[Sequence[T]]) -> int | None:
    """Begin the second process. None where there are too many, or too little memory for it."""
    parent = os.getpid()
    with suppress(OSError):
        return os.fork() or _send(pipe, parent, work, shares)
    return None


def _send(pipe: int, parent: int, work: Callable[[T], R], shares: Iterable[Sequence[T]]) -> NoReturn:
    """Send what some work makes, as the second process. Nothing of the first one's is flushed.

    Its files are closed here: a lock is held by whoever has it open, and this may end later.
    """
    try:
        _close_all_but(pipe)
        with open(pipe, "wb") as file:
            for some in shares:
                found = marshal.dumps([work(one) for one in some])
                file.write(len(found).to_bytes(_LENGTH, "big") + found)
                file.flush()
                if os.getppid() != parent:
                    break
    finally:
        os._exit(0)


def _close_all_but(pipe: int) -> None:
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if number > 2 and number != pipe:
            with suppress(OSError):  # the list itself was one of them
                os.close(number)
