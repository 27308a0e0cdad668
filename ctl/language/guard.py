"""The guard: the one way from the settings language to Python's own operators, methods and functions.

Whatever is on the allow-lists (operators.py, methods.py, functions.py) is called here: its arguments are paid for
before it runs, the few that multiply say how large the result would be, and the result is checked. What Python
raises is put into words that never hold a value, as that may be a secret.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ctl.language.faults import Fault, computed, kind
from ctl.language.limits import Budget, check_elements, check_number, check_text
from ctl.language.places import Place, Positioned, is_plain_path
from ctl.language.tracked import TrackedDict, TrackedList

_RAISED: Final = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""What Python's own operators, methods and functions raise for values that they do not take."""

Cost = Callable[[Budget, Any], object]


def whole(budget: Budget, value: object) -> object:
    """The cost of reading all of a value, at any depth."""
    return budget.spend_on(value)


def elements_of(budget: Budget, value: object) -> None:
    """The cost of reading the elements of a value."""
    if isinstance(value, str | list | tuple | dict):
        budget.spend_new_elements(len(value))


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


Words = Callable[[Exception], Fault]
"""What an exception of Python's own means to somebody who writes settings; never with a value in it."""


def guarded(
    native: Native, budget: Budget, words: Words, values: list[Any], named: Mapping[str, Any] = {}
) -> object:
    """Call something of Python's own.

    Args:
        native: what.
        budget: pays for it.
        words: puts into words what Python raises.
        values: positional arguments.
        named: arguments by name.

    Raises:
        Fault: Python does not take these arguments, or the result would be too large or is no usable value.
        LimitReached: too few steps are left.
        Poisoned: an argument holds a value that was not computed.
    """
    cost = native.first
    for value in [*values, *named.values()]:
        cost(budget, value)
        cost = native.others
    try:
        if native.size is not None:
            native.size(budget, *values, **named)
        result = native.run(*values, **named)
    except _RAISED as error:
        raise words(error) from None
    return _usable(result, budget)


def _usable(value: object, budget: Budget) -> object:
    """A result as a value of the language."""
    if isinstance(value, str):
        check_text(len(value))
        budget.spend_text(len(value))
    elif type(value) in (list, range):
        check_elements(len(value))  # type: ignore[arg-type]
        budget.spend(len(value))  # type: ignore[arg-type]
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


def elements(value: object, budget: Budget, node: Positioned | None = None) -> list[Any]:
    """The elements of a list, tuple or string, or the keys of a dictionary, as they are now.

    Args:
        value: any value of the language.
        budget: pays for each element.
        node: where, for the error.

    Raises:
        Fault: the value has no elements.
    """
    if not isinstance(value, str | list | tuple | dict):
        raise Fault(f"{kind(value)} cannot be looped over", node)
    elements_of(budget, value)
    return list(value)


def check_key(value: object, budget: Budget, node: Positioned | None = None) -> None:
    """Raises Fault for what cannot be a key of a dictionary.

    Strings, None, booleans and whole numbers below 2**60 can: of these, no two that differ have one hash
    (those of strings are secret). Of others a file could hold thousands with one hash, and making the dictionary
    would take a time that grows with the square of them.
    """
    if isinstance(value, int) and value.bit_length() >= _HASH_BITS:
        raise Fault("a whole number this large cannot be a key", node, "Make it text: str(number).")
    if value is not None and not isinstance(value, str | int):
        budget.spend_on(value)
        raise Fault(f"{kind(value)} cannot be a key", node, "Keys are strings or whole numbers.")


_HASH_BITS: Final = 61
"""Python's hash of a whole number is its remainder by 2**61 - 1."""
