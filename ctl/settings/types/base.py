"""What every type of setting can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ctl.settings.place import Place, Refused

Node = dict[str, Any]
"""A JSON Schema, or part of one."""

DIGITS: Final = "^[+-]?[0-9]{1,18}$"
"""What whole_number takes for one, as a pattern of JSON Schema."""


class Invalid:
    """Stands for a value that was refused; the error is in the findings."""


INVALID = Invalid()
NO_LITERAL: Final = object()
"""Stands for the value of a word that is no Python literal."""


def read_value(kind: Type, value: object, place: Place) -> Any:  # noqa: ANN401 - a value of that type
    """Read a value, or report what is wrong with it and return INVALID."""
    try:
        return kind.read(value, place)
    except Refused as refused:
        place.error(refused.message, refused.hint)
        return INVALID


class Type:
    """A kind of value.

    Attributes:
        label: how the manual calls it.
        managed: whether it is a path that moves below --root.
        literals: types of Python literals that are values of it; other words on a command line are text.
        schema: its JSON Schema, where that is always the same.
    """

    label = "value"
    managed = False
    literals: tuple[type, ...] = (object,)
    schema: ClassVar[Node] = {"type": "string"}

    def read(self, value: object, place: Place) -> Any:  # noqa: ANN401 - a value of this type
        """The value in its one form.

        Args:
            value: a scalar, list or dictionary of the settings language; never None.
            place: where it is.

        Raises:
            Refused: it is not of this type.
        """
        raise Refused(f"cannot be set{place.got(value)}")

    def json_schema(self) -> Node:
        """The type as a JSON Schema of what may be given and of what `show-config` shows."""
        return dict(self.schema)

    def parse_word(self, word: str, literal: object) -> Any:  # noqa: ANN401 - a value of the settings language
        """What a word on the command line means.

        Args:
            word: it.
            literal: its value as a Python literal, or NO_LITERAL.

        Raises:
            Refused: there is no value that can be written so.
        """
        kept = literal is None or (literal is not NO_LITERAL and isinstance(literal, self.literals))
        return literal if kept else word

    def choices(self) -> tuple[str, ...]:
        """The words that completion offers; () where there are too many."""
        return ()

    def parameters(self) -> Mapping[str, Parameter]:
        """The known keys of its values."""
        return {}

    def schemas(self) -> Mapping[str, Type]:
        """The mappings with known parameters that a value consists of, by title."""
        return {}

    def elements(self) -> Type:
        """The type of its elements, of a list; else itself."""
        return self

    def inside(self, key: str) -> Parameter:
        """What is under a key of a value.

        Raises:
            Refused: values of this type have no keys, or not that one.
        """
        raise Refused(f"has one value ({self.label}), no keys")

    def secrets(self) -> Iterator[str]:
        """The keys inside it whose values are secret."""
        for one in self.parameters().values():
            if one.secret:
                yield one.name
            yield from one.type.secrets()


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
    description: str = ""
    required: bool = False
    secret: bool = False

    def json_schema(self) -> Node:
        """Its type as a JSON Schema, with what is to know about it."""
        hidden: Node = {"writeOnly": True} if self.secret else {}
        old: Node = {"deprecated": True} if self.description.startswith("deprecated") else {}
        inner = self.type.json_schema()
        return {"description": self.description} | hidden | old | (inner if self.required else or_null(inner))


def or_null(inner: Node) -> Node:
    """The schema of a value that may be None, which counts as not given."""
    if not inner:
        return {}
    choices = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {"anyOf": [*choices, {"type": "null"}]}
