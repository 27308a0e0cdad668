"""Signals during a run: the first one ends it by an exception; on the way back, and at its end, none counts."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Raises KeyboardInterrupt at the first signal of a person or the system, once; until `hold`."""

    def __init__(self) -> None:
        self._waiting = True
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        for number in WATCHED:
            self._former[number] = signal.signal(number, self._interrupt)
        return self

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt(f"interrupted by {signal.Signals(number).name}")

    def hold(self) -> None:
        """Let nothing but SIGKILL come between from now on.

        Programs started from now on ignore these signals too: a second Ctrl-C reaches all of a terminal.
        """
        self._waiting = False
        for number in WATCHED:
            signal.signal(number, signal.SIG_IGN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
