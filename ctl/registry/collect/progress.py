"""Shows on a terminal how far a collection is, if it takes over a second."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ctl.output import Console, Style

SILENT_SECONDS = 1.0
_REFRESH_SECONDS = 0.1
_ERASE = "\r\x1b[K"
"""To the beginning of the line, and nothing in it (ECMA-48, EL)."""


def _is_terminal() -> bool:
    return sys.stderr.isatty()


class Terminal:
    """Reports on standard error: warnings, and on a terminal also steps and counts. Nothing when quiet.

    Args:
        console: where people read.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shows = _is_terminal() and not console.quiet
        self._begun = self._shown = time.monotonic()
        self._text, self._count = "", 0
        self._on_screen = False

    def step(self, text: str) -> None:
        """Show what is done now."""
        self._text, self._count = text, 0
        self._show()

    def advance(self) -> None:
        """Show a count, ten times a second at most."""
        self._count += 1
        if self._shows and time.monotonic() - self._shown > _REFRESH_SECONDS:
            self._show()

    def warn(self, text: str) -> None:
        """Print a line; what is shown comes back below it."""
        self.close()
        self._console.note(self._console.paint("warning: ", Style.WARN, err=True) + text)

    def close(self) -> None:
        """Take away what is shown."""
        if self._on_screen:
            self._write(_ERASE)
            self._on_screen = False

    def _show(self) -> None:
        self._shown = time.monotonic()
        if not self._shows or self._shown - self._begun < SILENT_SECONDS:
            return
        text = f"{self._text} ({self._count:,})" if self._count else self._text
        # a line that is wrapped could not be taken away
        self._write(_ERASE + text[: shutil.get_terminal_size().columns - 1])
        self._on_screen = True

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


@contextmanager
def shown_on(console: Console) -> Iterator[Terminal]:
    """A reporter that leaves nothing on the screen when it ends, however it ends."""
    terminal = Terminal(console)
    try:
        yield terminal
    finally:
        terminal.close()
