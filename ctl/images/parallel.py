"""Many looks at a storage: where each costs a request, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ctl.collector.tree import Tree

READERS = 16
"""Requests at a time."""
T = TypeVar("T")
R = TypeVar("R")


def each(tree: Tree, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """What some work makes of each item, in their order."""
    return map(work, items) if tree.cheap else _each_of_many(work, items)


def _each_of_many(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(work, items)
