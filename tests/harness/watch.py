"""Watchers that look at something all the time while a test does other things."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.harness import processes


class Watch:
    """Calls `look` again and again in a thread, from entering to leaving the context.

    Args:
        look: returns "" where all is well, else what is wrong; an error is a finding too.
        pause: seconds between two looks.

    Attributes:
        findings: every finding, in order.
        looks: how often it looked.
    """

    def __init__(self, look: Callable[[], str], *, pause: float = 0.01) -> None:
        self.findings: list[str] = []
        self.looks = 0
        self._look, self._pause = look, pause
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                found = self._look()
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            self.looks += 1
            if found:
                self.findings.append(f"{time.strftime('%T')} {found}")
            self._end.wait(self._pause)


class CommandLines(Watch):
    """Collects every command line that shows on the machine.

    Attributes:
        lines: all that were seen.
    """

    def __init__(self) -> None:
        self.lines: set[str] = set()
        super().__init__(self._collect, pause=0.0)

    def _collect(self) -> str:
        self.lines.update(processes.command_lines())
        return ""
