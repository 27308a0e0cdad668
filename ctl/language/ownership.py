"""Copying a value into the settings, so that later changes of a variable do not reach it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ctl.language.faults import Fault, computed, kind
from ctl.language.limits import MAX_NESTING, Budget
from ctl.language.places import Place
from ctl.language.source import Location
from ctl.language.tracked import TrackedDict, TrackedList

_CONTAINER_STEPS: Final = 3
"""What making a dictionary or list costs, besides its elements."""


def owned_copy(value: object, place: Place | Location, budget: Budget, depth: int = 0) -> object:
    """A copy of a value as the settings hold it: scalars, dictionaries with string keys, and lists.

    Tuples become lists. Every key and element has a place afterwards: its
    own, or that of what it is in.

    Args:
        value: any value of the language.
        place: where the value was given.
        budget: pays for every key, element and container.
        depth: how many containers `value` is already in.

    Raises:
        Fault: nested too deeply, a key that is no string, or text that is not valid Unicode.
        Poisoned: it contains a value that was not computed.
    """
    if isinstance(value, str):
        return _valid(value, place)
    if depth >= MAX_NESTING:
        raise Fault(f"lists and dictionaries are nested more than {MAX_NESTING} levels deep")
    if isinstance(value, TrackedDict):
        return _owned_dict(value, place, budget, depth)
    if isinstance(value, TrackedList):
        return _owned_list(value, [where or place for where in value.places], budget, depth)
    if isinstance(value, tuple):
        return _owned_list(value, [place] * len(value), budget, depth)
    return computed(value)


def stored(
    container: TrackedDict | TrackedList, value: object, place: Place | Location, budget: Budget
) -> object:
    """A value as `container` holds it: a copy if that is part of the settings, else the value itself."""
    return owned_copy(value, place, budget) if container.owned else value


def store(container: TrackedDict, key: str, value: object, place: Place | Location, budget: Budget) -> None:
    """Put a value into a dictionary: a copy if that is part of the settings.

    Args:
        container, key: where to.
        value: what.
        place: of the key.
        budget: pays for it.

    Raises:
        Fault, Poisoned: as `owned_copy`.
    """
    name = _valid(key, place) if container.owned and isinstance(key, str) else key
    container.put(name, stored(container, value, place, budget), place)


def _owned_dict(value: TrackedDict, place: Place | Location, budget: Budget, depth: int) -> TrackedDict:
    budget.spend(_CONTAINER_STEPS + len(value))
    copy = TrackedDict(owned=True)
    for key, child in value.items():
        where = value.places.get(key, place)
        if not isinstance(key, str):
            message = f"the keys of a setting are strings; here one is {kind(key)}"
            raise Fault(message, hint="Put it in quotes.", place=where)
        copy.put(_valid(key, where), owned_copy(child, where, budget, depth + 1), where)
    return copy


def _owned_list(
    elements: Iterable[object], places: list[Place | Location], budget: Budget, depth: int
) -> TrackedList:
    budget.spend(_CONTAINER_STEPS + len(places))
    copies = [
        owned_copy(child, where, budget, depth + 1) for child, where in zip(elements, places, strict=True)
    ]
    return TrackedList(copies, places, owned=True)


def _valid(text: str, place: Place | Location) -> str:
    """The text, if it can be written to a file. Raises Fault for half of a surrogate pair ("\\ud800")."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Fault("the text holds characters that are not valid Unicode", place=place) from None
    return text
