"""What a service has logged since it was started."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LINES = 10
_LONGEST = 8_192
_MOST = 1 << 22


class LogMarks:
    """Where logs ended when their services were last started here."""

    def __init__(self) -> None:
        self._ends: dict[Path, tuple[int, int]] = {}

    def mark(self, path: Path) -> None:
        """Remember the end of a log; that of one that is not there yet is its beginning."""
        self._ends.pop(path, None)
        with suppress(OSError):
            found = path.stat()
            self._ends[path] = found.st_ino, found.st_size

    def lines(self, path: Path) -> list[str]:
        """The last lines since the mark, without what could disturb a terminal. Raises OSError."""
        lines = self._text(path, _LONGEST).splitlines()[-LINES:]
        return ["".join(letter if letter.isprintable() else "?" for letter in line) for line in lines]

    def has(self, path: Path, text: str) -> bool:
        """Whether a text has been logged since the mark; False where the log cannot be read."""
        try:
            return text in self._text(path, _MOST)
        except OSError:
            return False

    def _text(self, path: Path, most: int) -> str:
        """The last bytes since the mark. Raises OSError."""
        inode, end = self._ends.get(path, (0, 0))
        with path.open("rb") as log:
            found = os.fstat(log.fileno())
            begin = end if found.st_ino == inode and end <= found.st_size else 0
            log.seek(max(begin, found.st_size - most))
            return log.read().decode("utf-8", "replace")
