"""Pieces of Python that a conversion puts together: how strongly they bind, and of what kind they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ATOM: Final = 20
"""Binds more strongly than any operator."""

TERNARY: Final = 0
"""`a if b else c` binds least."""

WORD: Final = "text"
TEXT: Final = "text or None"
INT: Final = "int"
FLOAT: Final = "float"
BOOL: Final = "bool"
NIL: Final = "None"
LIST: Final = "list"
MAP: Final = "dict"
ANY: Final = "any"

_NEVER_NIL: Final = (WORD, INT, FLOAT, LIST, MAP)


@dataclass(frozen=True)
class Term:
    """An expression in Python.

    Args:
        text: as written.
        strength: how strongly its outermost operator binds.
        kind: what its value is, as far as can be told.
        env: it is an environment variable of this (written) name that may be missing.
        safe: it may be evaluated although its value is not used.
    """

    text: str
    strength: int
    kind: str
    env: str | None = None
    safe: bool = True

    @classmethod
    def environment(cls, name: Term) -> Term:
        """ENV['NAME']."""
        return cls(f"env({name.text}, None)", ATOM, TEXT, env=name.text)

    def at(self, strength: int) -> str:
        """The text, in parentheses where an operator of this strength would tear it apart."""
        return self.text if self.strength >= strength else f"({self.text})"

    def condition(self) -> Term:
        """As Python's `if` takes it, with what is true in Ruby being true."""
        if self.kind == BOOL:
            return self
        if self.kind in _NEVER_NIL:
            return Term("True", ATOM, BOOL)
        if self.kind == NIL:
            return Term("False", ATOM, BOOL)
        if self.kind == TEXT:
            return Term(f"{self.at(5)} is not None", 4, BOOL)
        return Term(f"{self.at(5)} is not None and {self.at(5)} is not False", 2, BOOL)

    def negated(self) -> Term:
        """`not` of a condition."""
        if " is not None" in self.text and self.strength == 4:
            return Term(self.text.replace(" is not None", " is None"), 4, BOOL)
        return Term(f"not {self.at(3)}", 3, BOOL)

    def as_text(self, env_default: str = '""') -> Term:
        """As it is put into text: nothing for nil, true and false in lower case."""
        if self.env is not None:
            return Term(f"env({self.env}, {env_default})", ATOM, WORD)
        quote = env_default[0]
        if self.kind == BOOL:
            return Term(f"{quote}true{quote} if {self.at(1)} else {quote}false{quote}", TERNARY, WORD)
        if self.kind in (TEXT, NIL):
            return Term(f"{self.at(2)} or {env_default}", 1, WORD)
        return self

    def as_string(self) -> Term:
        """As `to_s` makes it."""
        if self.kind in (WORD, BOOL, TEXT, NIL):
            return self.as_text()
        return Term(f"str({self.text})", ATOM, WORD)
