"""What is known of a gitlab.rb while it is translated, and what its parts ask of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from ctl.language.faults import Fault
from ctl.language.limits import Budget
from ctl.language.ruby.program import Program
from ctl.language.ruby.targets_of import path_of, walk
from ctl.language.ruby.to_python.terms import Term
from ctl.language.setting_names import Names

if TYPE_CHECKING:
    from tree_sitter import Node

OLD_VHOST: Final = "registry_nginx"
"""The other spelling of registry['nginx']; one is written."""


@dataclass
class State:
    """What is known of the file.

    Args:
        names: the names of the settings.
        program: the file.
        comments: whether comments are kept.
        budget: pays for looking through statements again.
        kinds: the kind of each local variable.
        functions: the functions of one expression.
        calling: those that are being written out.
        parameters: what the innermost of them is called with.
        lost: why a local variable has no Python form.
        used: the lost variables that a setting of ours reads.
        doubtful: words of what could not be parsed: names that are given there.
        paths: the kind of each setting that was given.
        given: paths of settings that were given without a condition so far.
        mentioned: paths of settings that were given, on a condition or not.
        environment: the Python form of each variable of the environment that `ENV['X'] ||= …` gives a default.
        conditional: what is being written is carried out on a condition, or several times.
        chosen: it is in a branch, before which the variables that only some branches give a value got nil.
        included: other files may have given settings and variables.
        snippet: returns the Python form of Ruby that is commented out, or None where that has none.
        shift: how far the statement is indented in the file.
        block: the depth of the block that is being written: text of several lines is not indented with it.
        terms: what has been written for the statement, with the node that it is the form of.
        further: faults of the statement besides the one that is raised.
    """

    names: Names
    program: Program
    comments: bool = True
    budget: Budget = field(default_factory=Budget)
    kinds: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    calling: set[str] = field(default_factory=set)
    parameters: Mapping[str, Term] = field(default_factory=dict)
    lost: dict[str, Fault] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    doubtful: frozenset[str] = frozenset()
    paths: dict[tuple[str, ...], str] = field(default_factory=dict)
    given: set[tuple[str, ...]] = field(default_factory=set)
    mentioned: set[tuple[str, ...]] = field(default_factory=set)
    environment: dict[str, Term] = field(default_factory=dict)
    conditional: bool = False
    chosen: bool = False
    included: bool = False
    snippet: Callable[[str], str | None] = lambda _: None
    shift: int = 0
    block: int = 0
    terms: list[tuple[str, Node]] = field(default_factory=list)
    further: list[Fault] = field(default_factory=list)

    @contextmanager
    def on_condition(self, *, chosen: bool) -> Iterator[None]:
        """What is written meanwhile is carried out on a condition, or several times.

        Args:
            chosen: whether it is in a branch.
        """
        outer = self.conditional, self.chosen
        self.conditional, self.chosen = True, chosen
        try:
            yield
        finally:
            self.conditional, self.chosen = outer

    def wrote(self, text: str, node: Node) -> None:
        """Keeps what a node was written as, so that an error in it has its place in the gitlab.rb."""
        last = self.terms[-1] if self.terms else None
        if last is not None and last[0] == text and node.start_byte <= last[1].start_byte < node.end_byte:
            self.terms.pop()  # 'text'.freeze is 'text'
        self.terms.append((text, node))

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


@dataclass(frozen=True)
class Function:
    """A function of one expression.

    Args:
        parameters: the names of its parameters, with the default of each that has one.
        body: the expression.
    """

    parameters: Mapping[str, Node | None]
    body: Node


class Writer(Protocol):
    """Writes expressions in Python; what methods and strings ask of expressions."""

    state: State

    def text(self, node: Node) -> str:
        """A node as it is written in the gitlab.rb."""

    def term(self, node: Node) -> Term:
        """An expression in Python. Raises Fault."""

    def condition(self, node: Node) -> Term:
        """An expression as Python's `if` takes it. Raises Fault."""

    def arguments(self, node: Node) -> list[Term]:
        """What a call is called with. Raises Fault."""

    def is_safe(self, node: Node) -> bool:
        """Whether an expression may be evaluated although its value is not used."""

    def filled(self, chunks: list[str], parts: list[Node], whole: Node) -> Term:
        """A text with values between its chunks. Raises Fault."""
