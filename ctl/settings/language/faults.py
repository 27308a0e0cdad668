"""Why an expression or statement has no value, and the words for kinds of values."""

from __future__ import annotations

from typing import Final

from ctl.settings.language.places import Place, Positioned
from ctl.settings.source import Location


class NoValue(Exception):
    """An expression has no value."""


class Fault(NoValue):
    """An expression has no value, and that has still to be said.

    Args:
        message: what is wrong, in plain words; never with text from the settings that may be a secret.
        node: where; None lets the nearest node that knows fill it in.
        hint: what to write instead.
        place: where, if that may be in another file than the one being read; wins over node.
    """

    def __init__(
        self,
        message: str,
        node: Positioned | None = None,
        hint: str = "",
        place: Place | Location | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.hint = hint
        self.place = place

    def at(self, node: Positioned) -> Fault:
        """The same fault, placed at `node` unless it has a place."""
        self.node = self.node or node
        return self


class Poisoned(NoValue):
    """An expression has no value because of something reported before: nothing more is to be said."""


class LimitReached(Exception):
    """The settings ask for more than a limit allows; reading stops here.

    Args:
        message: which limit.
        hint: how to stay inside.

    Attributes:
        location: the statement that was being carried out.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location: Location | None = None


class _Poison:
    """Stands where a value would be if its statement had not failed."""


POISON: Final = _Poison()


def is_computed(value: object) -> bool:
    """Whether there is no POISON in a value, at any depth."""
    if isinstance(value, dict):
        return all(is_computed(one) for one in value.values())
    if isinstance(value, list):
        return all(is_computed(one) for one in value)
    return value is not POISON


_WORDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "a truth value",
    "NoneType": "None",
    "TrackedList": "a list",
    "tuple": "a tuple",
    "TrackedDict": "a dictionary",
    "set": "a set",
}


def kind(value: object) -> str:
    """What a value is, in words with an article ("a string"); never the value itself."""
    return _WORDS.get(type(value).__name__, "a value")
