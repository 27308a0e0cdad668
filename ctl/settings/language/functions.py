"""The functions of the settings language: some of Python's pure ones, env() and read_file()."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from ctl.settings.language.faults import Fault, kind
from ctl.settings.language.limits import MAX_WIDTH, check_elements, check_number
from ctl.settings.language.methods import Arguments, elements
from ctl.settings.language.outside import Function, fqdn, hostname
from ctl.settings.language.tracked import TrackedDict, TrackedList

_LONGEST_NUMBER: Final = 400
"""Characters of a number as text."""

_UNORDERED: Final = "values of different kinds cannot be put in order"

_BY_NAME: Final = frozenset({
    "env", "read_file", "read_json", "exists", "int", "dict", "enumerate", "zip", "sorted", "min", "max", "sum",
    "round",
})  # fmt: skip
"""Functions that take arguments by name."""


def call_function(name: str, function: Function, arguments: Arguments) -> object:
    """Calls a function, with what goes wrong in it told in plain words.

    Raises:
        Fault: wrong arguments, or a result that would be too large.
    """
    try:
        if name not in _BY_NAME:
            arguments.refuse_named()
        return function(arguments)
    except (TypeError, AttributeError, KeyError, IndexError):
        raise Fault(f"{name}() is called with the wrong arguments", hint=_usage(name)) from None
    except (ValueError, OverflowError):
        raise Fault(f"{name}() cannot use the values it is called with", hint=_usage(name)) from None


def _usage(name: str) -> str:
    usage = _USAGE.get(name)
    return f"Write {usage}." if usage else ""


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


def text_of(value: object) -> str:
    """A single value as text, as str() makes it. Raises Fault for lists and dictionaries."""
    if value is None or isinstance(value, (str, int, float)):
        return str(value)
    raise Fault(f"{kind(value)} does not become text", hint='Put the parts together: ", ".join(values).')


def _len(arguments: Arguments) -> object:
    value = arguments.only()
    return len(value)


def _str(arguments: Arguments) -> object:
    value = arguments.only("")
    return text_of(value)


def _int(arguments: Arguments) -> object:
    value, *base = arguments.positional("x", "base") if arguments.values else [0]
    try:
        return check_number(int(_short(value), *base))
    except ValueError:
        raise Fault("this text is not a whole number", hint=_usage("int")) from None


def _float(arguments: Arguments) -> object:
    value = arguments.only(0.0)
    try:
        return check_number(float(_short(value)))
    except ValueError:
        raise Fault("this text is not a number", hint=_usage("float")) from None


def _short(value: Any) -> Any:  # noqa: ANN401
    """The value, unless it is text that is too long for a number. Raises ValueError."""
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        raise ValueError
    return value


def _bool(arguments: Arguments) -> object:
    value = arguments.only(False)
    return bool(value)


def _list(arguments: Arguments) -> object:
    value = arguments.only(())
    places = value.places if isinstance(value, TrackedList) else ()
    return TrackedList(elements(value, arguments.budget), places)


def _tuple(arguments: Arguments) -> object:
    value = arguments.only(())
    return tuple(elements(value, arguments.budget))


def _set(arguments: Arguments) -> object:
    value = arguments.only(())
    arguments.budget.weigh(value)
    return set(elements(value, arguments.budget))


def _dict(arguments: Arguments) -> object:
    value = arguments.only(TrackedDict())
    new = (
        TrackedDict(value, value.places) if isinstance(value, TrackedDict) else _from_pairs(value, arguments)
    )
    arguments.budget.charge(len(new) + len(arguments.named))
    for key, given in arguments.named.items():
        new.put(key, given, arguments.named_places.get(key, arguments.here))
    return new


def _from_pairs(value: object, arguments: Arguments) -> TrackedDict:
    arguments.budget.weigh(value)
    new = TrackedDict()
    for key, given in (elements(pair, arguments.budget) for pair in elements(value, arguments.budget)):
        new.put(key, given, arguments.here)
    return new


def _range(arguments: Arguments) -> object:
    numbers = range(*arguments.values)
    check_elements(_length(numbers))
    arguments.budget.charge(len(numbers))
    return TrackedList(numbers)


def _length(numbers: range) -> int:
    """The length of a range of any size: len() refuses very large ones."""
    return max(0, -((numbers.start - numbers.stop) // numbers.step))


def _enumerate(arguments: Arguments) -> object:
    values, *start = arguments.positional("iterable", "start")
    return TrackedList(enumerate(elements(values, arguments.budget), *start))


def _zip(arguments: Arguments) -> object:
    strict = arguments.named.get("strict", False)
    arguments.refuse_named("strict")
    lists = [elements(value, arguments.budget) for value in arguments.values]
    return TrackedList(zip(*lists, strict=bool(strict)))


def _sorted(arguments: Arguments) -> object:
    values = arguments.only()
    if "key" in arguments.named:
        raise Fault("sorted() takes no key in the settings language", hint="Sort plain strings or numbers.")
    arguments.refuse_named("reverse")
    weight = arguments.budget.weigh(values)
    arguments.budget.charge(weight * int(math.log2(weight + 1)) >> 2)
    backwards = bool(arguments.named.get("reverse"))
    try:
        return TrackedList(sorted(elements(values, arguments.budget), reverse=backwards))
    except TypeError:
        raise Fault(_UNORDERED) from None


def _reversed(arguments: Arguments) -> object:
    values = arguments.only()
    return TrackedList(reversed(elements(values, arguments.budget)))


def _extreme(choose: Callable[..., object]) -> Function:
    def call(arguments: Arguments) -> object:
        values = arguments.values
        if len(values) == 1:
            values = elements(values[0], arguments.budget)
        arguments.refuse_named("default")
        for value in values:
            arguments.budget.weigh(value)
        if not values and not arguments.named:
            raise Fault("there is nothing to choose from", hint="Give a default: max(values, default=0).")
        try:
            return choose(values, **arguments.named)
        except TypeError:
            raise Fault(_UNORDERED) from None

    return call


def _sum(arguments: Arguments) -> object:
    values, *start = arguments.positional("iterable", "start")
    numbers = [*start, *elements(values, arguments.budget)]
    if any(not isinstance(number, (int, float)) for number in numbers):
        raise Fault(
            "sum() adds numbers only", hint='Put strings together with "".join(values), lists with +.'
        )
    return check_number(sum(numbers))


def _any(arguments: Arguments) -> object:
    values = arguments.only()
    return any(elements(values, arguments.budget))


def _all(arguments: Arguments) -> object:
    values = arguments.only()
    return all(elements(values, arguments.budget))


def _abs(arguments: Arguments) -> object:
    value = arguments.only()
    return abs(value)


def _round(arguments: Arguments) -> object:
    number, *digits = arguments.positional("number", "ndigits")
    if digits and digits[0] is not None and abs(digits[0]) > MAX_WIDTH:
        raise ValueError
    return check_number(round(number, *digits))


PURE: Final[Mapping[str, Function]] = {
    "len": _len,
    "str": _str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "list": _list,
    "tuple": _tuple,
    "set": _set,
    "dict": _dict,
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "sorted": _sorted,
    "reversed": _reversed,
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": _sum,
    "any": _any,
    "all": _all,
    "abs": _abs,
    "round": _round,
    "hostname": hostname,
    "fqdn": fqdn,
}
"""Functions that need nothing of the reading."""

INCLUDE: Final = "from_file"
"""The include; it is a statement, so that what it sets is set where it is written."""

NAMES: Final = frozenset({*PURE, "env", "read_file", "read_json", "exists", INCLUDE})
"""Every name that is a function."""

RESERVED: Final = NAMES - {"hostname", "fqdn", "exists"}
"""Functions whose name cannot be a variable's; the others are likely names of variables: hostname = "x"."""
