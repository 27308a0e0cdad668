"""Kinds of values in Ruby's words."""

from __future__ import annotations

from typing import Final

_WORDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "NoneType": "nil",
    "TrackedList": "an array",
    "TrackedDict": "a hash",
}


def kind(value: object) -> str:
    """What a value is, in words with an article ("a hash"); never the value itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _WORDS.get(type(value).__name__, "a value")


def truthy(value: object) -> bool:
    """Whether Ruby takes a value for true: all but nil and false."""
    return value is not None and value is not False


def text_of(value: object) -> str | None:
    """A single value as `to_s` makes it; None for arrays and hashes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return None
