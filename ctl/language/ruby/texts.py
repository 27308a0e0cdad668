"""What is between quotes: escapes, heredocs and their indentation."""

from __future__ import annotations

import re
from typing import Final

from ctl.language.faults import Fault

_SIMPLE: Final = {
    "n": "\n", "t": "\t", "s": " ", "r": "\r", "e": "\x1b", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
    "\n": "",
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(?:u\{[^}]*\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_PLAIN_ESCAPE: Final = re.compile(r"\\([\\'])")
_HEREDOC: Final = re.compile(r"<<([~-]?)(['\"`]?)")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}", "<": ">"}
_TAB: Final = 8
_LOWEST_SURROGATE: Final = 0xDC00
"""Bytes above 127 are kept as halves of surrogate pairs until the whole text is there."""


def unescaped(text: str) -> str:
    """What is written between double quotes, without interpolations. Raises Fault for escapes that are not read."""
    return _whole(_ESCAPE.sub(lambda found: _escape(found[0]), text))


def _escape(sequence: str) -> str:
    body = sequence[1:]
    first = body[:1]
    if first in _SIMPLE and len(body) == 1:
        return _SIMPLE[first]
    if first == "u":
        return "".join(_character(int(code, 16)) for code in body[1:].strip("{}").split())
    if first == "x" and len(body) > 1:
        return _byte(int(body[1:], 16))
    if first in "01234567" and body:
        return _byte(int(body, 8) & 0xFF)
    if first in ("c", "C", "M"):
        raise Fault("a control character is not read like this", hint='Write its number: "\\x01".')
    return body


def _character(code: int) -> str:
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise Fault("the text holds characters that are not valid Unicode")
    return chr(code)


def _byte(number: int) -> str:
    return chr(number) if number < 0x80 else chr(_LOWEST_SURROGATE + number)


def _whole(text: str) -> str:
    """The text with bytes that were given by number put together. Raises Fault where they are not UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        raise Fault("the text holds characters that are not valid Unicode") from None


def plain(text: str, opening: str) -> str:
    """What is written between single quotes or in %q: only the delimiters and the backslash are escaped.

    Args:
        text: as written.
        opening: the opening delimiter ("'", "%q(").
    """
    if "\\" not in text:
        return text
    sign = opening[-1]
    if sign == "'":
        return _PLAIN_ESCAPE.sub(r"\1", text)
    return re.sub(rf"\\([\\{re.escape(sign + _CLOSING.get(sign, sign))}])", r"\1", text)


def is_plain(opening: str) -> bool:
    """Whether an opening delimiter begins a text without escapes and interpolation."""
    return opening == "'" or opening.startswith(("%q", "%w", "%i", ":'", "%s"))


def heredoc_form(beginning: str) -> tuple[bool, str]:
    """Whether a heredoc's indentation is taken away (`<<~`), and the quote around its name, or ""."""
    found = _HEREDOC.match(beginning)
    return (found[1] == "~", found[2]) if found else (False, "")


def heredoc_text(text: str, *, dedent: bool) -> str:
    """The text of a heredoc: without the line of its beginning and the indentation of its end.

    Args:
        text: as written, from the end of the beginning's line to the name that closes it.
        dedent: take away the indentation that all lines have.
    """
    lines = text.removeprefix("\n").split("\n")
    lines[-1] = lines[-1] if lines[-1].strip(" \t") else ""
    if dedent:
        width = min((_width(line) for line in lines if line.strip(" \t")), default=0)
        lines = [_without(line, width) for line in lines]
    return "\n".join(lines)


def _width(line: str) -> int:
    plain = line.expandtabs(_TAB)
    return len(plain) - len(plain.lstrip(" "))


def _without(line: str, width: int) -> str:
    """The line without so much of its white space, a tab counted up to the next eighth column."""
    done = 0
    for index, letter in enumerate(line):
        done = done + 1 if letter == " " else (done // _TAB + 1) * _TAB if letter == "\t" else width + 1
        if done > width:
            return line[index:]
    return ""
