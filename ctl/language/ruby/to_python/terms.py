"""Pieces of Python that a translation puts together: syntax nodes, and of what kind their values are."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from ctl.language.places import Positioned

Kind = Literal["text", "text or None", "int", "float", "bool", "None", "list", "dict", "any"]
"""What a value is, as far as is known."""

WORDS: Final = {
    "text": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "None": "nil",
    "list": "an array",
    "dict": "a hash",
}
"""Kinds as a person calls them in Ruby; the others are not known."""

NEVER_NIL: Final = ("text", "int", "float", "list", "dict")

Made = TypeVar("Made", bound=ast.expr | ast.stmt)


def at(made: Made, place: Positioned) -> Made:
    """The same node of Python, at the place of something in the gitlab.rb."""
    made.lineno, made.col_offset = place.lineno, place.col_offset
    made.end_lineno, made.end_col_offset = place.end_lineno, place.end_col_offset
    return made


def union(*kinds: Kind | None) -> Kind:
    """The kind of a value that is of one of these kinds; None is no value at all."""
    found = {kind for kind in kinds if kind is not None}
    if len(found) == 1:
        return found.pop()
    return "text or None" if found and found <= {"text", "text or None", "None"} else "any"


@dataclass(frozen=True, slots=True)
class Term:
    """An expression in Python.

    Args:
        node: the expression; its places are those of the gitlab.rb.
        kind: what its value is, as far as is known.
        env: it is an environment variable of this name, which may be missing.
        file: it is what is in the file of this path.
    """

    node: ast.expr
    kind: Kind = "any"
    env: ast.expr | None = None
    file: ast.expr | None = None

    @property
    def literal(self) -> object:
        """The text, number, True or False that is written out; None for all else."""
        return self.node.value if isinstance(self.node, ast.Constant) else None

    @property
    def when_false(self) -> Kind | None:
        """The kind that it may have when it is not true in Ruby; None where it is always true."""
        if self.kind in ("text or None", "None"):
            return "None"
        return self.kind if self.kind in ("bool", "any") else None

    @property
    def when_true(self) -> Kind | None:
        """The kind that it may have when it is true in Ruby; None where it never is."""
        if self.kind == "text or None":
            return "text"
        return self.kind if self.kind != "None" else None
