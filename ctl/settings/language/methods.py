"""The methods that values have: those of Python that are pure or change a list or dictionary in place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ctl.settings.language import advice
from ctl.settings.language.faults import Fault, computed, kind
from ctl.settings.language.limits import Budget, check_elements, check_text
from ctl.settings.language.ownership import keep, kept, ordered
from ctl.settings.language.places import Place, is_plain_path
from ctl.settings.language.tracked import TrackedDict, TrackedList
from ctl.settings.nearest import nearest


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
        return self.places[index] if index < len(self.places) else self.here

    def shown(self, index: int) -> str:
        """A positional string as it may be told: if it is written out in the settings, or a plain path; else ""."""
        if index >= len(self.values):
            return ""
        value, node = self.values[index], self.places[index][1]
        told = isinstance(node, ast.Constant) or (isinstance(value, str) and is_plain_path(value))
        return str(value) if told else ""

    def only(self, *default: object) -> Any:  # noqa: ANN401 - any value of the language
        """The one positional value, or the default where there is none. Raises TypeError for more."""
        found = self.values or list(default)
        if len(found) != 1:
            raise TypeError
        return found[0]

    def positional(self, *names: str) -> list[Any]:
        """Positional values, then those given by name. Raises TypeError for names that are not the next ones."""
        values, named = list(self.values), dict(self.named)
        for name in names[len(values) :]:
            if name not in named:
                break
            values.append(named.pop(name))
        if named or not 1 <= len(values) <= len(names):
            raise TypeError
        return values

    def texts(self, *names: str) -> list[str]:
        """As `positional`, for strings only. Raises TypeError."""
        values = self.positional(*names)
        if not all(isinstance(value, str) for value in values):
            raise TypeError
        return values

    def none(self) -> None:
        """Raises TypeError if there is any argument."""
        if self.values or self.named:
            raise TypeError

    def refuse_named(self, *allowed: str) -> None:
        """Raises TypeError for values given by another name than these."""
        if set(self.named) - set(allowed):
            raise TypeError


CHANGING: Final = frozenset({"append", "extend", "insert", "remove", "pop", "update", "setdefault"})
"""Methods that change what they are called on."""

_LOOKING: Final = frozenset({"index", "rindex", "remove"})
"""Methods that fail when what they look for is not there."""

_MOST_LISTED: Final = 12
"""How many methods are listed to somebody who looked for another one."""

_BY_NAME: Final = frozenset({"split", "rsplit", "splitlines", "update"})
"""Methods that take arguments by name."""


def call_method(receiver: object, name: str, arguments: Arguments) -> object:
    """Calls a method of a value.

    Args:
        receiver: the value.
        name: the method.
        arguments: what it is called with.

    Raises:
        Fault: no such method, wrong arguments, or a result that would be too large.
    """
    methods = _METHODS.get(type(receiver), {})
    method = methods.get(name)
    if method is None:
        raise _no_method(receiver, name, methods)
    try:
        if name not in _BY_NAME:
            arguments.refuse_named()
        return method(receiver, arguments)
    except KeyError:
        raise Fault(f"{name}() does not find the key") from None
    except IndexError:
        raise Fault(f"{name}() finds no element at that place") from None
    except ValueError:
        reason = "does not find what it looks for" if name in _LOOKING else "cannot use its arguments"
        raise Fault(f"{name}() {reason}") from None
    except (TypeError, OverflowError, AttributeError):
        raise Fault(f"{name}() of {kind(receiver)} is called with the wrong arguments") from None


def _no_method(receiver: object, name: str, methods: Mapping[str, object]) -> Fault:
    hint = advice.of_method(name)
    if not hint and (known := nearest(name, methods)):
        hint = f"Did you mean {known}()?"
    if not hint and 0 < len(methods) <= _MOST_LISTED:
        hint = f"It has: {', '.join(sorted(methods))}."
    return Fault(f"{kind(receiver)} has no method {name}() in the settings language", hint=hint)


Method = Callable[[Any, Arguments], object]


def _plain(native: Callable[..., object]) -> Method:
    """A method whose work and result are no larger than the receiver and its arguments."""

    def call(receiver: Any, arguments: Arguments) -> object:  # noqa: ANN401 - any value of the language
        arguments.budget.weigh(receiver)
        for value in arguments.values:
            arguments.budget.weigh(value)
        result = native(receiver, *arguments.values, **arguments.named)
        if type(result) is list:
            check_elements(len(result))
            arguments.budget.weigh(result)
            return TrackedList(result)
        return result

    return call


def _padding(native: Callable[..., str]) -> Method:
    def call(receiver: str, arguments: Arguments) -> object:
        width = arguments.values[0] if arguments.values else 0
        check_text(max(len(receiver), width))
        arguments.budget.charge_text(max(len(receiver), width))
        return native(receiver, *arguments.values)

    return call


def _expandtabs(receiver: str, arguments: Arguments) -> object:
    size = arguments.values[0] if arguments.values else 8
    length = len(receiver) + receiver.count("\t") * max(0, size)
    check_text(length)
    arguments.budget.charge_text(length)
    return receiver.expandtabs(size)


def _replace(receiver: str, arguments: Arguments) -> object:
    old, new, *rest = arguments.values
    times = receiver.count(old)
    if rest and rest[0] >= 0:
        times = min(times, rest[0])
    length = len(receiver) + times * max(0, len(new) - len(old))
    check_text(length)
    arguments.budget.charge_text(length)
    arguments.budget.charge(times >> 4)
    return receiver.replace(old, new, *rest)


def _join(receiver: str, arguments: Arguments) -> object:
    values = arguments.only()
    parts = elements(values, arguments.budget)
    wrong = [part for part in parts if not isinstance(part, str)]
    if wrong:
        hint = "Turn each into text with str()."
        raise Fault(f"join() puts strings together, but one of these is {kind(wrong[0])}", hint=hint)
    length = sum(len(part) for part in parts) + len(receiver) * len(parts)
    check_text(length)
    arguments.budget.charge_text(length)
    return receiver.join(parts)


def elements(value: object, budget: Budget) -> list[Any]:
    """The elements of anything that can be gone through, as they are now; of a dictionary, its keys.

    Raises:
        Fault: the value cannot be gone through.
    """
    if isinstance(value, (str, list, tuple, dict, set)):
        check_elements(len(value))
        budget.charge(len(value))
        return ordered(value) if isinstance(value, set) else list(value)
    raise Fault(f"{kind(value)} cannot be gone through one by one")


def _keys(receiver: TrackedDict, arguments: Arguments) -> object:
    _no_arguments(arguments)
    return TrackedList(elements(receiver, arguments.budget), [receiver.places.get(key) for key in receiver])


def _values(receiver: TrackedDict, arguments: Arguments) -> object:
    _no_arguments(arguments)
    arguments.budget.charge(len(receiver))
    refuse_poison(receiver)
    return TrackedList(receiver.values(), [receiver.places.get(key) for key in receiver])


def _items(receiver: TrackedDict, arguments: Arguments) -> object:
    _no_arguments(arguments)
    arguments.budget.charge(2 * len(receiver))
    refuse_poison(receiver)
    return TrackedList(receiver.items())


def _get(receiver: TrackedDict, arguments: Arguments) -> object:
    arguments.budget.weigh(arguments.values[0] if arguments.values else None)
    return computed(receiver.get(*arguments.values))


def refuse_poison(container: TrackedDict) -> None:
    """Raises Poisoned if a value of the dictionary was not computed."""
    for value in container.values():
        computed(value)


def _copy(receiver: TrackedDict | TrackedList, arguments: Arguments) -> object:
    _no_arguments(arguments)
    arguments.budget.charge(len(receiver))
    if isinstance(receiver, TrackedDict):
        return TrackedDict(receiver, receiver.places)
    return TrackedList(receiver, receiver.places)


def _update(receiver: TrackedDict, arguments: Arguments) -> None:
    if len(arguments.values) > 1 or any(not isinstance(value, TrackedDict) for value in arguments.values):
        raise TypeError
    for key, value in arguments.named.items():
        _put(receiver, key, value, arguments.named_places.get(key, arguments.here), arguments)
    for given in arguments.values:
        for key, value in list(given.items()):
            _put(receiver, key, value, given.places.get(key, arguments.here), arguments)


def _put(receiver: TrackedDict, key: str, value: object, place: Any, arguments: Arguments) -> None:  # noqa: ANN401
    arguments.budget.charge(1)
    check_elements(len(receiver))
    keep(receiver, key, value, place, arguments.budget)


def _setdefault(receiver: TrackedDict, arguments: Arguments) -> object:
    key, default = arguments.values
    arguments.budget.weigh(key)
    if key not in receiver:
        _put(receiver, key, default, arguments.place(0), arguments)
    return receiver[key]


def _pop_key(receiver: TrackedDict, arguments: Arguments) -> object:
    key, *default = arguments.values
    arguments.budget.weigh(key)
    value = receiver.pop(key, *default)
    receiver.places.pop(key, None)
    return computed(value)


def _append(receiver: TrackedList, arguments: Arguments) -> None:
    value = arguments.only()
    _insert_at(receiver, len(receiver), value, arguments.place(0), arguments)


def _insert(receiver: TrackedList, arguments: Arguments) -> None:
    index, value = arguments.values
    _insert_at(receiver, index, value, arguments.place(1), arguments)


def _insert_at(receiver: TrackedList, index: int, value: object, place: Any, arguments: Arguments) -> None:  # noqa: ANN401
    check_elements(len(receiver) + 1)
    arguments.budget.charge(1 + (len(receiver) >> 8))
    receiver.place(index, kept(receiver, value, place, arguments.budget), place)


def _extend(receiver: TrackedList, arguments: Arguments) -> None:
    values = arguments.only()
    extend(receiver, values, arguments.place(0), arguments.budget)


def extend(receiver: TrackedList, values: object, place: Place, budget: Budget) -> None:
    """Appends the elements of `values`, with their own places where they have some, else `place`.

    Raises:
        Fault: `values` cannot be gone through, or the list would be too long.
    """
    places = list(values.places) if isinstance(values, TrackedList) else []
    new = elements(values, budget)
    check_elements(len(receiver) + len(new))
    places += [None] * (len(new) - len(places))
    for value, where in zip(new, places, strict=True):
        known = where or place
        receiver.place(len(receiver), kept(receiver, value, known, budget), known)


def _remove(receiver: TrackedList, arguments: Arguments) -> None:
    arguments.budget.weigh(receiver)
    receiver.take(receiver.index(*arguments.values))


def _pop(receiver: TrackedList, arguments: Arguments) -> object:
    arguments.budget.charge(1 + (len(receiver) >> 8))
    return receiver.take(*arguments.values or (-1,))


def _no_arguments(arguments: Arguments) -> None:
    if arguments.values:
        raise TypeError


_STRING: Final = """
capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower
isnumeric isprintable isspace istitle isupper lower lstrip partition removeprefix removesuffix rfind rindex
rpartition rsplit rstrip split splitlines startswith strip swapcase title upper
"""
"""Methods of strings whose result is no longer than what they are called with."""

_METHODS: Final[Mapping[type, Mapping[str, Method]]] = {
    str: {
        **{name: _plain(getattr(str, name)) for name in _STRING.split()},
        **{name: _padding(getattr(str, name)) for name in ("center", "ljust", "rjust", "zfill")},
        "expandtabs": _expandtabs,
        "replace": _replace,
        "join": _join,
    },
    TrackedDict: {
        "get": _get,
        "keys": _keys,
        "values": _values,
        "items": _items,
        "copy": _copy,
        "update": _update,
        "setdefault": _setdefault,
        "pop": _pop_key,
    },
    TrackedList: {
        "count": _plain(list.count),
        "index": _plain(list.index),
        "copy": _copy,
        "append": _append,
        "extend": _extend,
        "insert": _insert,
        "remove": _remove,
        "pop": _pop,
    },
    tuple: {"count": _plain(tuple.count), "index": _plain(tuple.index)},
    set: {
        name: _plain(getattr(set, name))
        for name in (
            "union",
            "intersection",
            "difference",
            "symmetric_difference",
            "issubset",
            "issuperset",
            "isdisjoint",
        )
    },
}
