"""Ruby's operators on the values of settings, with the size of a result checked before it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ctl.settings.language.faults import Fault
from ctl.settings.language.limits import MAX_BITS, Budget, check_elements, check_number, check_text
from ctl.settings.language.tracked import TrackedList
from ctl.settings.ruby.words import kind

Operation = Callable[[Any, Any, Budget], object]


def binary(sign: str, left: object, right: object, budget: Budget) -> object:
    """The result of `left sign right`.

    Args:
        sign: the operator as written ("+", "==").
        left: any value.
        right: any value.
        budget: pays for the work.

    Raises:
        Fault: the operator is not read, does not go with these values, or the result would be too large.
    """
    operation = _OPERATIONS.get(sign)
    if operation is None:
        raise unknown(sign)
    try:
        return check_number(operation(left, right, budget))
    except ZeroDivisionError:
        raise Fault("this divides by zero") from None
    except OverflowError:
        raise Fault("the number would be too large") from None
    except (TypeError, ValueError):
        raise _wrong_kinds(sign, left, right) from None


def unknown(sign: str) -> Fault:
    """The failure of an operator that is not read."""
    hint = "Compare with ==, start_with?, end_with? or include?." if sign in ("=~", "!~", "===") else ""
    return Fault(f"the operator {sign} is not read in a gitlab.rb", hint=hint)


def negated(value: object) -> object:
    """The value of `-value`. Raises Fault for what is no number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return -value
    raise Fault(f"the sign goes with numbers only, not with {kind(value)}")


def _wrong_kinds(sign: str, left: object, right: object) -> Fault:
    hint = ""
    if sign == "%" and isinstance(left, str):
        hint = 'Put values into text with "#{name}".'
    elif sign == "+" and (isinstance(left, str) or isinstance(right, str)):
        hint = 'Put values into text with "#{name}", or turn them into text with to_s.'
    return Fault(f"{kind(left)} and {kind(right)} do not go together with {sign}", hint=hint)


def _number(value: object) -> Any:  # noqa: ANN401 - whole or not
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TypeError


def _add(left: object, right: object, budget: Budget) -> object:
    if isinstance(left, str) and isinstance(right, str):
        check_text(len(left) + len(right))
        budget.charge_text(len(left) + len(right))
        return left + right
    if isinstance(left, TrackedList) and isinstance(right, TrackedList):
        _charge(len(left) + len(right), budget)
        return TrackedList([*left, *right], left.places + right.places)
    return _number(left) + _number(right)


def _subtract(left: object, right: object, budget: Budget) -> object:
    if isinstance(left, TrackedList) and isinstance(right, TrackedList):
        budget.charge(budget.weigh(left) * max(1, len(right)))
        return TrackedList([one for one in left if one not in right])
    return _number(left) - _number(right)


def _multiply(left: object, right: object, budget: Budget) -> object:
    if isinstance(left, (str, TrackedList)):
        if not isinstance(right, int) or isinstance(right, bool) or right < 0:
            raise TypeError
        length = len(left) * right
        if isinstance(left, str):
            check_text(length)
            budget.charge_text(length)
            return left * right
        _charge(length, budget)
        return TrackedList(list.__mul__(left, right), left.places * right)
    return _number(left) * _number(right)


def _charge(elements: int, budget: Budget) -> None:
    check_elements(elements)
    budget.charge(elements)


def _divide(left: object, right: object, _: Budget) -> object:
    one, other = _number(left), _number(right)
    return one // other if isinstance(one, int) and isinstance(other, int) else one / other


def _power(left: object, right: object, _: Budget) -> object:
    one, other = _number(left), _number(right)
    if isinstance(other, int) and other < 0:
        raise TypeError  # a rational number in Ruby
    if isinstance(one, int) and abs(one) > 1 and abs(other) * one.bit_length() > 2 * MAX_BITS:
        raise Fault(f"the number would have more than {MAX_BITS} bits")
    return one**other


def _equal(left: object, right: object, budget: Budget) -> bool:
    budget.weigh(left)
    budget.weigh(right)
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _ordered(compare: Callable[[Any, Any], bool]) -> Operation:
    def call(left: object, right: object, budget: Budget) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            budget.charge_text(len(left))
            return compare(left, right)
        return compare(_number(left), _number(right))

    return call


def _union(left: object, right: object, budget: Budget) -> object:
    if not isinstance(left, TrackedList) or not isinstance(right, TrackedList):
        raise TypeError
    budget.charge(budget.weigh(left) * max(1, len(right)))
    return TrackedList([*left, *(one for one in right if one not in left)])


_OPERATIONS: Final[dict[str, Operation]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": lambda left, right, _: _number(left) % _number(right),
    "**": _power,
    "|": _union,
    "==": _equal,
    "!=": lambda left, right, budget: not _equal(left, right, budget),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
}

KNOWN: Final = frozenset(_OPERATIONS)
"""The operators that are read, apart from those that need not look at both sides."""
