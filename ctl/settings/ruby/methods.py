"""The methods of Ruby's values that are read: simple ones of strings, numbers, arrays and hashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ctl.settings.language.faults import POISON, Fault, Poisoned
from ctl.settings.language.limits import Budget, check_elements, check_number, check_text
from ctl.settings.language.ownership import keep, kept
from ctl.settings.language.places import Place
from ctl.settings.language.tracked import TrackedDict, TrackedList
from ctl.settings.nearest import nearest
from ctl.settings.ruby import advice
from ctl.settings.ruby.words import kind, text_of

_SPACE: Final = " \t\n\v\f\r\0"
_INTEGER: Final = re.compile(r"\s*([+-]?\d{1,400})")
_FLOAT: Final = re.compile(r"\s*([+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?)")

CHANGING: Final = frozenset(
    {"<<", "push", "append", "concat", "unshift", "prepend", "merge!", "update", "store", "delete"}
)
"""Methods that change what they are called on."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a method is called with.

    Args:
        values: the arguments.
        places: the place of each.
        budget: pays for the work.
    """

    values: list[Any]
    places: list[Place]
    budget: Budget

    def take(self, *kinds: type | tuple[type, ...], least: int | None = None) -> list[Any]:
        """The arguments, if they are of these kinds and so many. Raises TypeError."""
        fewest = len(kinds) if least is None else least
        if not fewest <= len(self.values) <= len(kinds):
            raise TypeError
        if any(not isinstance(one, wanted) for one, wanted in zip(self.values, kinds, strict=False)):
            raise TypeError
        return self.values


Method = Callable[[Any, Call], object]


def call_method(receiver: object, name: str, call: Call) -> object:
    """Calls a method of a value.

    Raises:
        Fault: there is no such method here, its arguments are wrong, or the result would be too large.
    """
    methods = _METHODS.get(type(receiver), {})
    method = methods.get(name) or _EVERYWHERE.get(name)
    if method is None:
        raise _no_method(receiver, name, methods)
    try:
        return method(receiver, call)
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise Fault(f"{name} of {kind(receiver)} is called with the wrong arguments") from None
    except (KeyError, IndexError):
        raise Fault(
            f"{name} does not find the key", hint="Give a default: .fetch('key', 'default')."
        ) from None


def _no_method(receiver: object, name: str, methods: Mapping[str, object]) -> Fault:
    hint = advice.of_method(name)
    if not hint and (near := nearest(name, [*methods, *_EVERYWHERE])):
        hint = f"Did you mean {near}?"
    if receiver is None and not hint:
        hint = "A setting that was not given above is nil, and so is ENV['NAME'] where there is no such variable."
    return Fault(f"{kind(receiver)} has no method `{name}` that is read in a gitlab.rb", hint=hint)


def _text(native: Callable[[str], object]) -> Method:
    """A method of strings without arguments."""

    def call(receiver: str, call: Call) -> object:
        call.take()
        call.budget.charge_text(len(receiver))
        return native(receiver)

    return call


def _chomp(receiver: str, call: Call) -> object:
    end = call.take(str, least=0)
    if end:
        return receiver.removesuffix(end[0])
    return receiver.removesuffix("\n").removesuffix("\r")


def _to_i(receiver: str, call: Call) -> object:
    call.take()
    found = _INTEGER.match(receiver)
    if found and receiver[found.end() : found.end() + 1].isdigit():
        raise Fault("the number has too many digits")
    return check_number(int(found[1])) if found else 0


def _to_f(receiver: str, call: Call) -> object:
    call.take()
    found = _FLOAT.match(receiver)
    return check_number(float(found[1])) if found else 0.0


def _replace(times: int) -> Method:
    def replace(receiver: str, call: Call) -> object:
        old, new = call.take(str, str)
        count = receiver.count(old) if times < 0 else 1
        check_text(len(receiver) + count * len(new))
        call.budget.charge_text(len(receiver) + count * len(new))
        return receiver.replace(old, new.replace("\\\\", "\\"), times)

    return replace


def _split(receiver: str, call: Call) -> object:
    (sign,) = call.take(str, least=0) or [" "]
    call.budget.charge_text(len(receiver))
    check_elements(
        len(receiver.split()) if sign == " " else len(receiver) if not sign else receiver.count(sign)
    )
    parts = receiver.split() if sign == " " else list(receiver) if not sign else receiver.split(sign)
    while parts and not parts[-1]:
        parts.pop()
    call.budget.charge(len(parts))
    return TrackedList(parts)


def _starts(native: Callable[[str, tuple[str, ...]], bool]) -> Method:
    def call(receiver: str, call: Call) -> object:
        if not all(isinstance(one, str) for one in call.values):
            raise TypeError
        call.budget.charge(len(call.values))
        return native(receiver, tuple(call.values))

    return call


def _join(receiver: TrackedList, call: Call) -> object:
    (sign,) = call.take(str, least=0) or [""]
    call.budget.weigh(receiver)
    texts = [_known_text(one) for one in receiver]
    length = sum(map(len, texts)) + len(sign) * len(texts)
    check_text(length)
    call.budget.charge_text(length)
    return sign.join(texts)


def _known_text(value: object) -> str:
    text = text_of(value)
    if text is None:
        raise TypeError
    return text


def _include(receiver: Any, call: Call) -> object:  # noqa: ANN401 - string, array or hash
    (wanted,) = call.take(str if isinstance(receiver, str) else object)
    call.budget.weigh(receiver)
    return wanted in receiver


def _to_s(receiver: object, call: Call) -> object:
    call.take()
    return _known_text(receiver)


def _same(receiver: object, call: Call) -> object:
    call.take()
    return receiver


def _copy(receiver: object, call: Call) -> object:
    call.take()
    call.budget.weigh(receiver)
    if isinstance(receiver, TrackedDict):
        return TrackedDict(receiver, receiver.places)
    return TrackedList(receiver, receiver.places) if isinstance(receiver, TrackedList) else receiver


def _length(receiver: Any, call: Call) -> object:  # noqa: ANN401
    call.take()
    return len(receiver)


def _element(index: int) -> Method:
    def element(receiver: TrackedList, call: Call) -> object:
        call.take()
        return receiver[index] if receiver else None

    return element


def _filtered(keep: Callable[[list[object], object], bool]) -> Method:
    def call(receiver: TrackedList, call: Call) -> object:
        call.take()
        result: list[object] = []
        call.budget.charge(call.budget.weigh(receiver) * (1 + (len(receiver) >> 6)))
        for one in receiver:
            if keep(result, one):
                result.append(one)
        return TrackedList(result)

    return call


def push(receiver: TrackedList, call: Call) -> object:
    """Adds elements to the end of an array; one that is part of the settings keeps copies."""
    check_elements(len(receiver) + len(call.values))
    for value, place in zip(call.values, call.places, strict=True):
        receiver.place(len(receiver), kept(receiver, value, place, call.budget), place)
    return receiver


def _unshift(receiver: TrackedList, call: Call) -> object:
    check_elements(len(receiver) + len(call.values))
    call.budget.charge(1 + (len(receiver) >> 3))
    for value, place in reversed(list(zip(call.values, call.places, strict=True))):
        receiver.place(0, kept(receiver, value, place, call.budget), place)
    return receiver


def _concat(receiver: TrackedList, call: Call) -> object:
    for added, place in zip(call.values, call.places, strict=True):
        if not isinstance(added, TrackedList):
            raise TypeError
        push(receiver, Call(list(added), [place] * len(added), call.budget))
    return receiver


def _merge(receiver: TrackedDict, call: Call) -> object:
    return _update(TrackedDict(receiver, receiver.places), call)


def _update(receiver: TrackedDict, call: Call) -> object:
    call.budget.charge(len(receiver))
    for added, place in zip(call.values, call.places, strict=True):
        if not isinstance(added, TrackedDict):
            raise TypeError
        check_elements(len(receiver) + len(added))
        for key, value in list(added.items()):
            where = added.places.get(key, place)
            keep(receiver, key, value, where, call.budget)
    return receiver


def _store(receiver: TrackedDict, call: Call) -> object:
    key, value = call.take(str, object)
    keep(receiver, key, value, call.places[0], call.budget, call.places[1])
    return value


def _delete(receiver: TrackedDict, call: Call) -> object:
    (key,) = call.take(object)
    receiver.places.pop(key, None)
    return receiver.pop(key, None)


def _fetch(receiver: TrackedDict, call: Call) -> object:
    key, *default = call.take(str, object, least=1)
    found = receiver[key] if not default else receiver.get(key, default[0])
    if found is POISON:
        raise Poisoned
    return found


def _has_key(receiver: TrackedDict, call: Call) -> object:
    (key,) = call.take(str)
    return key in receiver


def _dig(receiver: TrackedDict, call: Call) -> object:
    found: object = receiver
    for key in call.values:
        found = found.get(key) if isinstance(found, TrackedDict) else None
    if found is POISON:
        raise Poisoned
    return found


def _list(native: Callable[[TrackedDict], Any]) -> Method:
    def call(receiver: TrackedDict, call: Call) -> object:
        call.take()
        call.budget.charge(len(receiver))
        return TrackedList(native(receiver))

    return call


def _constant(value: object) -> Method:
    def call(_: object, call: Call) -> object:
        call.take()
        return value

    return call


_EVERYWHERE: Final[dict[str, Method]] = {
    "nil?": lambda receiver, call: receiver is None and not call.take(),
    "freeze": _same,
    "dup": _copy,
    "clone": _copy,
    "itself": _same,
    "to_s": _to_s,
}

_STRING: Final[dict[str, Method]] = {
    "strip": _text(lambda text: text.strip(_SPACE)),
    "lstrip": _text(lambda text: text.lstrip(_SPACE)),
    "rstrip": _text(lambda text: text.rstrip(_SPACE)),
    "chomp": _chomp,
    "upcase": _text(str.upper),
    "downcase": _text(str.lower),
    "capitalize": _text(str.capitalize),
    "to_str": _same,
    "to_sym": _same,
    "to_i": _to_i,
    "to_f": _to_f,
    "gsub": _replace(-1),
    "sub": _replace(1),
    "delete_prefix": lambda text, call: text.removeprefix(call.take(str)[0]),
    "delete_suffix": lambda text, call: text.removesuffix(call.take(str)[0]),
    "split": _split,
    "start_with?": _starts(str.startswith),
    "end_with?": _starts(str.endswith),
    "include?": _include,
    "empty?": _text(lambda text: not text),
    "length": _length,
    "size": _length,
}

_ARRAY: Final[dict[str, Method]] = {
    "join": _join,
    "include?": _include,
    "empty?": lambda array, call: not array and not call.take(),
    "any?": lambda array, call: not call.take() and any(one not in (None, False) for one in array),
    "length": _length,
    "size": _length,
    "first": _element(0),
    "last": _element(-1),
    "uniq": _filtered(lambda before, one: one not in before),
    "compact": _filtered(lambda _, one: one is not None),
    "to_a": _same,
    "push": push,
    "append": push,
    "<<": push,
    "concat": _concat,
    "unshift": _unshift,
    "prepend": _unshift,
}

_HASH: Final[dict[str, Method]] = {
    "merge": _merge,
    "merge!": _update,
    "update": _update,
    "store": _store,
    "delete": _delete,
    "fetch": _fetch,
    "dig": _dig,
    "key?": _has_key,
    "has_key?": _has_key,
    "include?": _has_key,
    "keys": _list(lambda value: value.keys()),
    "values": _list(lambda value: value.values()),
    "empty?": lambda value, call: not value and not call.take(),
    "length": _length,
    "size": _length,
    "to_h": _same,
    "to_hash": _same,
}

_NUMBER: Final[dict[str, Method]] = {
    "to_i": lambda number, call: call.take() or int(number),
    "to_f": lambda number, call: call.take() or check_number(float(number)),
    "zero?": lambda number, call: not call.take() and number == 0,
}

_METHODS: Final[dict[type, dict[str, Method]]] = {
    str: _STRING,
    TrackedList: _ARRAY,
    TrackedDict: _HASH,
    int: _NUMBER,
    float: _NUMBER,
    type(None): {"to_a": lambda _, call: TrackedList(call.take()), "to_i": _constant(0)},
}
