"""Why an expression or statement has no value, and the words for kinds of values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ctl.language.places import Place, Positioned
from ctl.language.source import Diagnostic, Location


class Aim(Enum):
    """What a statement gives values to; the first that fits."""

    OURS = "settings that are managed here, or nothing"
    OTHERS = "settings of other components"
    VARIABLES = "variables"


@dataclass(slots=True, eq=False)
class Failure:
    """What is wrong with one statement.

    Args:
        aim: what the statement gives values to.
        names: the variables among them.
        reads: how often the statement itself reads each name.
        held: errors of it, and of the statements that it follows from: reported as errors where one of our settings
            needs the value.
    """

    aim: Aim
    names: frozenset[str] = frozenset()
    reads: Counter[str] = field(default_factory=Counter)
    held: list[Diagnostic] = field(default_factory=list)


class NoValue(Exception):
    """An expression has no value."""


class Fault(NoValue):
    """An expression has no value, and that has not been reported yet.

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
    """An expression has no value because another statement failed before.

    Args:
        failure: what was found, if it is held back; None where it has been reported.
    """

    def __init__(self, failure: Failure | None = None) -> None:
        super().__init__()
        self.failure = failure


class LimitReached(Exception):
    """The settings ask for more than a limit allows; reading stops here.

    Args:
        message: which limit.
        hint: how to stay inside.

    Attributes:
        location: the statement that was being run.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location: Location | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Poison:
    """In the place of a value whose statement failed.

    Args:
        failure: what is wrong, if that is held back; None where it has been reported.
    """

    failure: Failure | None = None


POISON: Final = Poison()


def computed(value: object) -> object:
    """The value. Raises Poisoned if its statement failed."""
    if isinstance(value, Poison):
        raise Poisoned(value.failure)
    return value


def is_computed(value: object) -> bool:
    """Whether there is no Poison in a value, at any depth."""
    if isinstance(value, dict):
        return all(is_computed(one) for one in value.values())
    if isinstance(value, list):
        return all(is_computed(one) for one in value)
    return not isinstance(value, Poison)


_WORDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "a boolean",
    "NoneType": "None",
    "TrackedList": "a list",
    "tuple": "a tuple",
    "TrackedDict": "a dictionary",
    "set": "a set",
}


def kind(value: object) -> str:
    """What a value is, in words with an article ("a string"); never the value itself."""
    return _WORDS.get(type(value).__name__, "a value")
