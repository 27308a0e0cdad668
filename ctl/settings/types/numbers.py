"""Types of settings that are booleans or numbers."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from ctl.settings.place import Place, Refused
from ctl.settings.types.base import DIGITS, Node, Type

WORDS = {"true": True, "false": False}


class Bool(Type):
    """True or False; "true" and "false" as text too, because that is how environments hold them."""

    label = "boolean"
    schema: ClassVar[Node] = {"anyOf": [{"type": "boolean"}, {"enum": list(WORDS)}]}

    def read(self, value: object, place: Place) -> bool:
        """True or False."""
        if isinstance(value, bool):
            return value
        found = WORDS.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise Refused(f"must be True or False{place.got(value)}")
        return found

    def parse_word(self, word: str, literal: object) -> Any:  # noqa: ANN401
        """Also true and false."""
        return WORDS[word.lower()] if word.lower() in WORDS else super().parse_word(word, literal)

    def choices(self) -> tuple[str, ...]:
        """Both."""
        return ("True", "False")


class Integer(Type):
    """A whole number; integer-like text too ("5005").

    Args:
        minimum, maximum: the smallest and greatest that will do; None for no limit.
        form: what it must be, in words.
        label: how the manual calls it.
    """

    def __init__(
        self, minimum: int | None = 0, maximum: int | None = None, form: str = "", label: str = "integer"
    ) -> None:
        self._minimum, self._maximum = minimum, maximum
        self.form = form or self._in_words()
        self.label = label

    def _in_words(self) -> str:
        if self._minimum is None:
            return "a whole number"
        if self._maximum is None:
            return f"a whole number from {self._minimum}"
        return f"a whole number from {self._minimum} to {self._maximum}"

    def read(self, value: object, place: Place) -> int:
        """The number."""
        number = whole_number(value)
        if number is None or not self._fits(number):
            raise Refused(f"must be {self.form}{place.got(value)}")
        return number

    def _fits(self, number: int) -> bool:
        return (self._minimum is None or number >= self._minimum) and (
            self._maximum is None or number <= self._maximum
        )

    def json_schema(self) -> Node:
        """A whole number with its limits, or text."""
        limits = {"minimum": self._minimum, "maximum": self._maximum}
        number: Node = {"type": "integer"} | {name: one for name, one in limits.items() if one is not None}
        return {"anyOf": [number, {"type": "string", "pattern": DIGITS}]}


def port() -> Integer:
    """A TCP port: 5005 and "5005" are the same."""
    return Integer(1, 65535, "a port from 1 to 65535", "port")


class Number(Type):
    """A number, whole or not."""

    label = "number"
    schema: ClassVar[Node] = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": DIGITS}]}

    def read(self, value: object, place: Place) -> int | float:
        """The number."""
        number = whole_number(value)
        if number is not None:
            return number
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return value
        raise Refused(f"must be a number{place.got(value)}")


def whole_number(value: object) -> int | None:
    """A whole number, or text that looks like one, as a number; else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        return int(value)
    return None
