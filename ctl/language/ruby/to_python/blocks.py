"""A gitlab.rb as the Python form: statement by statement, with comments and blank lines kept in place."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Final

from tree_sitter import Node

from ctl.language.failures import Failures
from ctl.language.faults import Aim, Fault, LimitReached
from ctl.language.places import SourceText
from ctl.language.refusals import Unreadable
from ctl.language.ruby.grammar import Span, field, named, need
from ctl.language.ruby.program import names_read
from ctl.language.ruby.to_python import loops, written
from ctl.language.ruby.to_python.lost import MODIFIERS, lost_statement
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.statements import Statements
from ctl.language.ruby.to_python.terms import at
from ctl.language.ruby.to_python.written import Comment, is_code

_BLOCKS: Final = ("if", "unless", "case")

_LIBRARIES: Final = ("require", "require_relative")
_NOT_NEEDED: Final = "# Not needed here:"
_REMARKS: Final = ("comment", "uninterpreted")
_SKIPPED: Final = ("empty_statement", "then", "end")
_LOST: Final = 100
"""Steps that a statement without a Python form costs."""


@dataclass
class Blocks:
    """Writes the statements of one file.

    Args:
        state: what is known of the file.
        source: the text of the file.
        comments: whether comments and empty lines are kept.
        unparsed: the parts of the file that are no Ruby: the first line of each, and that after its last, from 0.

    Attributes:
        lost: the statements that have no Python form.
        statements: writes single statements.
    """

    state: State
    source: SourceText
    comments: bool = True
    unparsed: Mapping[int, int] = attribute(default_factory=dict)
    lost: list[Unreadable] = attribute(default_factory=list)

    def __post_init__(self) -> None:
        self.statements = Statements(self.state)
        self._starts = sorted(self.state.program.bodies)
        self._end = 0
        self._known: set[int] = set()
        self._nodes: dict[Unreadable, Node] = {}
        self._current = self.state.program.root

    def whole(self) -> list[ast.stmt]:
        """The whole file. Raises LimitReached, with its place."""
        try:
            statements = self.block(self.state.program.root, 0, -1)
        except LimitReached as limit:
            limit.location = self.source.location(Span(self._current))
            raise
        return statements + (self._between(self._end, len(self.source.lines)) if self.unparsed else [])

    def block(self, container: Node, level: int, row: int) -> list[ast.stmt]:
        """The statements and comments of a block.

        Args:
            container: what they are in.
            level: how deep the block is.
            row: the line that begins it (from 0), -1 for a whole file.
        """
        found: list[ast.stmt] = []
        for child in container.named_children:
            kind, start = child.type, child.start_point[0]
            if kind in _SKIPPED or (kind in _REMARKS and not self.comments):
                continue
            if kind == "heredoc_body":
                row = max(row, child.end_point[0])
                continue
            if kind == "comment" and start <= row and found and not isinstance(found[-1], Comment):
                found[-1].trailing = self.state.program.text(child)  # type: ignore[attr-defined]
                continue
            if self.comments and (found or level == 0):
                found += self._between(row + 1, start)
            row = max(row, self._last_row(child))
            self._end = max(self._end, row + 1)
            if kind == "comment":
                found.append(Comment(self._comment(child)))
            elif kind == "uninterpreted":
                found += self._after_the_end(child)
            else:
                found += self._statement(child, level)
        return found if level == 0 or is_code(found) else [*found, _nothing(container)]

    def _between(self, first: int, after: int) -> list[ast.stmt]:
        """The lines between two statements: empty ones, and what is no Ruby."""
        found: list[ast.stmt] = []
        while first < after:
            end = self.unparsed.get(first)
            found.append(
                Comment([""]) if end is None else Comment(self._as_comment(first, end), as_it_is=True)
            )
            first = end or first + 1
        return found

    def _as_comment(self, first: int, after: int, heading: str = "") -> list[str]:
        """Lines of the file as a comment with the reason."""
        heading = heading or f"## NOT CONVERTED, line {first + 1}"
        return [heading, *(f"# {line}" for line in self.source.lines[first:after])]

    def _comment(self, node: Node) -> list[str]:
        text = self.state.program.text(node)
        if not text.startswith("=begin"):
            return [text.rstrip()]
        return [f"# {line}".rstrip() for line in text.split("\n")[1:] if not line.startswith("=end")]

    def _after_the_end(self, node: Node) -> list[ast.stmt]:
        text = self.state.program.text(node).strip("\n")
        lines = [f"# {line}" for line in ["__END__", *text.split("\n")]]
        return [Comment(lines, as_it_is=True)] if text.strip() else []

    def _last_row(self, node: Node) -> int:
        """The last line of a statement, heredocs that begin in it included."""
        starts = self._starts
        first, after = (bisect_left(starts, offset) for offset in (node.start_byte, node.end_byte))
        end = node.end_point
        # A node that ends at the beginning of a line ends with the line before.
        rows = [end[0] - (end[1] == 0 and end[0] > node.start_point[0])]
        bodies = self.state.program.bodies
        return max([*rows, *(bodies[start].end_point[0] for start in starts[first:after])])

    def _statement(self, node: Node, level: int) -> list[ast.stmt]:
        state = self.state
        state.further, self._current = [], node
        if (loads := self._loads(node)) in _LIBRARIES:
            where = f"line {node.start_point[0] + 1}"
            self.statements.remarks.append(f"{where}: `{loads}` is not read, and not needed: it is a comment")
            lines = self._as_comment(node.start_point[0], self._last_row(node) + 1, _NOT_NEEDED)
            return [Comment(lines, as_it_is=True)] if self.comments else []
        try:
            before = self._undecided(node)
            found = self._whole_or_not(node, level) if self._is_compound(node) else self._simple(node)
        except (Fault, RecursionError) as problem:
            deep = Fault("this is nested too deeply to be read")
            return self._without_form(node, problem if isinstance(problem, Fault) else deep)
        return [*before, *found]

    def _is_compound(self, node: Node) -> bool:
        if node.type in MODIFIERS and (body := field(node, "body")) is not None:
            return self._is_compound(body)
        return node.type in _BLOCKS or loops.is_loop(node, self.statements)

    def _simple(self, node: Node) -> list[ast.stmt]:
        found = self.statements.write(node)
        if self.state.further:
            raise self.state.further[0]
        data = self.state.program.data
        if self.comments and b"#" in data[node.start_byte : node.end_byte]:
            inner = [self.state.program.text(one) for one in self.state.walk(node) if one.type == "comment"]
            found[0].inner = inner  # type: ignore[attr-defined]
        return found

    def _undecided(self, node: Node) -> list[ast.stmt]:
        """Gives variables that only some branches give a value None before: Ruby knows them in the others too."""
        state = self.state
        if node.type not in (*_BLOCKS, *MODIFIERS):
            return []
        found: dict[str, None] = {}
        for one in state.walk(node):
            left = field(one, "left") if one.type == "assignment" else None
            if left is not None and left.type in ("identifier", "constant"):
                found[state.program.text(left)] = None
        known = state.kinds.keys() | state.lost.keys()
        new = [name for name in found if name not in known and not state.is_setting(name)]
        state.kinds.update(dict.fromkeys(new, "None"))
        none, place = state.constant(None, "None", Span(node)).node, Span(node)
        return [
            at(ast.Assign([at(ast.Name(written.name(name), ast.Store()), place)], none), place)
            for name in new
        ]

    def _without_form(self, node: Node, fault: Fault) -> list[ast.stmt]:
        """What is in the place of a statement that has no Python form."""
        state, row = self.state, node.start_point[0]
        faults = [fault, *(one for one in state.further if one is not fault)]
        fault.node = fault.node or Span(node)
        own = [one for one in faults if id(one) not in self._known]
        self._known.update(map(id, own))
        state.budget.spend(_LOST)
        lost = lost_statement(state, node, faults, own, self._as_comment(row, self._last_row(node) + 1))
        self.lost.append(lost)
        self._nodes[lost] = node
        for name in lost.names:
            state.kinds.pop(name, None)
            state.lost[name] = fault
        return [lost]

    def read(self) -> set[str]:
        """The names that are read, but for those that only the lost statement reads that would give them values."""
        text = self.state.program.text
        if not self.lost and not self.state.kinds:
            return set()
        count = Counter(map(written.name, names_read(self.state.program.root, text)))
        for lost in self.lost:
            own = Counter(map(written.name, names_read(self._nodes[lost], text)))
            count.subtract({name: own[name] for name in lost.names})
        return {name for name, times in count.items() if times > 0}

    def _loads(self, node: Node) -> str:
        """The name of a function that a statement calls, as of `require 'json'`, which only loads a library."""
        method = field(node, "method") if node.type == "call" and not field(node, "receiver") else None
        return self.state.program.text(method) if method is not None else ""

    def _whole_or_not(self, node: Node, level: int) -> list[ast.stmt]:
        """A statement with others in it; one of another component has a Python form as a whole or not at all."""
        known = len(self.lost)
        found = self._compound(node, level)
        if len(self.lost) > known:
            whole = lost_statement(self.state, node, [], [], [])
            if Failures(self.state.names, self.state.kinds, {}, lambda _: None).of(whole).aim is Aim.OTHERS:
                fault = self.lost[known].faults[0]
                del self.lost[known:]
                self._known = {id(one) for lost in self.lost for one in lost.own}
                raise fault
        return found

    def _compound(self, node: Node, level: int) -> list[ast.stmt]:
        if node.type in MODIFIERS:
            return self._guarded(node, level)
        return self._if(node, level) if node.type in _BLOCKS else self._loop(node, level)

    def _guarded(self, node: Node, level: int) -> list[ast.stmt]:
        """`if … end if …`: a block on a condition."""
        test, body = self.statements.guard(node)
        with self.state.on_condition():
            inside = self._statement(body, level + 1)
        return [at(ast.If(test, inside if is_code(inside) else [*inside, _nothing(node)], []), Span(node))]

    def _if(self, node: Node, level: int) -> list[ast.stmt]:
        branches, last, before = list[ast.If](), list[ast.stmt](), list[ast.stmt]()
        if node.type == "case" and self.comments:
            before = [Comment(self._comment(one)) for one in node.named_children if one.type == "comment"]
        for test, body, part in self._arms(node):
            if test is None:
                last = self._branch(body, level, part.start_point[0], Span(part))
                continue
            made = at(ast.If(test, [], []), Span(part))
            branches.append(made)
            row = self._comments_of(part, test.end_lineno - 1 if test.end_lineno else 0, made)
            made.body += self._branch(body, level, row, Span(part))
        if not branches:
            raise Fault("there is no `when`", Span(node))
        return [*before, _chained(branches, last)]

    def _arms(self, node: Node) -> Iterator[tuple[ast.expr | None, Node | None, Node]]:
        """The conditions of `if` or `case` with what belongs to each, and the part of the text; None for `else`."""
        for one in named(node) if node.type == "case" else ():
            if one.type == "when":
                yield self.statements.arm(node, one).node, field(one, "body"), one
            elif one.type == "else":
                yield None, one, one
        while node.type in ("if", "unless", "elsif"):
            condition, other = need(node, "condition"), field(node, "alternative")
            yield (
                self.statements.test(condition, negate=node.type == "unless"),
                field(node, "consequence"),
                node,
            )
            if other is None:
                return
            node = other
        if node.type == "else":
            yield None, node, node

    def _loop(self, node: Node, level: int) -> list[ast.stmt]:
        made, names = loops.loop_of(self.statements, node)
        body = field(node, "block", "body")
        with loops.inside_loop(self.state, names, body):
            made.body = self.block(body, level + 1, node.start_point[0]) if body else [_nothing(node)]
        return [made]

    def _comments_of(self, node: Node, row: int, made: ast.If) -> int:
        """Takes the comments between a condition and what depends on it; returns the row of the last."""
        for one in node.named_children:
            if one.type == "comment" and self.comments:
                start, text = one.start_point[0], self.state.program.text(one)
                if start == row and not made.body:
                    made.behind = text  # type: ignore[attr-defined]
                else:
                    made.body.append(Comment([""] * (start - row - 1) + self._comment(one)))
                row = one.end_point[0]
        return row

    def _branch(self, node: Node | None, level: int, row: int, place: Span) -> list[ast.stmt]:
        if node is None:
            return [at(ast.Pass(), place)]
        with self.state.on_condition():
            return self.block(node, level + 1, row)


def _nothing(node: Node) -> ast.stmt:
    return at(ast.Pass(), Span(node))


def _chained(branches: list[ast.If], last: list[ast.stmt]) -> ast.stmt:
    for one in reversed(branches):
        one.orelse = last
        one.is_elif = one is not branches[0]  # type: ignore[attr-defined]
        last = [one]
    return branches[0]
