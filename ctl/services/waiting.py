"""Waiting for something that nobody announces."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL = 0.025
"""Seconds between two looks at a service that is to change."""


def until(
    done: Callable[[], bool], *, seconds: float, every_second: Callable[[], None] = lambda: None
) -> None:
    """Wait, and do something about it once a second. Raises TimeoutError after `seconds`."""
    began = time.monotonic()
    turns = 0
    while not done():
        waited = time.monotonic() - began
        if waited > seconds:
            raise TimeoutError
        if waited > turns + 1:
            turns += 1
            every_second()
        time.sleep(POLL)
