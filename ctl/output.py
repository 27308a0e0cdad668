"""What people see: plain text, colour only on a terminal, machine-readable JSON on request."""

from __future__ import annotations

import json
import os
import sys
from enum import IntEnum
from typing import NamedTuple, TextIO

from ctl.errors import OutputFailed


class Style(IntEnum):
    """Meaning of a coloured text, not its colour; the numbers are those of terminals (ECMA-48, SGR)."""

    BAD = 31
    GOOD = 32
    WARN = 33
    PLACE = 36


class Console(NamedTuple):
    """Where commands print.

    Args:
        quiet: print errors only.
        verbose: print details.
        colored: None decides by terminal and NO_COLOR; False never.
    """

    quiet: bool = False
    verbose: bool = False
    colored: bool | None = None

    def paint(self, text: str, style: Style, *, err: bool = False) -> str:
        """The text in the style's colour, where colour is wanted."""
        return f"\x1b[{style.value}m{text}\x1b[0m" if self._colored(err=err) else text

    def _colored(self, *, err: bool) -> bool:
        if self.colored is not None:
            return self.colored
        stream = sys.stderr if err else sys.stdout
        return stream.isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str = "") -> None:
        """Print a line of ordinary output; nothing when quiet."""
        if not self.quiet:
            self._print(text)

    def detail(self, text: str) -> None:
        """Print a line only when verbose."""
        if self.verbose and not self.quiet:
            self._print(text)

    def result(self, text: str) -> None:
        """Print what the command was asked for, also when quiet."""
        self._print(text)

    def result_json(self, value: object) -> None:
        """Print a value as JSON, also when quiet."""
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        # names of files may be no text: a lone surrogate is `\udcff` in JSON, too
        self._print(text.encode("utf-8", "backslashreplace").decode("utf-8"))

    def note(self, text: str) -> None:
        """Print a warning or note to standard error; nothing when quiet."""
        if not self.quiet:
            self._print(text, err=True)

    def error(self, text: str) -> None:
        """Print an error to standard error, always."""
        self._print(text, err=True)

    def _print(self, text: str, *, err: bool = False) -> None:
        """Raises BrokenPipeError where the reader of standard output went away, OutputFailed where there is no room.

        Standard error that cannot be written is no reason to stop: nobody would read it.
        """
        try:
            stream = sys.stderr if err else sys.stdout
            stream.write(f"{text}\n" if self._colored(err=err) else f"{_without_colours(text)}\n")
            stream.flush()
        except OSError as error:
            if err:
                silence(sys.stderr)
            elif isinstance(error, BrokenPipeError):
                raise
            else:
                raise OutputFailed(f"standard output cannot be written: {error.strerror}") from error


def _without_colours(text: str) -> str:
    """Text without what steers a terminal, which may be in the logs of services."""
    if "\x1b" not in text:
        return text
    from click import unstyle  # imported here because it is rare

    return unstyle(text)


def silence(stream: TextIO) -> None:
    """Let what is still buffered for a stream, and all that follows, go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
