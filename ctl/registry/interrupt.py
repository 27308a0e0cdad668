"""Turns Ctrl-C, TERM and HUP into an error, so that what was begun is put back before ctl ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from ctl.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HINT = "What was deleted until then is gone; the rest is whole, and another run goes on."


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Interrupted in the main thread for each of the signals that was not ignored before (nohup)."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    chosen = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    for number in chosen:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in chosen:
            signal.signal(number, before[number])


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(signal.Signals(number).name, number, _HINT)
