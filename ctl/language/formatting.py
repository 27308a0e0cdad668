"""Values inside f-strings: conversions and format specifications, with their widths bounded."""

from __future__ import annotations

import re
from typing import Final

from ctl.language.faults import Fault, kind
from ctl.language.functions import text_of
from ctl.language.limits import MAX_TEXT, MAX_WIDTH

_SPECIFICATION: Final = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?(\d*)[_,]?(?:\.(\d+))?[a-zA-Z%]?", re.DOTALL)
_CONVERSIONS: Final = {ord("r"): repr, ord("a"): ascii}
_ESCAPE_WIDTH: Final = 10
"""The most characters that one character becomes in repr() or ascii()."""


def formatted(value: object, conversion: int, specification: str) -> str:
    """The text of one replacement field of an f-string.

    Args:
        value: the field's value: a string, a number, a boolean or None.
        conversion: the character after "!", as its code, or -1.
        specification: the text after ":".

    Raises:
        Fault: a list or dictionary, or a specification that is wrong or too wide.
    """
    text = text_of(value)
    if convert := _CONVERSIONS.get(conversion):
        if len(text) * _ESCAPE_WIDTH > MAX_TEXT:
            raise Fault("the text is too long to be converted with ! in an f-string")
        value = convert(value)
    elif conversion != -1:
        value = text
    if not specification:
        return str(value)
    _check_width(specification)
    try:
        return format(value, specification)
    except (ValueError, TypeError, OverflowError):
        raise Fault(f"this format does not go with {kind(value)}") from None


def _check_width(specification: str) -> None:
    found = _SPECIFICATION.fullmatch(specification)
    if found is None:
        raise Fault("the format after : is not one that Python knows")
    if any(
        len(number) > len(str(MAX_WIDTH)) or int(number) > MAX_WIDTH for number in found.groups() if number
    ):
        raise Fault(f"a width in an f-string is at most {MAX_WIDTH:,}")
