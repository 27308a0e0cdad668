"""The methods that values have: Python's own, behind the guard, and those that change a list or dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ctl.language import advice
from ctl.language.faults import Fault, computed, kind
from ctl.language.guard import Arguments, Native, check_key, elements, elements_of, guarded, nothing
from ctl.language.limits import Budget, check_elements
from ctl.language.ownership import store, stored
from ctl.language.places import Place
from ctl.language.tracked import TrackedDict, TrackedList
from ctl.text.nearest import nearest

CHANGING: Final = frozenset({"append", "extend", "insert", "remove", "pop", "update", "setdefault"})
"""Methods that change what they are called on."""

_MOST_LISTED: Final = 12
"""How many methods are listed to somebody who looked for another one."""

_CHARACTERS_A_STEP: Final = 8
"""2 ** 8 = 256 comparisons of characters cost one step."""


def call_method(receiver: object, name: str, arguments: Arguments) -> object:
    """Call a method of a value.

    Args:
        receiver: the value.
        name: the method.
        arguments: what it is called with.

    Raises:
        Fault: no such method, wrong arguments, or a result that would be too large.
    """
    native = _METHODS.get(type(receiver), {}).get(name)
    change = _CHANGES.get(type(receiver), {}).get(name)
    if change is not None:
        native = Native(partial(change, arguments), nothing, nothing)
    if native is None:
        raise _no_method(receiver, name)

    def words(error: Exception) -> Fault:
        for raised, reason in _REASONS.items():
            if isinstance(error, raised):
                return Fault(f"{name}() {'does not find what it looks for' if name in _SEARCHES else reason}")
        return Fault(f"{name}() of {kind(receiver)} is called with the wrong arguments")

    return guarded(native, arguments.budget, words, [receiver, *arguments.values], arguments.named)


_SEARCHES: Final = ("index", "rindex", "remove")
_REASONS: Final = {
    KeyError: "does not find the key",
    IndexError: "finds no element at that place",
    ValueError: "cannot use its arguments",
}


def _no_method(receiver: object, name: str) -> Fault:
    known = sorted({*_METHODS.get(type(receiver), {}), *_CHANGES.get(type(receiver), {})})
    hint = advice.METHODS.get(name, "")
    if not hint and (near := nearest(name, known)):
        hint = f"Did you mean {near}()?"
    if not hint and 0 < len(known) <= _MOST_LISTED:
        hint = f"It has: {', '.join(known)}."
    return Fault(f"{kind(receiver)} has no method {name}() in the settings language", hint=hint)


# What text may become larger than, and what takes a time that grows with a product of lengths.


def _size_of_padding(budget: Budget, text: str, width: int, *_: str) -> None:
    budget.spend_new_text(max(len(text), width))


def _size_of_tabs(budget: Budget, text: str, tabsize: int = 8) -> None:
    budget.spend_new_text(len(text) + text.count("\t") * max(0, tabsize))


def _size_of_replacement(budget: Budget, text: str, old: str, new: str, times: int = -1) -> None:
    found = text.count(old)
    found = min(found, times) if times >= 0 else found
    budget.spend_new_text(len(text) + found * max(0, len(new) - len(old)))
    budget.spend(found >> 4)


def _size_of_joined(budget: Budget, separator: str, values: object) -> None:
    parts = elements(values, budget)
    wrong = next((part for part in parts if not isinstance(part, str)), None)
    if len(parts) and wrong is not None:
        hint = "Turn each into text with str()."
        raise Fault(f"join() puts strings together, but one of these is {kind(wrong)}", hint=hint)
    budget.spend_new_text(sum(map(len, parts)) + len(separator) * len(parts))


def _cost_of_product(budget: Budget, text: str, *others: Any, **named: Any) -> None:  # noqa: ANN401
    """Python compares each character with each where it strips, or searches from the end."""
    for other in [*others, *named.values()]:
        if isinstance(other, str):
            budget.spend(len(text) * len(other) >> _CHARACTERS_A_STEP)


# Methods that change a value. They pay for themselves: a list that grows is not read each time.


def _append(call: Arguments, values: TrackedList, value: object) -> None:
    _insert(call, values, len(values), value)


def _insert(call: Arguments, values: TrackedList, index: int, value: object) -> None:
    check_elements(len(values) + 1)
    call.budget.spend(1 + (len(values) >> 8))
    place = call.place(-1)
    values.place(index, stored(values, value, place, call.budget), place)


def _extend(call: Arguments, values: TrackedList, new: object) -> None:
    extend(values, new, call.place(0), call.budget)


def extend(receiver: TrackedList, values: object, place: Place, budget: Budget) -> None:
    """Append the elements of `values`, with their own places where they have some, else `place`.

    Raises:
        Fault: `values` cannot be looped over, or the list would be too long.
    """
    places = list(values.places) if isinstance(values, TrackedList) else []
    new = elements(values, budget)
    check_elements(len(receiver) + len(new))
    places += [None] * (len(new) - len(places))
    for value, where in zip(new, places, strict=True):
        known = where or place
        receiver.place(len(receiver), stored(receiver, value, known, budget), known)


def _remove(call: Arguments, values: TrackedList, value: object) -> None:
    call.budget.spend_on(values)
    call.budget.spend_on(value)
    values.take(values.index(value))


def _pop(call: Arguments, values: TrackedList, index: int = -1) -> object:
    call.budget.spend(1 + (len(values) >> 8))
    return values.take(index)


def _update(call: Arguments, values: TrackedDict, new: object = None, /, **named: object) -> None:
    for key, value in named.items():
        _put(call, values, key, value, call.named_places.get(key, call.here))
    if isinstance(new, TrackedDict):
        for key, value in list(new.items()):
            _put(call, values, key, value, new.places.get(key, call.here))
    elif call.values:
        raise TypeError


def _put(call: Arguments, values: TrackedDict, key: str, value: object, place: Any) -> None:  # noqa: ANN401
    call.budget.spend(1)
    check_elements(len(values))
    store(values, key, value, place, call.budget)


def _setdefault(call: Arguments, values: TrackedDict, key: Any, default: object = None) -> object:  # noqa: ANN401
    check_key(key, call.budget)
    if key not in values:
        _put(call, values, key, default, call.place(0))
    return values[key]


def _pop_key(call: Arguments, values: TrackedDict, key: Any, *default: object) -> object:  # noqa: ANN401
    check_key(key, call.budget)
    value = values.pop(key, *default)
    values.places.pop(key, None)
    return value


# Methods of dictionaries whose result knows its places.


def _keys(values: TrackedDict) -> TrackedList:
    return TrackedList(values, [values.places.get(key) for key in values])


def _values(values: TrackedDict) -> TrackedList:
    return TrackedList(map(computed, values.values()), [values.places.get(key) for key in values])


def _items(values: TrackedDict) -> TrackedList:
    return TrackedList((key, computed(value)) for key, value in values.items())


_PLAIN: Final = """
capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower
isnumeric isprintable isspace istitle isupper lower partition removeprefix removesuffix split splitlines startswith
swapcase title upper
"""
_SLOW: Final = "lstrip rstrip strip rfind rindex rpartition rsplit"

_METHODS: Final[Mapping[type, Mapping[str, Native]]] = {
    str: {
        **{name: Native(getattr(str, name)) for name in _PLAIN.split()},
        **{name: Native(getattr(str, name), size=_cost_of_product) for name in _SLOW.split()},
        **{
            name: Native(getattr(str, name), size=_size_of_padding)
            for name in ("center", "ljust", "rjust", "zfill")
        },
        "expandtabs": Native(str.expandtabs, size=_size_of_tabs),
        "replace": Native(str.replace, size=_size_of_replacement),
        "join": Native(str.join, size=_size_of_joined),
    },
    TrackedDict: {
        "get": Native(dict.get, nothing),
        "keys": Native(_keys, elements_of),
        "values": Native(_values, elements_of),
        "items": Native(_items, elements_of),
        "copy": Native(TrackedDict.copy, elements_of),
    },
    TrackedList: {
        "count": Native(list.count),
        "index": Native(list.index),
        "copy": Native(TrackedList.copy, elements_of),
    },
    tuple: {"count": Native(tuple.count), "index": Native(tuple.index)},
}

_CHANGES: Final[Mapping[type, Mapping[str, Callable[..., object]]]] = {
    TrackedDict: {"update": _update, "setdefault": _setdefault, "pop": _pop_key},
    TrackedList: {"append": _append, "extend": _extend, "insert": _insert, "remove": _remove, "pop": _pop},
}
