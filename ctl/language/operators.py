"""The operators: Python's own, behind the guard."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sized
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ctl.language.faults import Fault, kind
from ctl.language.guard import Native, guarded, nothing
from ctl.language.limits import MAX_BITS, Budget
from ctl.language.tracked import TrackedList

_FILL_IN: Final = 'Put values into text with an f-string: f"…{name}…"'
_COMPARISONS: Final = ("==", "!=", "<", "<=", ">", ">=", "is", "is not")


def apply(sign: ast.AST, budget: Budget, *values: object) -> object:
    """The result of an operator: `left sign right`, or `sign value`.

    Raises:
        Fault: the operator does not go with these values, or the result would be too large.
    """
    if type(sign) is ast.Not:
        return not values[0]
    written, native = _OPERATORS[type(sign)]
    if written.endswith("in") and isinstance(values[1], dict):
        native = replace(native, others=nothing)
    return guarded(native, budget, partial(_in_words, written, values), [*values])


def _in_words(written: str, values: tuple[object, ...], error: Exception) -> Fault:
    if len(values) == 1:
        return Fault(f"this sign goes with numbers only, not with {kind(values[0])}")
    for raised, message in _REASONS.items():
        if isinstance(error, raised):
            return Fault(message)
    left, right = map(kind, values)
    if written.endswith("in"):
        return Fault(f"{left} cannot be looked for in {right}")
    if written in _COMPARISONS:
        return Fault(f"{left} and {right} cannot be compared with {written}")
    hint = ""
    if written == "%" and isinstance(values[0], str):
        hint = f"{_FILL_IN}."
    elif written == "+" and any(isinstance(value, str) for value in values):
        hint = f"{_FILL_IN}, or turn them into text with str()."
    return Fault(f"{left} and {right} do not go together with {written}", hint=hint)


def element(value: TrackedList | tuple[object, ...] | str, index: object) -> object:
    """The element of a list, tuple or string at a place. Raises Fault where there is none."""
    if not isinstance(index, int):
        raise Fault(f"the index of {kind(value)} is a whole number, not {kind(index)}")
    if not -len(value) <= index < len(value):
        raise Fault(f"{kind(value)} of {len(value)}, counted from 0, has no such element")
    return value[index]


def part(value: object, bounds: list[Any], budget: Budget) -> object:
    """The elements between the bounds of a slice. Raises Fault for what has none, or wrong bounds."""
    if any(not isinstance(bound, int | None) for bound in bounds) or bounds[2] == 0:
        raise Fault("the bounds of a slice are whole numbers, and its step is not 0")
    if isinstance(value, str):
        budget.spend_text(len(value))
        return value[slice(*bounds)]
    if isinstance(value, TrackedList | tuple):
        budget.spend(len(value))
        return value.part(slice(*bounds)) if isinstance(value, TrackedList) else value[slice(*bounds)]
    raise Fault(f"{kind(value)} cannot be sliced with [ : ]")


def _size_of_sum(budget: Budget, left: Any, right: Any) -> None:  # noqa: ANN401 - any value of the language
    if isinstance(left, str) and isinstance(right, str):
        budget.spend_new_text(len(left) + len(right))
    elif isinstance(left, Sized) and isinstance(right, Sized):
        budget.spend_new_elements(len(left) + len(right))


def _size_of_product(budget: Budget, left: Any, right: Any) -> None:  # noqa: ANN401
    value, times = (right, left) if isinstance(left, int) else (left, right)
    if isinstance(value, str | list | tuple) and isinstance(times, int):
        length = len(value) * max(0, times)
        if isinstance(value, str):
            budget.spend_new_text(length)
        else:
            budget.spend_new_elements(length)


def _size_of_power(_: Budget, left: Any, right: Any) -> None:  # noqa: ANN401
    both = isinstance(left, int) and isinstance(right, int)
    if both and abs(left) > 1 and abs(right) * left.bit_length() > 2 * MAX_BITS:
        raise Fault(f"the number would have more than {MAX_BITS} bits")


def _size_of_shift(_: Budget, __: object, right: Any) -> None:  # noqa: ANN401
    if isinstance(right, int) and right > MAX_BITS:
        raise Fault(f"the number would have more than {MAX_BITS} bits")


def _remainder(left: Any, right: Any) -> object:  # noqa: ANN401
    """As Python's, but not of text: "%9999999999d" makes text of any size."""
    if isinstance(left, str):
        raise TypeError
    return left % right


def _sized(run: Callable[..., object], size: Callable[..., object] | None = None) -> Native:
    return Native(run, nothing, nothing, size)


_REASONS: Final = {
    ZeroDivisionError: "this divides by zero",
    OverflowError: "the number would be too large",
    ValueError: "a shift is by a positive number",
}

_OPERATORS: Final[dict[type[ast.AST], tuple[str, Native]]] = {
    ast.Add: ("+", _sized(operator.add, _size_of_sum)),
    ast.Sub: ("-", _sized(operator.sub)),
    ast.Mult: ("*", _sized(operator.mul, _size_of_product)),
    ast.Div: ("/", _sized(operator.truediv)),
    ast.FloorDiv: ("//", _sized(operator.floordiv)),
    ast.Mod: ("%", _sized(_remainder)),
    ast.Pow: ("**", _sized(operator.pow, _size_of_power)),
    ast.LShift: ("<<", _sized(operator.lshift, _size_of_shift)),
    ast.RShift: (">>", _sized(operator.rshift)),
    ast.BitOr: ("|", _sized(operator.or_, _size_of_sum)),
    ast.BitAnd: ("&", _sized(operator.and_)),
    ast.BitXor: ("^", _sized(operator.xor)),
    ast.MatMult: ("@", _sized(operator.matmul)),
    ast.USub: ("-", Native(operator.neg)),
    ast.UAdd: ("+", Native(operator.pos)),
    ast.Invert: ("~", Native(lambda value: ~+value)),
    ast.Eq: ("==", Native(operator.eq)),
    ast.NotEq: ("!=", Native(operator.ne)),
    ast.Lt: ("<", Native(operator.lt)),
    ast.LtE: ("<=", Native(operator.le)),
    ast.Gt: (">", Native(operator.gt)),
    ast.GtE: (">=", Native(operator.ge)),
    ast.In: ("in", Native(lambda left, right: left in right)),
    ast.NotIn: ("not in", Native(lambda left, right: left not in right)),
    ast.Is: ("is", Native(operator.is_)),
    ast.IsNot: ("is not", Native(operator.is_not)),
}
