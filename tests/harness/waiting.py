"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], *, seconds: float = 10.0, what: str = "", pause: float = 0.02) -> T:
    """Call `look` until it returns something true, and return that.

    Args:
        look: asked again and again; an OSError counts as "not yet".
        seconds: the limit.
        what: named in the error.
        pause: seconds between two looks.

    Raises:
        AssertionError: the limit has passed.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except OSError as error:
            found, last = None, f": {error}"
        else:
            last = ""
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what or look} did not happen within {seconds} s{last}")
        time.sleep(pause)


def listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections at the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        return client.connect_ex((host, port)) == 0
