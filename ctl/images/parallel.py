"""Many looks at a storage: where each costs next to nothing by two processes at most, else many at a time."""

from __future__ import annotations

import marshal
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

from ctl.collector.tree import Tree

READERS = 16
"""Requests at a time."""
ALONE = 5_000
"""Items for which a second process is not worth its start."""
T = TypeVar("T")
R = TypeVar("R")


def each(tree: Tree, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """What some work makes of each item, in their order."""
    return map(work, items) if tree.cheap else _each_of_many(work, items)


def _each_of_many(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(work, items)


def in_two(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """What some work makes of each item, in their order; a second process does half of many.

    Args:
        work: it changes nothing that is needed afterwards: half of it is done elsewhere. What it makes consists of
            numbers, texts and the like.
        items: any.
    """
    alone = len(items) < ALONE or len(os.sched_getaffinity(0)) < 2
    if alone or threading.active_count() > 1:  # of a process with threads a copy may wait for ever
        return list(map(work, items))
    half = len(items) // 2
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(here, lambda: list(map(work, items[half:])))
    os.close(here)
    with open(there, "rb") as pipe:  # noqa: PTH123 - it has no path
        try:
            found = list(map(work, items[:half]))
            answer = pipe.read()
        except BaseException:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            with suppress(ChildProcessError):  # where SIGCHLD is ignored
                os.waitpid(child, 0)
    try:
        return [*found, *marshal.loads(answer)]  # noqa: S302 - our own
    except (EOFError, ValueError, TypeError):  # it was killed, or failed: so may this
        return [*found, *map(work, items[half:])]


def _answer(pipe: int, work: Callable[[], list[Any]]) -> NoReturn:
    """Write what some work makes, as the second process. Nothing of the first one's is closed or flushed."""
    try:
        with open(pipe, "wb") as file:
            marshal.dump(work(), file)
        os._exit(0)
    finally:
        os._exit(1)
