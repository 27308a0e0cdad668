"""Text of a settings file and places in it: from what `ast` counts to what people count."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Protocol

from ctl.language.source import Location

_LONGEST_SHOWN = 300
"""Lines longer than this are not shown with an error: a caret far out on a wrapped line helps nobody."""

_SECRET_WORD = re.compile(
    r"secret|passw|passphrase|token(?!_(?:re|exp|ser|iss|pa|ur|fi))|internal_key|private|authorization|credential|headers|-----"
    r"|(?:access|account|shared|sas|api|encryption)_?key",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?")
_RANDOM_LOOKING = re.compile(r"(?=[^\"']*[0-9])[A-Za-z0-9+/_=-]{20,}")
_USERINFO = re.compile(r"(?<=://)[^\s/@\"']+(?=@)")
"""Name and password in a URL (RFC 3986, section 3.2.1)."""
_SUBSCRIPT = re.compile(r"[\w\])]\[$")
"""An opening bracket that follows a name, a call or another subscript."""
_PLAIN_PATH = re.compile(r"(?:/(?![\w-]*[0-9][\w-]*(?<=[\w-]{20}))[A-Za-z0-9._@-]{1,60}){2,}")
_ITS_KEY = re.compile(r"(?:[\"'](\w+)[\"']\s*(?:\]\s*=|:)|\b(\w+)\s*=)\s*$")
"""The key or name that a value directly behind it belongs to."""
_VAGUE = ("key", "value")
_SECRETS_INSIDE = re.compile(r"(\w+)[\"']?\s*(?:\]\s*=|:|=)\s*[\[{(]")
_NAMES_NO_SECRET = ("env(", "read_file(", "read_json(", "exists(", "from_file(")


class Positioned(Protocol):
    """A node of the syntax tree that has a place: lines from 1, offsets from 0 in bytes of UTF-8."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class SourceText:
    """One settings file as text.

    Args:
        path: the file as the user named it, or as the including file names it.
        text: what is in it, with plain newlines.
    """

    __slots__ = ("_lines", "path", "text")

    exact = sys.version_info >= (3, 12)
    """Whether the places of what is inside an f-string are right: those of `ast` may not be."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines without their newlines. Only "\\n" ends a line, as in Python."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines

    def location(self, node: Positioned) -> Location:
        """The place of a node: its line, its column in characters, and how wide it is on that line."""
        line = self._line(node.lineno)
        start = _characters(line, node.col_offset)
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            end = _characters(line, node.end_col_offset)
        else:
            end = len(line.rstrip())
        return self.location_at(node.lineno, start + 1, end - start)

    def location_at(self, line: int, column: int, width: int = 1) -> Location:
        """The place at a line and column, both counted from 1, the column in characters."""
        text = self._line(line)
        column = max(1, min(column, len(text) + 1))
        width = max(1, min(width, len(text) - column + 1))
        return Location(self.path, line, column, shown(text), width)

    def worded(self, message: str) -> str:
        """A message about this text in the words of the language that it is written in."""
        return message

    def segment(self, node: Positioned) -> str:
        """The text of a node that is on one line; else an empty string."""
        if node.end_lineno != node.lineno or node.end_col_offset is None:
            return ""
        line = self._line(node.lineno).encode()
        return line[node.col_offset : node.end_col_offset].decode(errors="replace")

    def _line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


Place = tuple[SourceText, Positioned]
"""A node and the file that it is in: a Location that has not been worked out, because most never are."""


def locate(place: Place | Location | None) -> Location | None:
    """The Location of a place in any of its forms."""
    return place[0].location(place[1]) if isinstance(place, tuple) else place


def shown(line: str) -> str:
    """A source line as it may be shown with an error: of the same width, with possible secrets starred.

    A settings file may hold passwords as plain strings; an error is copied into tickets and logs. Strings on
    a line that speaks of secrets are starred, except keys and arguments of env() and the like, and so is any
    long text that looks random, and who logs in by a URL. A string directly behind a key that is no secret's is shown.
    """
    if len(line) > _LONGEST_SHOWN:
        return ""
    line = "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in line)
    if _SECRET_WORD.search(line):
        return _QUOTED.sub(_starred, line)
    return _without_random(line)


def _without_random(text: str) -> str:
    for secret in (_RANDOM_LOOKING, _USERINFO):
        text = secret.sub(lambda found: "*" * len(found[0]), text)
    return text


def is_plain_path(text: str) -> bool:
    """Whether a text is an absolute path of two steps or more, none of which looks random: it is no secret."""
    return len(text) <= _LONGEST_SHOWN and _PLAIN_PATH.fullmatch(text) is not None


def presentable(message: str) -> str:
    """A message as a terminal may be given it: of a bounded length, and without control characters."""
    text = "".join(letter if letter.isprintable() else "?" for letter in message[: _LONGEST_SHOWN + 1])
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _starred(found: re.Match[str]) -> str:
    text, line = found[0], found.string
    if _is_key(line, found) or line[: found.start()].endswith(_NAMES_NO_SECRET):
        return text
    closed = len(text) > 1 and text[-1] == text[0]
    if closed and _is_of_no_secret(line[: found.start()]):
        return _without_random(text)
    if closed and is_plain_path(text[1:-1]):
        return text
    return text[0] + "*" * (len(text) - 1 - closed) + (text[0] if closed else "")


def _is_of_no_secret(before: str) -> bool:
    """Whether what is directly before a value is a key that no secret has, and no secret is around both."""
    key = _ITS_KEY.search(before)
    name = key and (key[1] or key[2])
    if not name or name in _VAGUE or _SECRET_WORD.search(name):
        return False
    return not any(_SECRET_WORD.search(one) for one in _SECRETS_INSIDE.findall(before))


def _is_key(line: str, found: re.Match[str]) -> bool:
    """Whether a quoted text is the key of a subscript or of a dictionary: not so the one element of a list."""
    after, before = line[found.end() :].lstrip()[:1], line[: found.start()].rstrip()
    if after == ":":
        return True
    return after == "]" and _SUBSCRIPT.search(before) is not None


def _characters(line: str, offset: int) -> int:
    """A byte offset in the UTF-8 form of a line as an offset in characters."""
    if line.isascii():
        return offset
    return len(line.encode()[:offset].decode(errors="ignore"))
