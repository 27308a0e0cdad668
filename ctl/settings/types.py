"""Types of settings: what a value may be, and the one form in which it goes on.

`read` takes the value as the settings file gave it and returns it in that form, or raises Refused. Containers
(ctl.settings.shapes) read what is in them and say of each part what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ctl.settings.nearest import nearest
from ctl.settings.place import Place, Refused, shown

_CONTROL = "[\x00-\x1f\x7f]"
_INTEGER = r"[+-]?[0-9]{1,18}"


class Invalid:
    """Stands for a value that was refused; what is wrong with it has been said."""


INVALID = Invalid()


def read_value(kind: Type, value: object, place: Place) -> Any:  # noqa: ANN401 - a value of that type
    """Read a value, or say what is wrong with it and return INVALID."""
    try:
        return kind.read(value, place)
    except Refused as refused:
        place.error(refused.message, refused.hint)
        return INVALID


class Type:
    """A kind of value.

    Attributes:
        label: how the manual calls it.
        managed: whether it is a path that moves below --root.
    """

    label = "value"
    managed = False

    def read(self, value: object, place: Place) -> Any:  # noqa: ANN401 - a value of this type
        """The value in its one form.

        Args:
            value: a scalar, list or dictionary of the settings language; never None.
            place: where it stands.

        Raises:
            Refused: it is not of this type.
        """
        raise Refused(f"cannot be set{place.got(value)}")


class Bool(Type):
    """True or False; "true" and "false" as text too, because that is how environments hold them."""

    label = "boolean"
    _WORDS = {"true": True, "false": False}  # noqa: RUF012 - never changed

    def read(self, value: object, place: Place) -> bool:
        """True or False."""
        if isinstance(value, bool):
            return value
        found = self._WORDS.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            raise Refused(f"must be True or False{place.got(value)}")
        return found


class Text(Type):
    """Text on one line.

    Args:
        pattern: what the whole text must match, or None.
        form: that pattern in words ("an account name").
        empty: whether "" will do.
        label: how the manual calls it.
    """

    def __init__(
        self, pattern: str | None = None, form: str = "text", *, empty: bool = True, label: str = "text"
    ) -> None:
        self.label = label
        self.form = form
        self._pattern = pattern
        self._empty = empty

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        text = _text(value, place, self.form)
        if re.search(_CONTROL, text):
            raise Refused("must be on one line, without line breaks or other control characters")
        if not text and not self._empty:
            raise Refused("must not be empty", "Leave it out (or give None) for the default.")
        if self._pattern and not re.fullmatch(self._pattern, text):
            raise Refused(f"must be {self.form}{place.got(value)}")
        return text


class Printable(Text):
    """Text on one line of which every character can be seen."""

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        text = super().read(value, place)
        if not text.isprintable():
            raise Refused("must be on one line, without line breaks or other control characters")
        return text


class Snippet(Type):
    """Text of any number of lines that goes into a file as it is."""

    label = "text"

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        text = _text(value, place, "text")
        if "\0" in text:
            raise Refused("must not hold a NUL character")
        return text


class Scalar(Type):
    """A text, number or boolean, kept as it is: the value of an environment variable."""

    label = "text, number or boolean"

    def read(self, value: object, place: Place) -> str | int | float | bool:
        """The value as given."""
        if isinstance(value, str) and "\0" in value:
            raise Refused("must not hold a NUL character")
        if isinstance(value, str) and value.endswith((" ", "\t")):
            raise Refused("must not end in a blank: chpst(8), which sets the environment, drops it")
        if isinstance(value, str | int | float):
            return value
        raise Refused(f"must be a text, a number or a boolean{place.got(value)}")


def account(form: str = "the name of an account") -> Text:
    """The name of a user or group, as useradd(8) takes it."""
    return Text(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?", form, label="account")


def hostname() -> Text:
    """A DNS name; also one with a wildcard for its first label."""
    return Text(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})", "a host name", label="host name")


def email() -> Text:
    """An e-mail address."""
    return Text(r"[^\s@]+@[^\s@]+", "an e-mail address", label="e-mail address")


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


def port() -> Integer:
    """A TCP port: 5005 and "5005" are the same."""
    return Integer(1, 65535, "a port from 1 to 65535", "port")


class Number(Type):
    """A number, whole or not."""

    label = "number"

    def read(self, value: object, place: Place) -> int | float:
        """The number."""
        number = whole_number(value)
        if number is not None:
            return number
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return value
        raise Refused(f"must be a number{place.got(value)}")


class Enum(Type):
    """One of a few words.

    Args:
        words: the words; a number or boolean among them is written as text.
        label: how the manual calls it; by default the words themselves.
    """

    def __init__(self, *words: str, label: str = "") -> None:
        self.words = words
        self.label = label or " or ".join(f'"{word}"' for word in words)

    def read(self, value: object, place: Place) -> str:
        """The word."""
        text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
        if text in self.words:
            return text
        near = nearest(text, self.words) if text and not place.secret else None
        raise Refused(
            f"must be one of {', '.join(self.words)}{place.got(value)}",
            f'Did you mean "{near}"?' if near else "",
        )


class OnOff(Type):
    """An NGINX flag: "on" or "off", or True and False for the same.

    Args:
        more: further words that this directive takes.
    """

    def __init__(self, *more: str) -> None:
        self._words = Enum("on", "off", *more)
        self.label = self._words.label

    def read(self, value: object, place: Place) -> str:
        """The word."""
        if isinstance(value, bool):
            return "on" if value else "off"
        return self._words.read(value, place)


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
        if isinstance(value, str) and value in self._words:
            return value
        try:
            return Bool().read(value, place)
        except Refused:
            words = ", ".join(f'"{word}"' for word in self._words)
            raise Refused(f"must be True, False or {words}{place.got(value)}") from None


class Words(Type):
    """Words separated by blanks, or a list of them; as parameters of one NGINX directive.

    Args:
        known: the words that there are, or () for any.
    """

    label = "words"

    def __init__(self, *known: str) -> None:
        self._known = known

    def read(self, value: object, place: Place) -> str:
        """The words, with one blank between them."""
        given = value if isinstance(value, list) else [value]
        words = [word for part in given for word in Text().read(part, place).split()]
        for word in words:
            if self._known and word not in self._known:
                near = nearest(word, self._known)
                raise Refused(
                    f"{shown(word)} is none of {', '.join(self._known)}",
                    f'Did you mean "{near}"?' if near else "",
                )
        if not words:
            raise Refused("must not be empty", "Leave it out (or give None) for the default.")
        return " ".join(words)


class OneOf(Type):
    """A value of the first of several types that takes it.

    Args:
        types: the types, the likeliest first: its error is shown where none fits.
    """

    def __init__(self, *types: Type) -> None:
        self._types: Sequence[Type] = types
        self.label = " or ".join(kind.label for kind in types)

    def read(self, value: object, place: Place) -> Any:  # noqa: ANN401 - a value of one of the types
        """The value as that type reads it."""
        first: Refused | None = None
        for kind in self._types:
            try:
                return kind.read(value, place)
            except Refused as refused:
                first = first or refused
        raise first or Refused("cannot be set")


def _text(value: object, place: Place, form: str) -> str:
    if isinstance(value, str):
        return value
    hint = "Put it in quotes." if isinstance(value, int | float) and not isinstance(value, bool) else ""
    article = "" if form.startswith(("a ", "an ", "the ")) or form == "text" else "a "
    raise Refused(f"must be {article}{form}{place.got(value)}", hint)


def whole_number(value: object) -> int | None:
    """A whole number, or text that looks like one, as a number; else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(_INTEGER, value):
        return int(value)
    return None
