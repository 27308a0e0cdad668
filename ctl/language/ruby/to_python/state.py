"""What is known of a gitlab.rb while it is translated, and what its parts ask of each other."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.limits import Budget
from ctl.language.places import Positioned
from ctl.language.ruby.grammar import walk
from ctl.language.ruby.program import Program, path_of
from ctl.language.ruby.to_python.terms import NEVER_NIL, Kind, Term, at, union
from ctl.language.setting_names import Names

OLD_VHOST: Final = "registry_nginx"
"""The other spelling of registry['nginx']; one is written."""

_ANY_AS_TEXT: Final = '"" if a is None else "true" if a is True else "false" if a is False else str(a)'
"""Nothing for nil, true and false in lower case, all else as it is."""


_DEEPEST: Final = 40
"""Conditions and loops inside each other."""
_COPY: Final = 4
"""Steps that a copy of a node costs."""


@dataclass
class State:
    """What is known of the file.

    Args:
        names: the names of the settings.
        program: the file.
        budget: pays for looking through statements again, and for what is written several times.
        kinds: the kind of each local variable.
        lost: why a local variable, or a method of the file's own, has no Python form.
        doubtful: words of what could not be parsed: names that are given there.
        paths: the kind of each setting that was given.
        environment: the value that `ENV['X'] ||= …` gives as a default.
        conditional: on how many conditions, or in how many loops, what is being written is carried out.
        included: other files may have given settings and variables.
        further: faults of the statement besides the one that is raised.
    """

    names: Names
    program: Program
    budget: Budget = field(default_factory=Budget)
    kinds: dict[str, Kind] = field(default_factory=dict)
    lost: dict[str, Fault] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    paths: dict[tuple[str, ...], Kind] = field(default_factory=dict)
    environment: dict[object, Term] = field(default_factory=dict)
    conditional: int = 0
    included: bool = False
    further: list[Fault] = field(default_factory=list)

    @contextmanager
    def on_condition(self) -> Iterator[None]:
        """What is written meanwhile is carried out on a condition, or several times. Raises Fault."""
        if self.conditional >= _DEEPEST:
            raise Fault("statements are nested too deeply to be read")
        self.conditional += 1
        try:
            yield
        finally:
            self.conditional -= 1

    def walk(self, node: Node) -> Iterator[Node]:
        """A node and all that is in it. Raises LimitReached for what is looked through very often."""
        for one in walk(node):
            self.budget.spend(1)
            yield one

    def path(self, node: Node) -> tuple[str, ...]:
        """The name and the written-out keys of a setting; the name is "" where there is none."""
        root, keys = path_of(node, self.program.text)
        return ("registry", "nginx", *keys) if root == OLD_VHOST else (root, *keys)

    def is_setting(self, name: str) -> bool:
        """Whether a name is that of a section or setting, of whatever component."""
        return name in self.names.sections or name in self.names.settings or self.names.foreign(name)

    def note(self, left: Node, kind: Kind) -> None:
        """Keeps the kind of what is given a value, to know what can be done with it."""
        if left.type == "element_reference":
            path = self.path(left)
            self.paths[path] = union(self.paths.get(path, "None"), kind) if self.conditional else kind
            return
        name = self.program.text(left)
        if self.conditional:
            self.check_lost(name)
        self.lost.pop(name, None)
        self.kinds[name] = union(self.kinds.get(name, kind), kind) if self.conditional else kind

    def forget(self, left: Node) -> None:
        """Takes anything for the value of what is changed somewhere else."""
        path = self.path(left)
        if path[0] in self.kinds:
            self.kinds[path[0]] = "any"
        if len(path) > 1:
            self.paths[path] = "any"

    def check_lost(self, name: str) -> None:
        """Raises Fault for a variable that has no Python form."""
        if name in self.lost:
            raise self.lost[name]

    def form(self, pattern: str, kind: Kind, place: Positioned, *parts: Term | ast.expr) -> Term:
        """An expression that is made from a pattern.

        Args:
            pattern: the expression in Python, with the names a, b, c for its parts.
            kind: of its value.
            place: where in the gitlab.rb it comes from.
            parts: what takes the places of the names.

        Raises:
            LimitReached: parts that are written several times come to too much.
        """
        nodes = [part.node if isinstance(part, Term) else part for part in parts]
        return Term(self._filled(_parsed(pattern), place, dict(zip("abc", nodes, strict=False)), set()), kind)

    def _filled(self, form: Any, place: Positioned, parts: Mapping[str, ast.expr], used: set[str]) -> Any:  # noqa: ANN401
        if isinstance(form, list):
            return [self._filled(one, place, parts, used) for one in form]
        if isinstance(form, ast.Name) and form.id in parts:
            part = parts[form.id]
            part = self.copy(part) if form.id in used else part
            used.add(form.id)
            return part
        if not isinstance(form, ast.AST) or not form._fields:
            return form
        made = type(form)(
            **{name: self._filled(one, place, parts, used) for name, one in ast.iter_fields(form)}
        )
        return at(made, place) if isinstance(made, ast.expr) else made

    def copy(self, node: Any) -> Any:  # noqa: ANN401 - a node, or what is in a field of one
        """A copy of an expression, which is paid for. Raises LimitReached."""
        if isinstance(node, list):
            return [self.copy(one) for one in node]
        if not isinstance(node, ast.AST) or not node._fields:
            return node
        self.budget.spend(_COPY)
        made = type(node).__new__(type(node))
        for name, one in vars(node).items():
            setattr(made, name, one if name == "layout" else self.copy(one))
        return made

    def constant(self, value: object, kind: Kind, place: Positioned) -> Term:
        """A value that is written out."""
        return Term(at(ast.Constant(value), place), kind)  # type: ignore[arg-type]

    def truth(self, term: Term) -> Term:
        """A value as Python's `if` takes it: Ruby takes all for true but nil and false."""
        if term.kind == "bool":
            return term
        if term.kind in (*NEVER_NIL, "None"):
            return self.constant(term.kind != "None", "bool", term.node)
        if term.kind == "text or None":
            return self.form("a is not None", "bool", term.node, term)
        return self.form("a is not None and a is not False", "bool", term.node, term)

    def negated(self, term: Term) -> Term:
        """`not` of a condition."""
        node = term.node
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot):
            sign = ast.IsNot() if isinstance(node.ops[0], ast.Is) else ast.Is()
            return Term(at(ast.Compare(node.left, [sign], node.comparators), node), "bool")
        return self.form("not a", "bool", node, term)

    def needed(self, term: Term, place: Positioned) -> Term:
        """A value where nil would be an error: an environment variable must be there."""
        return term if term.env is None else self.form("env(a)", "text", place, term.env)

    def as_text(self, term: Term) -> Term:
        """A value as it is put into text, and as `to_s` makes it of what is no number."""
        if term.env is not None:
            return self.form('env(a, "")', "text", term.node, term.env)
        pattern = {
            "bool": '"true" if a else "false"',
            "text or None": 'a or ""',
            "None": 'a or ""',
            "any": _ANY_AS_TEXT,
        }
        return self.form(pattern[term.kind], "text", term.node, term) if term.kind in pattern else term


@cache
def _parsed(pattern: str) -> ast.expr:
    return ast.parse(pattern, mode="eval").body


@cache
def arity(pattern: str) -> int:
    """How many parts a pattern has."""
    return len({one.id for one in ast.walk(_parsed(pattern)) if isinstance(one, ast.Name)} & set("abc"))


class Writer(ABC):
    """Writes expressions in Python.

    Args:
        state: what is known of the file.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.text = state.program.text

    @abstractmethod
    def term(self, node: Node) -> Term:
        """An expression in Python. Raises Fault where it has no Python form, with its place."""

    @abstractmethod
    def condition(self, node: Node) -> Term:
        """An expression as Python's `if` takes it. Raises Fault."""

    @abstractmethod
    def arguments(self, node: Node) -> list[Term]:
        """What a call is called with; pairs without braces are one dictionary. Raises Fault."""

    @abstractmethod
    def is_safe(self, term: Term) -> bool:
        """Whether a value may be worked out although it is not used: nothing in it can fail."""
