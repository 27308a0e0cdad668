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

WORDS: Final = {
    WORD: "a string",
    INT: "a whole number",
    FLOAT: "a number",
    BOOL: "true or false",
    NIL: "nil",
    LIST: "an array",
    MAP: "a hash",
}
"""Kinds as a person calls them in Ruby; the others are not known."""

_GIVEN: Final = " is not None"
_MISSING: Final = " is None"
_NEVER_NIL: Final = (WORD, INT, FLOAT, LIST, MAP)


def union(*kinds: str | None) -> str:
    """The kind of a value that is of one of these kinds; None is no value at all."""
    found = {kind for kind in kinds if kind is not None}
    if len(found) == 1:
        return found.pop()
    return TEXT if found and found <= {WORD, TEXT, NIL} else ANY


@dataclass(frozen=True)
class Term:
    """An expression in Python.

    Args:
        text: as written.
        strength: how strongly its outermost operator binds.
        kind: what its value is, as far as is known.
        env: it is an environment variable of this (written) name that may be missing.
    """

    text: str
    strength: int
    kind: str
    env: str | None = None

    @classmethod
    def environment(cls, name: Term) -> Term:
        """ENV['NAME']."""
        return cls(f"env({name.text}, None)", ATOM, TEXT, env=name.text)

    def needed(self) -> Term:
        """Where nil would be an error: an environment variable must be there."""
        return self if self.env is None else Term(f"env({self.env})", ATOM, WORD)

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
        if self.text.endswith(_GIVEN) and self.strength == 4:
            return Term(f"{self.text.removesuffix(_GIVEN)} is None", 4, BOOL)
        if self.text.endswith(_MISSING) and self.strength == 4:
            return Term(f"{self.text.removesuffix(_MISSING)} is not None", 4, BOOL)
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
        if self.kind == ANY:
            return Term(_any_as_text(self, quote), TERNARY, WORD)
        return self

    def as_string(self) -> Term:
        """As `to_s` makes it."""
        if self.kind in (WORD, BOOL, TEXT, NIL):
            return self.as_text()
        if self.kind == ANY:
            return Term(_any_as_text(self, '"'), TERNARY, WORD)
        return Term(f"str({self.text})", ATOM, WORD)

    @property
    def when_false(self) -> str | None:
        """The kind that it may have when it is not true in Ruby; None where it is always true."""
        return {TEXT: NIL, NIL: NIL, BOOL: BOOL, ANY: ANY}.get(self.kind)

    @property
    def when_true(self) -> str | None:
        """The kind that it may have when it is true in Ruby; None where it never is."""
        return {TEXT: WORD, NIL: None}.get(self.kind, self.kind)


def _any_as_text(term: Term, quote: str) -> str:
    """Nothing for nil, true and false in lower case, all else as it is."""
    value, empty = term.at(5), quote * 2
    words = f"{quote}true{quote} if {value} is True else {quote}false{quote} if {value} is False"
    return f"{empty} if {value} is None else {words} else str({term.text})"
