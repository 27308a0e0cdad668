"""Types of settings that hold others: lists, mappings with any keys, and anything at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ctl.settings.place import Place, Refused, shown
from ctl.settings.types.base import INVALID, NO_LITERAL, Node, Parameter, Type, or_null, read_value


class ListOf(Type):
    """A list; a single value is a list of one.

    Args:
        element: the type of its elements.
        remark: whether to note that a single value was taken for a list.
        single: whether a single value will do at all.
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
            read_value(self.element, one, place.inside(value, i)) for i, one in _given_elements(value, place)
        ]
        return [one for one in read if one is not INVALID]

    def json_schema(self) -> Node:
        """A list, or one element."""
        inner = self.element.json_schema()
        many: Node = {"type": "array", "items": inner}
        return {"anyOf": [many, inner]} if self._single else many

    def parse_word(self, word: str, literal: object) -> Any:  # noqa: ANN401
        """A list as Python writes it, or one element."""
        if literal is None or isinstance(literal, list):
            return literal
        return [self.element.parse_word(word, literal)]

    def schemas(self) -> Mapping[str, Type]:
        """Those of its elements."""
        return self.element.schemas()

    def elements(self) -> Type:
        """What is in the list."""
        return self.element.elements()

    def inside(self, key: str) -> Parameter:
        """Elements have no names."""
        raise Refused("is a list, and is read and set as a whole")

    def secrets(self) -> Iterator[str]:
        """Those of its elements."""
        return self.element.secrets()


def _given_elements(value: list[object], place: Place) -> Iterator[tuple[int, object]]:
    """Elements with their index. None is refused: a list has no defaults."""
    for index, one in enumerate(value):
        if one is None:
            place.inside(value, index).error("must not be None inside a list")
        else:
            yield index, one


class Dictionary(Type):
    """What all types have in common whose values are dictionaries."""

    label = "mapping"

    def parse_word(self, word: str, literal: object) -> Any:  # noqa: ANN401
        """A dictionary as Python writes it."""
        if literal is NO_LITERAL:
            raise Refused(
                "must be a dictionary as Python writes it", """Put it in single quotes: '{"key": "value"}'"""
            )
        return super().parse_word(word, literal)


class MapOf(Dictionary):
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

    def json_schema(self) -> Node:
        """An object with such values."""
        value = self._value.json_schema()
        return {"type": "object", "additionalProperties": or_null(value) if self._none_removes else value}

    def inside(self, key: str) -> Parameter:
        """A value of the one type under every key."""
        return Parameter(key, self._value)


class Free(Dictionary):
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

    def json_schema(self) -> Node:
        """An object, or anything."""
        return {"type": "object"} if self._mapping else {}

    def parse_word(self, word: str, literal: object) -> Any:  # noqa: ANN401
        """A dictionary as Python writes it, where it must be one."""
        return super().parse_word(word, literal) if self._mapping else Type.parse_word(self, word, literal)

    def inside(self, key: str) -> Parameter:
        """Anything under any key."""
        return Parameter(key, self)


def entries(value: object, place: Place, form: str = "{…}") -> Iterator[tuple[str, object]]:
    """Keys and values of a mapping; a key that is no text is reported.

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
