"""Types of settings that hold others: lists, mappings, and mappings with known parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum as Enumeration
from typing import Any

from ctl.settings.nearest import nearest
from ctl.settings.place import Place, Refused, shown
from ctl.settings.types import INVALID, Type, read_value


class ListOf(Type):
    """A list; one value that stands alone is a list of one.

    Args:
        element: the type of its elements.
        remark: whether to say that a value that stood alone was taken for a list.
        single: whether a value that stands alone will do at all.
        most: how many elements there may be; None for any number.
    """

    def __init__(
        self, element: Type, *, remark: bool = True, single: bool = True, most: int | None = None
    ) -> None:
        self.element = element
        self._remark = remark
        self._single = single
        self._most = most
        self.label = f"list of {element.label}"

    def read(self, value: object, place: Place) -> list[Any]:
        """The list without the elements that were refused."""
        if isinstance(value, dict) or not (self._single or isinstance(value, list)):
            raise Refused(f"must be a list{place.got(value)}", "Put it in [ ].")
        if isinstance(value, list) and self._most is not None and len(value) > self._most:
            raise Refused(f"must not have more than {self._most} elements, not {len(value):,}")
        if not isinstance(value, list):
            if self._remark:
                place.note("one value is taken for a list of one", "Write it in [ ].")
            return [self.element.read(value, place)]
        read = [
            read_value(self.element, one, place.inside(value, i)) for i, one in given_elements(value, place)
        ]
        return [one for one in read if one is not INVALID]


def given_elements(value: list[object], place: Place) -> Iterator[tuple[int, object]]:
    """Elements with their index. None is refused: a list has no defaults."""
    for index, one in enumerate(value):
        if one is None:
            place.inside(value, index).error("must not be None inside a list")
        else:
            yield index, one


class MapOf(Type):
    """A mapping with any keys and values of one type.

    Args:
        value: the type of its values.
        key: what a key must match.
        form: that pattern in words ("the name of a variable").
        none_removes: whether None is kept as a value, because it takes away a default.
    """

    def __init__(self, value: Type, *, key: str, form: str, none_removes: bool = False) -> None:
        self._value = value
        self._key = key
        self._form = form
        self._none_removes = none_removes
        self.label = f"mapping to {value.label}"

    def read(self, value: object, place: Place) -> dict[str, Any]:
        """The mapping without the entries that were refused."""
        found: dict[str, Any] = {}
        for key, one in entries(value, place):
            if not re.fullmatch(self._key, key):
                place.inside(value, key).error(f"must be {self._form}, not {shown(key)}")
            elif one is None and self._none_removes:
                found[key] = None
            elif one is not None:
                read = read_value(self._value, one, place.inside(value, key))
                if read is not INVALID:
                    found[key] = read
        return found


class Free(Type):
    """Anything that can be written as YAML; it goes into the file as given.

    Args:
        mapping: whether it must be a mapping.
    """

    def __init__(self, *, mapping: bool = False) -> None:
        self._mapping = mapping
        self.label = "mapping" if mapping else "anything"

    def read(self, value: object, place: Place) -> Any:  # noqa: ANN401 - as given
        """A plain copy."""
        if self._mapping and not isinstance(value, dict):
            raise Refused(f"must be a dictionary{place.got(value)}")
        return self._copy(value, place)

    def _copy(self, value: object, place: Place) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            return {key: self._copy(one, place.inside(value, key)) for key, one in entries(value, place)}
        if isinstance(value, list):
            return [self._copy(one, place.inside(value, i)) for i, one in enumerate(value)]
        if value is None or isinstance(value, str | int | bool):
            return value
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return value
        place.error("cannot be written as YAML")
        return None


class Unknown(Enumeration):
    """What happens to a parameter that a schema does not know."""

    ERROR = "error"
    WARNING = "warning"
    KEEP = "keep"


@dataclass(frozen=True, eq=False, repr=False)
class Parameter:
    """One known parameter of a mapping.

    Args:
        name: its key.
        type: what it may be.
        description: what it does, for the manual.
        required: whether the mapping is of no use without it.
        secret: whether its value is never shown.
    """

    name: str
    type: Type
    description: str
    required: bool = False
    secret: bool = False


class Schema(Type):
    """A mapping with known parameters. A parameter given as None counts as not given.

    Args:
        title: what the mapping is, for errors ("a notification endpoint").
        parameters: the known parameters.
        unknown: what happens to others; where they pass, they do so as given.
        form: how the mapping is written, for the error that it is none.
    """

    def __init__(
        self,
        title: str,
        parameters: Sequence[Parameter],
        unknown: Unknown = Unknown.ERROR,
        *,
        form: str = "{…}",
    ) -> None:
        self.title = title
        self.label = "mapping"
        self._form = form
        self.parameters: Mapping[str, Parameter] = {one.name: one for one in parameters}
        self._unknown = unknown

    def read(self, value: object, place: Place) -> dict[str, Any]:
        """The mapping as given, known values in their one form, without the refused ones."""
        found: dict[str, Any] = {}
        refused: set[str] = set()
        for key, one in entries(value, place, self._form):
            if one is None:
                continue
            read = self._read_one(key, one, value, place)
            if read is INVALID:
                refused.add(key)
            else:
                found[key] = read
        self._check_required(found.keys() | refused, place)
        return found

    def _read_one(self, key: str, value: object, container: object, place: Place) -> Any:  # noqa: ANN401
        known = self.parameters.get(key)
        if known:
            return read_value(known.type, value, place.inside(container, key, secret=known.secret))
        here = place.inside(container, key)
        if self._unknown is Unknown.ERROR:
            names = f"Known are {', '.join(self.parameters)}."
            near = "" if here.crowded else did_you_mean(key, self.parameters)
            here.error(f"is not known in {self.title}", near or names)
            return INVALID
        if self._unknown is Unknown.WARNING:
            near = "" if here.crowded else did_you_mean(key, self.parameters)
            here.warning(f"is not known in {self.title}; it is passed on as it is", near)
        return read_value(Free(), value, here)

    def _check_required(self, given: set[str], place: Place) -> None:
        for name, parameter in self.parameters.items():
            if parameter.required and name not in given:
                place.error(f"{self.title} needs {name}: {parameter.description}", self._meant(name, given))

    def _meant(self, name: str, given: set[str]) -> str:
        """A hint where one of the unknown keys is likely to have been meant for a name."""
        near = nearest(name, sorted(given - self.parameters.keys()))
        return f'Write "{name}" in the place of "{near}".' if near else ""


def entries(value: object, place: Place, form: str = "{…}") -> Iterator[tuple[str, object]]:
    """Keys and values of a mapping; a key that is no text is said to be wrong.

    Raises:
        Refused: the value is no mapping.
    """
    if not isinstance(value, dict):
        raise Refused(f"must be a dictionary{place.got(value)}", f"Write {form}.")
    for key, one in value.items():
        if isinstance(key, str):
            yield key, one
        else:
            place.error(f"has a key that is no text: {shown(key)}", "Put it in quotes.")


def did_you_mean(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """A hint that names the nearest known name, or "" where none is near."""
    near = nearest(name, known)
    return f'Did you mean "{near}"?' if near else ""
