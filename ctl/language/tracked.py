"""Dictionaries and lists that know where in the settings file each of their values was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import SupportsIndex

from ctl.language.places import Place, locate
from ctl.language.source import Location


class TrackedDict(dict[str, object]):
    """A dictionary that knows the place of each key: of its last assignment, or of the key in the literal.

    Args:
        values: the first content.
        places: the place of each key that has one.

    Attributes:
        owned: it is part of the settings, not of a variable: what is put into it must be a copy.
    """

    __slots__ = ("owned", "places")

    def __init__(
        self,
        values: Mapping[str, object] | Iterable[tuple[str, object]] = (),
        places: Mapping[str, Place | Location] | None = None,
        *,
        owned: bool = False,
    ) -> None:
        super().__init__(values)
        self.places: dict[str, Place | Location] = dict(places) if places else {}
        self.owned = owned

    def put(self, key: str, value: object, place: Place | Location | None) -> None:
        """Sets a key and where that was done."""
        self[key] = value
        if place is not None:
            self.places[key] = place

    def __or__(self, other: object) -> TrackedDict:  # type: ignore[override]
        """Both together; of a key that is in both, the value and the place of the second."""
        if not isinstance(other, TrackedDict):
            return NotImplemented
        return TrackedDict({**self, **other}, {**self.places, **other.places})

    def copy(self) -> TrackedDict:
        """A copy that is no part of the settings."""
        return TrackedDict(self, self.places)

    def location_of(self, key: str) -> Location | None:
        """Where the key was given, or None where that is not known."""
        return locate(self.places.get(key))


class TrackedList(list[object]):
    """A list that knows the place of each element.

    Args:
        values: the elements.
        places: the place of each of them, in the same order; shorter or empty where places are not known.

    Attributes:
        owned: it is part of the settings, not of a variable: what is put into it must be a copy.
    """

    __slots__ = ("owned", "places")

    def __init__(
        self,
        values: Iterable[object] = (),
        places: Iterable[Place | Location | None] = (),
        *,
        owned: bool = False,
    ) -> None:
        super().__init__(values)
        self.places: list[Place | Location | None] = list(places)
        self.places += [None] * (len(self) - len(self.places))
        self.owned = owned

    def __add__(self, other: object) -> TrackedList:
        """Both lists, one after the other."""
        if not isinstance(other, TrackedList):
            return NotImplemented
        return TrackedList(super().__add__(other), self.places + other.places)

    def __mul__(self, times: SupportsIndex) -> TrackedList:
        """The list so many times."""
        return TrackedList(super().__mul__(times), self.places * times)

    __rmul__ = __mul__

    def copy(self) -> TrackedList:
        """A copy that is no part of the settings."""
        return self.part(slice(None))

    def part(self, bounds: slice) -> TrackedList:
        """The elements between the bounds of a slice."""
        return TrackedList(self[bounds], self.places[bounds])

    def place(self, index: int, value: object, place: Place | Location | None) -> None:
        """Inserts an element before an index (as list.insert counts), with its place."""
        self.insert(index, value)
        self.places.insert(index, place)

    def take(self, index: SupportsIndex) -> object:
        """Removes an element and its place. Raises IndexError."""
        value = self.pop(index)
        self.places.pop(index)
        return value

    def location_of(self, index: int) -> Location | None:
        """Where the element was given, or None where that is not known or there is no such element."""
        return locate(self.places[index]) if -len(self) <= index < len(self) else None
