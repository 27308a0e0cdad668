"""Arithmetic and comparison, as in Python, with the size of a result checked before it is made."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

from ctl.settings.language.faults import Fault, kind
from ctl.settings.language.limits import MAX_BITS, Budget, check_elements, check_number, check_text
from ctl.settings.language.tracked import TrackedDict, TrackedList

_NUMBER: Final = (int, float)
_SIGNS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
    ast.MatMult: "@",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def binary(sign: ast.operator, left: object, right: object, budget: Budget) -> object:
    """The result of `left sign right`.

    Raises:
        Fault: the operator does not go with these values, or the result would be too large.
    """
    compute = _BINARY.get(type(sign))
    if compute is None:
        raise _wrong_kinds(sign, left, right)
    try:
        result = compute(left, right, budget)
    except ZeroDivisionError:
        raise Fault("this divides by zero") from None
    except OverflowError:
        raise Fault("the number would be too large") from None
    except ValueError:
        raise Fault("a shift is by a positive number") from None
    except TypeError:
        raise _wrong_kinds(sign, left, right) from None
    return check_number(result)


def unary(sign: ast.unaryop, value: object) -> object:
    """The result of `not value`, `-value`, `+value` or `~value`. Raises Fault for what is no number."""
    if type(sign) is ast.Not:
        return not value
    if isinstance(value, _NUMBER):
        if type(sign) is ast.USub:
            return -value
        if type(sign) is ast.UAdd:
            return +value
        if isinstance(value, int):
            return ~int(value)
    raise Fault(f"this sign goes with numbers only, not with {kind(value)}")


def compare(sign: ast.cmpop, left: object, right: object, budget: Budget) -> bool:
    """The result of one comparison. Raises Fault where the values cannot be compared so."""
    budget.weigh(left)
    budget.weigh(right)
    try:
        return bool(_COMPARE[type(sign)](left, right))
    except TypeError:
        raise _wrong_comparison(sign, left, right) from None


def _wrong_kinds(sign: ast.operator, left: object, right: object) -> Fault:
    hint = ""
    if isinstance(left, str) and type(sign) is ast.Mod:
        hint = 'Put values into text with an f-string: f"…{name}…".'
    elif type(sign) is ast.Add and (isinstance(left, str) or isinstance(right, str)):
        hint = 'Put values into text with an f-string: f"…{name}…", or turn them into text with str().'
    kinds = f"{kind(left)} and {kind(right)}"
    return Fault(f"{kinds} do not go together with {_SIGNS[type(sign)]}", hint=hint)


def _wrong_comparison(sign: ast.cmpop, left: object, right: object) -> Fault:
    if isinstance(sign, (ast.In, ast.NotIn)):
        return Fault(f"{kind(left)} cannot be looked for in {kind(right)}")
    return Fault(f"{kind(left)} and {kind(right)} cannot be compared with {_SIGNS[type(sign)]}")


def _add(left: Any, right: Any, budget: Budget) -> object:  # noqa: ANN401 - any value of the language
    if isinstance(left, str) and isinstance(right, str):
        check_text(len(left) + len(right))
        budget.charge_text(len(left) + len(right))
        return left + right
    if isinstance(left, TrackedList) and isinstance(right, TrackedList):
        _charge_elements(len(left) + len(right), budget)
        return TrackedList(list.__add__(left, right), left.places + right.places)
    if isinstance(left, tuple) and isinstance(right, tuple):
        _charge_elements(len(left) + len(right), budget)
        return left + right
    return operator.add(*_numbers(left, right))


def _multiply(left: Any, right: Any, budget: Budget) -> object:  # noqa: ANN401
    if isinstance(left, int) and isinstance(right, (str, TrackedList, tuple)):
        left, right = right, left
    if isinstance(left, (str, TrackedList, tuple)):
        return _repeat(left, right, budget)
    return operator.mul(*_numbers(left, right))


def _repeat(value: str | TrackedList | tuple[object, ...], times: object, budget: Budget) -> object:
    if not isinstance(times, int):
        raise TypeError
    length = len(value) * max(0, times)
    if isinstance(value, str):
        check_text(length)
        budget.charge_text(length)
        return value * times
    _charge_elements(length, budget)
    return (
        TrackedList(list.__mul__(value, times), value.places * times)
        if isinstance(value, TrackedList)
        else value * times
    )


def _charge_elements(count: int, budget: Budget) -> None:
    check_elements(count)
    budget.charge(count)


def _power(left: Any, right: Any, _: Budget) -> object:  # noqa: ANN401
    left, right = _numbers(left, right)
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and abs(left) > 1
        and abs(right) * left.bit_length() > 2 * MAX_BITS
    ):
        raise Fault(f"the number would have more than {MAX_BITS} bits")
    return left**right


def _shift_left(left: Any, right: Any, _: Budget) -> object:  # noqa: ANN401
    left, right = _numbers(left, right)
    if isinstance(right, int) and right > MAX_BITS:
        raise Fault(f"the number would have more than {MAX_BITS} bits")
    return left << right


def _numeric(compute: Callable[[Any, Any], object]) -> Callable[[Any, Any, Budget], object]:
    return lambda left, right, _: compute(*_numbers(left, right))


def _numbers(left: object, right: object) -> tuple[Any, Any]:
    """Both, if both are numbers. Raises TypeError: "%" of a string, for one, would make text of any size."""
    if isinstance(left, _NUMBER) and isinstance(right, _NUMBER):
        return left, right
    raise TypeError


def _merging(compute: Callable[[Any, Any], object]) -> Callable[[Any, Any, Budget], object]:
    def merge(left: Any, right: Any, budget: Budget) -> object:  # noqa: ANN401
        if isinstance(left, set) and isinstance(right, set):
            budget.weigh(left)
            budget.weigh(right)
            return compute(left, right)
        if isinstance(left, TrackedDict) and isinstance(right, TrackedDict) and compute is operator.or_:
            _charge_elements(len(left) + len(right), budget)
            return TrackedDict({**left, **right}, {**left.places, **right.places})
        return compute(*_numbers(left, right))

    return merge


_BINARY: Final[dict[type[ast.AST], Callable[[Any, Any, Budget], object]]] = {
    ast.Add: _add,
    ast.Sub: _merging(operator.sub),
    ast.Mult: _multiply,
    ast.Div: _numeric(operator.truediv),
    ast.FloorDiv: _numeric(operator.floordiv),
    ast.Mod: _numeric(operator.mod),
    ast.Pow: _power,
    ast.LShift: _shift_left,
    ast.RShift: _numeric(operator.rshift),
    ast.BitOr: _merging(operator.or_),
    ast.BitAnd: _merging(operator.and_),
    ast.BitXor: _merging(operator.xor),
}

_COMPARE: Final[dict[type[ast.AST], Callable[[Any, Any], object]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
