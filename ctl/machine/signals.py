"""Signals as events of a selector: the handler only writes to a pipe, so that nothing is cut off in the middle."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Callable, Iterable


def select_signals(
    selector: selectors.BaseSelector, numbers: Iterable[signal.Signals], received: Callable[[set[int]], None]
) -> None:
    """Let a selector wake up at signals, also at those that the caller had blocked.

    Args:
        selector: the data of its events are functions to call.
        numbers: the signals.
        received: called with those that came since the last call.
    """
    numbers = tuple(numbers)
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    selector.register(read, selectors.EVENT_READ, lambda: received(set(os.read(read, 1024))))
