"""Types of settings that are text, and of those that may be."""

from __future__ import annotations

import re
from typing import ClassVar

from ctl.settings.place import Place, Refused
from ctl.settings.types.base import Node, Type

_CONTROL = "[\x00-\x1f\x7f]"


class Text(Type):
    """Text on one line.

    Args:
        pattern: what the whole text must match, or None.
        form: that pattern in words ("an account name").
        empty: whether "" will do.
        label: how the manual calls it.
    """

    literals = (str,)

    def __init__(
        self, pattern: str | None = None, form: str = "text", *, empty: bool = True, label: str = "text"
    ) -> None:
        self.label = label
        self.form = form
        self._pattern = pattern
        self._empty = empty

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        text = given_text(value, place, self.form)
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
    literals = (str,)

    def read(self, value: object, place: Place) -> str:
        """The text as given."""
        text = given_text(value, place, "text")
        if "\0" in text:
            raise Refused("must not hold a NUL character")
        return text


class Scalar(Type):
    """A text, number or boolean, kept as it is: the value of an environment variable."""

    label = "text, number or boolean"
    literals = (str, bool)
    schema: ClassVar[Node] = {"type": ["string", "number", "boolean"]}

    def read(self, value: object, place: Place) -> str | int | float | bool:
        """The value as given."""
        if isinstance(value, str) and "\0" in value:
            raise Refused("must not hold a NUL character")
        if isinstance(value, str) and value.endswith((" ", "\t")):
            raise Refused("must not end in a blank: chpst(8), which sets the environment, drops it")
        if isinstance(value, str | int | float):
            return value
        raise Refused(f"must be a text, a number or a boolean{place.got(value)}")


def given_text(value: object, place: Place, form: str) -> str:
    """The value if it is text.

    Raises:
        Refused: it is something else.
    """
    if isinstance(value, str):
        return value
    hint = "Put it in quotes." if isinstance(value, int | float) and not isinstance(value, bool) else ""
    article = "" if form.startswith(("a ", "an ", "the ")) or form == "text" else "a "
    raise Refused(f"must be {article}{form}{place.got(value)}", hint)


def account(form: str = "the name of an account") -> Text:
    """The name of a user or group, as useradd(8) takes it."""
    return Text(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?", form, label="account")


def hostname() -> Text:
    """A DNS name; also one with a wildcard for its first label."""
    return Text(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})", "a host name", label="host name")


def email() -> Text:
    """An e-mail address."""
    return Text(r"[^\s@]+@[^\s@]+", "an e-mail address", label="e-mail address")
