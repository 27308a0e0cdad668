"""The text of a settings file beside its syntax tree: from a node to its characters."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right

from ctl.language.places import Positioned

BOM = "\ufeff"
_NEWLINE = re.compile(r"\r\n|\r|\n")
_BETWEEN = re.compile(r"(?:\s|#[^\r\n]*|\\(?:\r\n|\r|\n))*")
_REST = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?(?=\r|\n|\Z)")


def parse(text: str) -> ast.Module:
    """The statements of a text. What the parser warns of is reported when the settings are read.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def plain(text: str) -> str:
    """A text as the settings language reads it: no byte order mark, newlines of one kind."""
    return _NEWLINE.sub("\n", text.removeprefix(BOM))


class Document:
    """A settings file's text, with newlines of any kind.

    Args:
        text: the text.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._start = len(BOM) if text.startswith(BOM) else 0
        breaks = list(_NEWLINE.finditer(text))
        self._starts = [self._start, *(found.end() for found in breaks)]
        self._ends = [*(found.start() for found in breaks), len(text)]
        self.newline = breaks[0][0] if breaks else "\n"
        self.tree = parse(plain(text))

    @property
    def last_line(self) -> int:
        """The number of the last line; it is empty where the text ends with a newline."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """A line by its number, counted from 1, without its newline."""
        return self.text[self._starts[number - 1] : self._ends[number - 1]]

    def line_start(self, number: int) -> int:
        """Where a line begins; for the number after the last, where the text ends."""
        return self._starts[number - 1] if number <= len(self._starts) else len(self.text)

    def line_end(self, number: int) -> int:
        """Where a line ends, before its newline."""
        return self._ends[number - 1]

    def line_at(self, position: int) -> int:
        """The number of the line that a character is on."""
        return max(1, bisect_right(self._starts, position))

    def start(self, node: Positioned) -> int:
        """Where a node begins."""
        return self._position(node.lineno, node.col_offset)

    def end(self, node: Positioned) -> int:
        """Where a node ends."""
        assert node.end_lineno is not None  # noqa: S101 - ast.parse gives every node of a text its end
        assert node.end_col_offset is not None  # noqa: S101
        return self._position(node.end_lineno, node.end_col_offset)

    def _position(self, line: int, offset: int) -> int:
        """From what `ast` counts (bytes of UTF-8) to characters of the text."""
        return self._starts[line - 1] + len(self.line(line).encode()[:offset].decode(errors="ignore"))

    def skip(self, position: int) -> int:
        """Where the next token begins: behind blanks, comments and newlines."""
        found = _BETWEEN.match(self.text, position)
        return found.end() if found else position

    def is_first(self, position: int) -> bool:
        """Whether only blanks are before a character on its line."""
        return not self.text[self.line_start(self.line_at(position)) : position].strip()

    def is_last(self, position: int) -> bool:
        """Whether only blanks and a comment are behind a place on its line."""
        return _REST.match(self.text, position) is not None

    def replaced(self, start: int, end: int, new: str) -> str:
        """The text with a part of it replaced."""
        return self.text[:start] + new + self.text[end:]

    def without_lines(self, first: int, last: int) -> str:
        """The text without whole lines; where it ended without a newline, it does so still."""
        start, end = self.line_start(first), self.line_start(last + 1)
        if last == self.last_line and first > 1:
            start = self.line_end(first - 1)
        return self.replaced(start, end, "")

    def with_line(self, after: int, new: str) -> str:
        """The text with a line put in after another.

        Args:
            after: the number of the line before it; after the last it is put at the end.
            new: the line, without its newline; it may hold newlines itself.
        """
        new = _NEWLINE.sub(lambda _: self.newline, new)
        if after >= self.last_line and self.line(self.last_line):
            return self.text + self.newline + new
        position = self.line_start(after + 1)
        return self.replaced(position, position, new + self.newline)
