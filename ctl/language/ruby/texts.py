"""What is between quotes: escapes, heredocs and their indentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ctl.language.faults import Fault

_SIMPLE: Final = {
    "n": "\n", "t": "\t", "s": " ", "r": "\r", "e": "\x1b", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
    "\n": "",
}  # fmt: skip
_PLAIN_ESCAPE: Final = re.compile(r"\\([\\'])")
_HEREDOC: Final = re.compile(r"<<([~-]?)(['\"`]?)")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}", "<": ">"}
_TAB: Final = 8
_LOWEST_SURROGATE: Final = 0xDC00
"""Bytes above 127 are kept as halves of surrogate pairs until the whole text is there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text.

    Args:
        text: as written in the file, or what an interpolation or escape comes to.
        written: it is in the file like this, so that its white space may be indentation.
    """

    text: str
    written: bool = False


def escape(sequence: str) -> str:
    """What a backslash and what follows it come to between double quotes. Raises Fault for those not read."""
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


def whole(text: str) -> str:
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


def heredoc_text(pieces: list[Piece], *, dedent: bool) -> str:
    """The text of a heredoc: without the line of its beginning and the indentation of its end.

    Args:
        pieces: from the end of the beginning's line to the name that closes it.
        dedent: take away the indentation that all lines have.
    """
    if pieces and pieces[0].written:
        pieces = [Piece(pieces[0].text.removeprefix("\n"), True), *pieces[1:]]
    if pieces and pieces[-1].written:
        text, newline, end = pieces[-1].text.rpartition("\n")
        if end.strip(" \t") == "":
            pieces = [*pieces[:-1], Piece(text + newline, True)]
    return "".join(piece.text for piece in (_dedented(pieces) if dedent else pieces))


def _dedented(pieces: list[Piece]) -> list[Piece]:
    lines = _lines(pieces)
    width = min((_width(text) for text, starts in lines if starts and text.strip(" \t") != "\n"), default=0)
    return [Piece(_without(text, width) if starts else text) for text, starts in lines]


def _lines(pieces: list[Piece]) -> list[tuple[str, bool]]:
    """Each part of a line, with its newline, and whether it is the beginning of one as written in the file."""
    found: list[tuple[str, bool]] = []
    starts = True
    for piece in pieces:
        lines = [line + "\n" for line in piece.text.split("\n")] if piece.written else [piece.text]
        if piece.written:
            lines[-1] = lines[-1][:-1]
        for index, line in enumerate(lines):
            if line:
                found.append((line, piece.written and (starts or index > 0)))
        starts = piece.written and (lines[-1] == "" and (len(lines) > 1 or starts))
    return found


def _width(text: str) -> int:
    width = 0
    for letter in text:
        if letter == " ":
            width += 1
        elif letter == "\t":
            width = (width // _TAB + 1) * _TAB
        else:
            break
    return width


def _without(text: str, width: int) -> str:
    """The line without so much of its white space, a tab counted up to the next eighth column."""
    done = 0
    for index, letter in enumerate(text):
        if letter == " " and done < width:
            done += 1
        elif letter == "\t" and (done // _TAB + 1) * _TAB <= width:
            done = (done // _TAB + 1) * _TAB
        else:
            return text[index:]
    return ""
