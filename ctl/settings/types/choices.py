"""Types of settings that are one or more of some words, or of one of several types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ctl.settings.place import Place, Refused, shown
from ctl.settings.types.base import Node, Type
from ctl.settings.types.numbers import WORDS, Bool
from ctl.settings.types.textual import Text
from ctl.text.nearest import did_you_mean


class Enum(Type):
    """One of a few words, in upper or lower case; programs read many of them so, and all as they are declared.

    Args:
        words: the words; a number or boolean among them is written as text.
        label: how the manual calls it; by default the words themselves.
    """

    literals = (str, int)

    def __init__(self, *words: str, label: str = "") -> None:
        self.words = words
        self.label = label or " or ".join(f'"{word}"' for word in words)

    def read(self, value: object, place: Place) -> str:
        """The word."""
        text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
        if (known := _canonical(text, self.words)) is not None:
            return known
        raise Refused(
            f"must be one of {', '.join(self.words)}{place.got(value)}",
            did_you_mean(text, self.words) if text and not place.secret else "",
        )

    def json_schema(self) -> Node:
        """The words."""
        return _enum(self.words)

    def choices(self) -> tuple[str, ...]:
        """The words."""
        return self.words


class OnOff(Enum):
    """An NGINX flag: "on" or "off", or True and False for the same.

    Args:
        more: further words that this directive takes.
    """

    def __init__(self, *more: str) -> None:
        super().__init__("on", "off", *more)

    def read(self, value: object, place: Place) -> str:
        """The word."""
        if isinstance(value, bool):
            return "on" if value else "off"
        return super().read(value, place)

    def json_schema(self) -> Node:
        """The words and booleans."""
        return _enum(self.words, True, False)


class Either(Type):
    """A boolean, or one of a few words.

    Args:
        words: the words, beside True and False.
    """

    def __init__(self, *words: str) -> None:
        self._words = words
        self.label = "boolean or " + " or ".join(f'"{word}"' for word in words)

    def read(self, value: object, place: Place) -> bool | str:
        """The boolean, or the word."""
        if isinstance(value, str) and (known := _canonical(value, self._words)) is not None:
            return known
        try:
            return Bool().read(value, place)
        except Refused:
            words = ", ".join(f'"{word}"' for word in self._words)
            raise Refused(f"must be True, False or {words}{place.got(value)}") from None

    def json_schema(self) -> Node:
        """The words and booleans."""
        return _enum(self._words, True, False, *WORDS)

    def choices(self) -> tuple[str, ...]:
        """Booleans and words."""
        return (*Bool().choices(), *self._words)


class Words(Type):
    """Words separated by blanks, or a list of them; as parameters of one NGINX directive.

    Args:
        known: the words that there are, or () for any.
    """

    label = "words"
    literals = (str,)
    schema: ClassVar[Node] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

    def __init__(self, *known: str) -> None:
        self._known = known

    def read(self, value: object, place: Place) -> str:
        """The words, with one blank between them."""
        given = value if isinstance(value, list) else [value]
        words = [word for part in given for word in Text().read(part, place).split()]
        if not words:
            raise Refused("must not be empty", "Leave it out (or give None) for the default.")
        return " ".join(self._word(word) for word in words)

    def _word(self, given: str) -> str:
        word = _canonical(given, self._known) if self._known else given
        if word is None:
            known = ", ".join(self._known)
            raise Refused(f"{shown(given)} is none of {known}", did_you_mean(given, self._known))
        return word


class OneOf(Type):
    """A value of the first of several types that takes it.

    Args:
        types: the types, the likeliest first: its error is shown where none fits, and its words are offered.
    """

    def __init__(self, *types: Type) -> None:
        self.types: Sequence[Type] = types
        self.label = " or ".join(kind.label for kind in types)

    def read(self, value: object, place: Place) -> Any:  # noqa: ANN401 - a value of one of the types
        """The value as that type reads it."""
        first: Refused | None = None
        for kind in self.types:
            try:
                return kind.read(value, place)
            except Refused as refused:
                first = first or refused
        raise first or Refused("cannot be set")

    def json_schema(self) -> Node:
        """Any of the types."""
        return {"anyOf": [kind.json_schema() for kind in self.types]}

    def parse_word(self, word: str, literal: object) -> Any:  # noqa: ANN401
        """As the likeliest type has it."""
        return self.types[0].parse_word(word, literal)

    def choices(self) -> tuple[str, ...]:
        """Those of every type."""
        return tuple(word for kind in self.types for word in kind.choices())


def _canonical(text: str, words: Sequence[str]) -> str | None:
    """The word that a text is without regard to case, or None."""
    return next((word for word in words if word.lower() == text.lower()), None)


def _enum(words: tuple[str, ...], *more: object) -> Node:
    """Words; those that look like numbers may be given as such."""
    numbers = [float(word) for word in words if word.replace(".", "", 1).isdigit()]
    return {"enum": [*words, *more, *(int(one) if one.is_integer() else one for one in numbers)]}
