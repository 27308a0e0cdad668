"""The guard: the one way from the settings language to Python's own operators, methods and functions.

Whatever is on the allow-lists (operators.py, methods.py, functions.py) is called here: its arguments are paid for
before it runs, the few that multiply say how large the result would be, and the result is checked. What Python
raises is put into words that never hold a value, as that may be a secret.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ctl.settings.language.faults import Fault, computed, kind
from ctl.settings.language.limits import Budget, check_elements, check_number, check_text
from ctl.settings.language.places import Place, is_plain_path
from ctl.settings.language.tracked import TrackedDict, TrackedList

RAISED: Final = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""What Python's own operators, methods and functions raise for values that they do not take."""

Cost = Callable[[Budget, Any], object]


def whole(budget: Budget, value: object) -> object:
    """The cost of going through all of a value, at any depth."""
    return budget.weigh(value)


def elements_of(budget: Budget, value: object) -> None:
    """The cost of going through the elements of a value once."""
    if isinstance(value, str | list | tuple | dict):
        budget.charge_made_elements(len(value))


def nothing(_budget: Budget, _value: object) -> None:
    """The cost of what does not depend on the size of a value."""


@dataclass(frozen=True, slots=True)
class Native:
    """Something of Python's own that settings may use.

    Args:
        run: what is called.
        first: the cost of its first argument, or of what a method is called on.
        others: the cost of every other argument.
        size: checks and pays for what is made before it is made; for what multiplies.
    """

    run: Callable[..., Any]
    first: Cost = whole
    others: Cost = whole
    size: Callable[..., object] | None = None


def guarded(native: Native, budget: Budget, values: list[Any], named: dict[str, Any] | None = None) -> object:
    """Call something of Python's own.

    Args:
        native: what.
        budget: pays for it.
        values: positional arguments.
        named: arguments by name.

    Raises:
        Fault: the result would be too large, or is no usable value.
        LimitReached: too few steps are left.
        Poisoned: an argument holds a value that was not computed.
        ArithmeticError, LookupError, TypeError, ValueError, AttributeError: Python does not take these arguments;
            for the caller to put into words.
    """
    named = named or {}
    cost = native.first
    for value in [*values, *named.values()]:
        cost(budget, value)
        cost = native.others
    if native.size is not None:
        native.size(budget, *values, **named)
    return _usable(native.run(*values, **named), budget)


def _usable(value: object, budget: Budget) -> object:
    """A result as a value of the language."""
    if isinstance(value, str):
        check_text(len(value))
        budget.charge_text(len(value))
    elif type(value) in (list, range):
        check_elements(len(value))  # type: ignore[arg-type]
        budget.charge(len(value))  # type: ignore[arg-type]
        return TrackedList(value)  # type: ignore[arg-type]
    elif isinstance(value, TrackedList | TrackedDict | tuple):
        check_elements(len(value))
    return check_number(computed(value))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a function or method is called with.

    Args:
        values: positional values.
        named: values given by name.
        places: the place of each positional value.
        named_places: the place of each value given by name.
        here: the place of the whole call.
        budget: pays for what the call does.
    """

    values: list[Any]
    named: dict[str, Any]
    places: list[Place]
    named_places: dict[str, Place]
    here: Place
    budget: Budget

    def place(self, index: int) -> Place:
        """The place of a positional value, or of the call."""
        return self.places[index] if -len(self.places) <= index < len(self.places) else self.here

    def shown(self, index: int) -> str:
        """A positional string as an error may show it: if it is written out in the file, or a plain path; else ""."""
        if index >= len(self.values):
            return ""
        value, node = self.values[index], self.places[index][1]
        may_be_shown = isinstance(node, ast.Constant) or (isinstance(value, str) and is_plain_path(value))
        return str(value) if may_be_shown else ""


def elements(value: object, budget: Budget) -> list[Any]:
    """The elements of anything that can be gone through, as they are now; of a dictionary, its keys.

    Raises:
        Fault: the value cannot be gone through.
    """
    if isinstance(value, str | list | tuple | dict):
        elements_of(budget, value)
        return list(value)
    raise Fault(f"{kind(value)} cannot be gone through one by one")


def check_key(value: object, budget: Budget) -> None:
    """Raises Fault for what cannot be a key of a dictionary.

    Strings, None, truth values and whole numbers below 2**60 can: of these, no two that differ have one hash
    (those of strings are secret). Of others a file could hold thousands with the same hash, and building the
    dictionary would take a time that grows with the square of them.
    """
    if value is None or isinstance(value, str):
        return
    if isinstance(value, int):
        if value.bit_length() >= _HASH_BITS:
            raise Fault("a whole number this large cannot be a key", hint="Make it text: str(number).")
        return
    budget.weigh(value)
    raise Fault(f"{kind(value)} cannot be a key", hint="Keys are strings or whole numbers.")


_HASH_BITS: Final = 61
"""Python's hash of a whole number is its remainder by 2**61 - 1."""
