"""Runs a function as an ordinary user."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

NOBODY = 65534


def as_nobody(function: Callable[[], object]) -> str:
    """What a function returns (as text), or how it fails, when called as nobody; as oneself if not root.

    The process is forked, not started anew: Python itself may be where nobody cannot go, so whatever the
    function imports must have been imported before.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            text = str(function())
        except BaseException:
            text = traceback.format_exc()
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read().decode()
    os.waitpid(pid, 0)
    return text
