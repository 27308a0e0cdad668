"""The functions of the settings language: Python's own, behind the guard, and those of outside.py; f-strings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ctl.language.faults import Fault, kind
from ctl.language.guard import Arguments, Native, check_key, elements, elements_of, guarded, nothing
from ctl.language.limits import MAX_TEXT, MAX_WIDTH, Budget, check_elements
from ctl.language.tracked import TrackedDict, TrackedList

_LONGEST_NUMBER: Final = 400
"""Characters of a number as text: the time that Python takes grows with the square of them."""

_SPECIFICATION: Final = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?(\d*)[_,]?(?:\.(\d+))?[a-zA-Z%]?", re.DOTALL)
_CONVERSIONS: Final = {ord("r"): repr, ord("a"): ascii}
_ESCAPE_WIDTH: Final = 10
"""The most characters that one character becomes in repr() or ascii()."""

Function = Callable[..., object]


def call_function(name: str, outside: Mapping[str, Function], arguments: Arguments) -> object:
    """Call a function.

    Args:
        name: which.
        outside: the functions whose value comes from outside; their first argument is `arguments`.
        arguments: what it is called with.

    Raises:
        Fault: wrong arguments, or a result that would be too large.
    """
    special = _WITH_PLACES.get(name) or outside.get(name)
    native = _NATIVE[name] if special is None else Native(partial(special, arguments), nothing, nothing)
    return guarded(
        native, arguments.budget, partial(_in_words, name, arguments), arguments.values, arguments.named
    )


def _in_words(name: str, arguments: Arguments, error: Exception) -> Fault:
    hint = f"Write {_USAGE[name]}." if name in _USAGE else ""
    if "not supported between" in str(error):
        return Fault("values of different kinds cannot be sorted or compared")
    if str(error).endswith("object is not iterable"):
        return Fault(f"{_kinds(arguments)} cannot be looped over", hint=hint)
    if isinstance(error, ValueError | OverflowError):
        message, better = _CANNOT.get(name, (f"{name}() cannot use the values it is called with", ""))
        return Fault(message, hint=better or hint)
    return Fault(f"{name}() is called with the wrong arguments", hint=hint)


def _kinds(arguments: Arguments) -> str:
    wrong = [value for value in arguments.values if not isinstance(value, str | list | tuple | dict)]
    return kind(wrong[0]) if wrong else "this"


_CANNOT: Final = {
    "int": ("this text is not a whole number", ""),
    "float": ("this text is not a number", ""),
    "min": ("there is nothing to choose from", "Give a default: min(values, default=0)."),
    "max": ("there is nothing to choose from", "Give a default: max(values, default=0)."),
}
"""What a ValueError means, with a hint."""

_USAGE: Final = {
    "env": 'env("NAME") or env("NAME", "default")',
    "read_file": 'read_file("/path") or read_file("/path", "default")',
    "read_json": 'read_json("/path.json")',
    "exists": 'exists("/path")',
    "hostname": "hostname()",
    "fqdn": "fqdn()",
    "len": "len(values)",
    "str": "str(value)",
    "int": 'int("123")',
    "float": 'float("1.5")',
    "bool": "bool(value)",
    "range": "range(stop) or range(start, stop, step)",
    "sorted": "sorted(values) or sorted(values, reverse=True)",
    "enumerate": "enumerate(values) or enumerate(values, 1)",
    "zip": "zip(first, second)",
    "min": "min(values) or min(one, other)",
    "max": "max(values) or max(one, other)",
    "sum": "sum(numbers)",
    "round": "round(number) or round(number, digits)",
}


def text_of(value: object = "", /) -> str:
    """A single value as text, as str() makes it. Raises Fault for lists and dictionaries."""
    if value is None or isinstance(value, str | int | float):
        return str(value)
    raise Fault(
        f"{kind(value)} cannot be turned into text", hint='Put the parts together: ", ".join(values).'
    )


def formatted(value: object, conversion: int, specification: str) -> str:
    """The text of one replacement field of an f-string.

    Args:
        value: the field's value: a string, a number, a boolean or None.
        conversion: the character after "!", as its code, or -1.
        specification: the text after ":".

    Raises:
        Fault: a list or dictionary, or a specification that is wrong or too wide.
    """
    text = text_of(value)
    if convert := _CONVERSIONS.get(conversion):
        if len(text) * _ESCAPE_WIDTH > MAX_TEXT:
            raise Fault("the text is too long to be converted with ! in an f-string")
        value = convert(value)
    elif conversion != -1:
        value = text
    if not specification:
        return str(value)
    _check_width(specification)
    try:
        return format(value, specification)
    except (ValueError, TypeError, OverflowError):
        raise Fault(f"this format does not go with {kind(value)}") from None


def _check_width(specification: str) -> None:
    found = _SPECIFICATION.fullmatch(specification)
    if found is None:
        raise Fault("the format after : is not one that Python knows")
    if any(
        len(number) > len(str(MAX_WIDTH)) or int(number) > MAX_WIDTH for number in found.groups() if number
    ):
        raise Fault(f"a width in an f-string is at most {MAX_WIDTH:,}")


def _check_digits(_: Budget, value: object = 0, *__: object, **___: object) -> None:
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        raise ValueError


def _check_places(_: Budget, __: object, ndigits: int | None = None) -> None:
    if ndigits is not None and abs(ndigits) > MAX_WIDTH:
        raise ValueError


def _size_of_range(_: Budget, *bounds: int) -> None:
    numbers = range(*bounds)  # len() refuses very large ones
    check_elements(max(0, -((numbers.start - numbers.stop) // numbers.step)))


def _cost_of_sorting(budget: Budget, values: object) -> None:
    weight = budget.spend_on(values)
    budget.spend(weight * int(math.log2(weight + 1)) >> 2)


def _listed(function: Callable[..., Any]) -> Callable[..., list[Any]]:
    return lambda *values, **named: list(function(*values, **named))


def _sum(values: Any, /, start: Any = 0) -> object:  # noqa: ANN401 - any value of the language
    if any(not isinstance(number, int | float) for number in [*values, start]):
        raise Fault(
            "sum() adds numbers only", hint='Put strings together with "".join(values), lists with +.'
        )
    return sum(values, start)


def _list(call: Arguments, values: object = (), /) -> TrackedList:
    places = values.places if isinstance(values, TrackedList) else ()
    return TrackedList(elements(values, call.budget), places)


def _dict(call: Arguments, values: object = (), /, **named: object) -> TrackedDict:
    if isinstance(values, TrackedDict):
        call.budget.spend(len(values))
        new = values.copy()
    else:
        new = TrackedDict()
        for key, value in (elements(pair, call.budget) for pair in elements(values, call.budget)):
            check_key(key, call.budget)
            new.put(key, value, call.here)
    for key, value in named.items():
        new.put(key, value, call.named_places.get(key, call.here))
    return new


_WITH_PLACES: Final[Mapping[str, Function]] = {"list": _list, "dict": _dict}

_NATIVE: Final[Mapping[str, Native]] = {
    "len": Native(len, nothing),
    "str": Native(text_of, nothing),
    "int": Native(int, size=_check_digits),
    "float": Native(float, size=_check_digits),
    "bool": Native(bool, nothing),
    "tuple": Native(tuple, elements_of),
    "range": Native(range, size=_size_of_range),
    "enumerate": Native(_listed(enumerate), elements_of),
    "zip": Native(_listed(zip)),
    "sorted": Native(sorted, _cost_of_sorting),
    "reversed": Native(_listed(reversed), elements_of),
    "min": Native(min),
    "max": Native(max),
    "sum": Native(_sum),
    "any": Native(any, elements_of),
    "all": Native(all, elements_of),
    "abs": Native(abs),
    "round": Native(round, size=_check_places),
}

OUTSIDE: Final = ("env", "read_file", "read_json", "exists", "hostname", "fqdn")

INCLUDE: Final = "from_file"
"""The include; it is a statement, so that what it sets is set where it is written."""

NAMES: Final = frozenset({*_NATIVE, *_WITH_PLACES, *OUTSIDE, INCLUDE})
"""Every name that is a function."""

RESERVED: Final = NAMES - {"hostname", "fqdn", "exists"}
"""Functions whose name cannot be a variable's; the others are likely names of variables: hostname = "x"."""
