"""Work that is counted, since seconds say more of the machine than of the code."""

from __future__ import annotations

import cProfile
from collections.abc import Iterator
from contextlib import contextmanager


class TooMuch(AssertionError):
    """More was done than may be."""


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Fail where more functions are called than that, Python's own and built-in ones counted alike.

    The same input makes the same number on every machine. What one built-in call costs is not in it: that is
    bounded by the sizes that the language and the texts allow.

    Args:
        calls: some times what it takes now; ten million calls are about a second.

    Raises:
        TooMuch: with the number of calls.
    """
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
    made = sum(one.callcount for one in profile.getstats())
    if made > calls:
        raise TooMuch(f"{made:,} calls, more than {calls:,}")
