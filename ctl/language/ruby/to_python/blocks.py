"""A gitlab.rb as the Python form: statement by statement, with comments and blank lines kept in place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span
from ctl.language.ruby.program import Origin
from ctl.language.ruby.targets_of import ASSIGNMENTS, names_read
from ctl.language.ruby.to_python import inlined, loops, python_text, undecided, whose
from ctl.language.ruby.to_python.choice_forms import arms_of
from ctl.language.ruby.to_python.commented_out import convert_comments
from ctl.language.ruby.to_python.python_lines import (
    INDENT,
    Line,
    Lost,
    dedented,
    heading_of,
    is_lost,
    marked,
    nothing,
)
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.statement_forms import Statements

if TYPE_CHECKING:
    from tree_sitter import Node

_BLOCKS: Final = ("if", "unless", "case")
_MODIFIERS: Final = ("if_modifier", "unless_modifier")
_SKIPPED: Final = ("empty_statement", "then", "end")
_OTHERS: Final = "# Another component's setting, which has no Python form and is not used:"
_VARIABLE: Final = "# Only settings of other components need this:"
_WRITTEN_OUT: Final = "# Written out where it is called:"
_NOT_NEEDED: Final = "# Not needed here:"
_DEEPEST: Final = 40
"""Blocks inside each other."""


@dataclass
class Blocks:
    """Writes the statements of one file.

    Args:
        state: what is known of the file.
        source: the lines of the file.
        unparsed: the parts of the file that are no Ruby: the first line of each, and that after its last, from 0.

    Attributes:
        problems: the statements that have no Python form.
        ignored: those that matter for other components only.
        statements: writes single statements.
    """

    state: State
    source: list[str]
    unparsed: Mapping[int, int] = field(default_factory=dict)
    problems: list[Lost] = field(default_factory=list)
    ignored: list[Lost] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.statements = Statements(self.state)
        self._starts = sorted(self.state.program.bodies)
        self._variables: dict[str, Lost] = {}
        self._end = 0

    def whole(self) -> list[Line]:
        """The whole file."""
        lines = self.block(self.state.program.root, 0, -1)
        lines += self._between(self._end, len(self.source)) if self.unparsed else []
        lines = self._settled(lines)
        while lines and not lines[-1].text:
            lines.pop()
        candidates = {python_text.name(name) for name in self.state.kinds}
        if candidates:
            root = self.state.program.root
            read = {python_text.name(name) for name in names_read(root, self.state.program.text)}
            lines = marked(lines, read & candidates)
        return lines

    def _settled(self, lines: list[Line]) -> list[Line]:
        """A variable without a Python form is wrong if a setting of ours reads it, or nothing does."""
        if not self._variables:
            return lines
        read = set(names_read(self.state.program.root, self.state.program.text))
        harmless: dict[str, Line] = {}
        for name, lost in self._variables.items():
            if lost not in self.problems and lost not in self.ignored:
                wrong = name in self.state.used or name not in read
                (self.problems if wrong else self.ignored).append(lost)
                if not wrong:
                    harmless[heading_of(lost.node.start_point[0])] = Line(_VARIABLE)
        return [harmless.get(line.text, line) for line in lines]

    def block(self, container: Node, level: int, row: int) -> list[Line]:
        """The statements and comments of a block.

        Args:
            container: what they are in.
            level: how deep the block is.
            row: the line that begins it (from 0), -1 for a whole file.
        """
        lines: list[Line] = []
        comments: list[str] = []
        code, keep = False, self.state.comments
        for child in container.named_children:
            kind, start = child.type, child.start_point[0]
            if kind in _SKIPPED or (kind == "comment" and not keep):
                continue
            if kind == "heredoc_body":
                row = max(row, child.end_point[0])
                continue
            if kind == "comment" and start <= row and lines and not comments:
                if lines[-1].text.lstrip().startswith("#"):
                    continue  # it is in what became a comment
                lines[-1] = Line(f"{lines[-1].text}  {self.state.program.text(child)}", lines[-1].origin)
                continue
            if comments and (kind != "comment" or start > row + 1 or "\n" in self.state.program.text(child)):
                lines += self._flushed(comments, level)
            if keep:
                lines += self._between(row + 1, start) if lines or level == 0 else []
            row = max(row, self._last_row(child))
            self._end = max(self._end, row + 1)
            if kind == "comment":
                comments += self._comment(child)
            elif kind == "uninterpreted":
                lines += self._after_the_end(child) if keep else []
            else:
                statement = self._statement(child, level)
                code |= any(not line.text.lstrip().startswith("#") for line in statement)
                lines += statement
        lines += self._flushed(comments, level)
        return lines if code or level == 0 else [*lines, Line(INDENT * level + "pass")]

    def _between(self, first: int, after: int) -> list[Line]:
        """The lines between two statements: empty ones, and what is no Ruby."""
        lines: list[Line] = []
        while first < after:
            end = self.unparsed.get(first)
            if end is not None:
                lines += self._as_comment(first, end, "")
            else:
                lines.append(Line(""))
            first = end or first + 1
        return lines

    def _as_comment(self, first: int, after: int, indent: str, heading: str = "") -> list[Line]:
        """Lines of the file as a comment with the reason."""
        heading = heading or heading_of(first)
        kept = (f"{indent}# {line}".rstrip() for line in self.source[first:after])
        return [Line(indent + heading), *map(Line, kept)]

    def _flushed(self, comments: list[str], level: int) -> list[Line]:
        converted = convert_comments(comments, self.state.names, self.state.snippet)
        comments.clear()
        return [Line(INDENT * level + line) for line in converted]

    def _comment(self, node: Node) -> list[str]:
        text = self.state.program.text(node)
        if not text.startswith("=begin"):
            return [text.rstrip()]
        return [f"# {line}".rstrip() for line in text.split("\n")[1:] if not line.startswith("=end")]

    def _after_the_end(self, node: Node) -> list[Line]:
        text = self.state.program.text(node).strip("\n")
        if not text.strip():
            return []
        return [Line(f"# {line}".rstrip()) for line in ["__END__", *text.split("\n")]]

    def _last_row(self, node: Node) -> int:
        """The last line of a statement, heredocs that begin in it included."""
        starts = self._starts
        first, after = (bisect_left(starts, offset) for offset in (node.start_byte, node.end_byte))
        end = node.end_point
        # A node that ends at the beginning of a line ends with the line before.
        rows = [end[0] - (end[1] == 0 and end[0] > node.start_point[0])]
        bodies = self.state.program.bodies
        return max([*rows, *(bodies[start].end_point[0] for start in starts[first:after])])

    def _statement(self, node: Node, level: int) -> list[Line]:
        state, shift = self.state, node.start_point[1]
        function = inlined.defined_by(node, state)
        if function is not None and level == 0:
            state.functions[function[0]] = function[1]
            state.lost.pop(function[0], None)
            last = self._last_row(node) + 1
            return self._as_comment(node.start_point[0], last, "", _WRITTEN_OUT) if state.comments else []
        outer, state.block = state.block, level + (shift > 0)
        state.shift = shift
        origin = Origin(node)
        state.terms, state.further = origin.terms, []
        try:
            before = undecided.before(self.state, node)
            if self._is_compound(node):
                lines = self._foreign_or_not(node, level, origin)
            else:
                lines = [Line(text, origin) for text in self._simple(node, level)]
        except (Fault, RecursionError) as problem:
            deep = Fault("this is nested too deeply to be read")
            return self._without_form(node, problem if isinstance(problem, Fault) else deep, INDENT * level)
        finally:
            state.block = outer
        return [*(Line(INDENT * level + line, origin) for line in before), *lines]

    def _is_compound(self, node: Node) -> bool:
        """Whether there are statements in a statement."""
        if node.type in _MODIFIERS and (body := node.child_by_field_name("body")) is not None:
            return self._is_compound(body)
        return node.type in _BLOCKS or loops.is_loop(node, self.statements.translator)

    def _simple(self, node: Node, level: int) -> list[str]:
        indent, shift = INDENT * level, self.state.shift
        text = self.statements.write(node)
        if self.state.further:
            raise self.state.further[0]
        lost = [indent + comment for comment in self._lost_comments(node, text)]
        first, *others = text.split("\n")
        moved = others if level == 0 and not shift else [indent + dedented(line, shift) for line in others]
        return [*lost, indent + first, *moved]

    def _without_form(self, node: Node, fault: Fault, indent: str) -> list[Line]:
        """A statement that has no Python form, as a comment."""
        fault.node = fault.node or Span(node)
        lost = Lost(node, fault)
        heading = ""
        if self._is_ignored(node) or self._is_harmless(node):
            self.ignored.append(lost)
            heading = _NOT_NEEDED if self._is_harmless(node) else _OTHERS
        elif not self._is_variable(node):
            self.problems += [lost, *(Lost(node, one) for one in self.state.further if one is not fault)]
            self.state.used |= {name for name, one in self.state.lost.items() if one is fault}
        self._lose_variables(node, lost)
        if not self.state.comments:
            return []
        return self._as_comment(node.start_point[0], self._last_row(node) + 1, indent, heading)

    def _is_harmless(self, node: Node) -> bool:
        """Whether a statement only loads a library: `require 'json'`."""
        method = node.child_by_field_name("method") if node.type == "call" else None
        if method is None or node.child_by_field_name("receiver") is not None:
            return False
        return self.state.program.text(method) in ("require", "require_relative")

    def _is_variable(self, node: Node) -> bool:
        """Whether a statement gives a local variable a value or defines a function, and does nothing else."""
        if node.type == "method":
            return True
        return node.type in ASSIGNMENTS and bool(list(self._variables_of(node.child_by_field_name("left"))))

    def _lose_variables(self, node: Node, lost: Lost) -> None:
        """Keeps why the variables that a statement gives values to have no Python form."""
        for one in self.state.walk(node):
            left = one.child_by_field_name("left") if one.type in ASSIGNMENTS else None
            left = one.child_by_field_name("name") if one.type == "method" else left
            for name in self._variables_of(left):
                self.state.kinds.pop(name, None)
                self.state.lost[name] = lost.fault
                self._variables.setdefault(name, lost)

    def _variables_of(self, left: Node | None) -> Iterator[str]:
        if left is not None and left.type in ("identifier", "constant"):
            name = self.state.program.text(left)
            if not self.state.is_setting(name):
                yield name

    def _lost_comments(self, node: Node, text: str) -> list[str]:
        """Comments in the midst of an expression that had to become one line: they go before it."""
        program = self.state.program
        if not self.state.comments or b"#" not in program.data[node.start_byte : node.end_byte]:
            return []
        inside = [program.text(one) for one in self.state.walk(node) if one.type == "comment"]
        return [one for one in inside if is_lost(one, text)]

    def _foreign_or_not(self, node: Node, level: int, origin: Origin) -> list[Line]:
        """A statement with others in it; one of another component has a Python form as a whole or not at all."""
        known = len(self.problems)
        lines = self._compound(node, level, origin)
        if len(self.problems) > known and self._is_ignored(node):
            fault = self.problems[known].fault
            del self.problems[known:]
            raise fault
        return lines

    def _is_ignored(self, node: Node) -> bool:
        return whose.is_foreign(self.state, node)

    def _compound(self, node: Node, level: int, origin: Origin) -> list[Line]:
        if level >= _DEEPEST:
            raise Fault("statements are nested too deeply to be read", Span(node))
        if node.type == "case":
            return self._case(node, level, origin)
        if node.type in _MODIFIERS:
            return self._guarded(node, level, origin)
        return self._if(node, level, origin) if node.type in _BLOCKS else self._loop(node, level, origin)

    def _if(self, node: Node, level: int, origin: Origin) -> list[Line]:
        word, lines, current = "if", list[Line](), node
        while True:
            condition = current.child_by_field_name("condition")
            if condition is None:
                raise Fault("there is no condition", Span(current))
            self.state.terms = origin.terms
            test = self.statements.condition(condition, negate=current.type == "unless")
            lines.append(Line(f"{INDENT * level}{word} {test}:", origin))
            row = self._comments_of(current, condition.end_point[0], level, lines)
            lines += self._branch(current.child_by_field_name("consequence"), level, row)
            other = current.child_by_field_name("alternative")
            if other is None:
                return lines
            if other.type != "elsif":
                lines.append(Line(f"{INDENT * level}else:", origin))
                return lines + self._branch(other, level, other.start_point[0])
            word, current = "elif", other

    def _guarded(self, node: Node, level: int, origin: Origin) -> list[Line]:
        """`if … end if …`: a block on a condition."""
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        if condition is None or body is None:
            raise Fault("a part of this is missing", Span(node))
        test = self.statements.condition(condition, negate=node.type == "unless_modifier")
        with self.state.on_condition(chosen=True):
            inside = self._statement(body, level + 1)
        code = any(not line.text.lstrip().startswith("#") for line in inside)
        return [Line(f"{INDENT * level}if {test}:", origin), *inside, *([] if code else [nothing(level)])]

    def _case(self, node: Node, level: int, origin: Origin) -> list[Line]:
        lines, word = list[Line](), "if"
        subject = node.child_by_field_name("value")
        self._comments_of(node, (subject or node).start_point[0], level - 1, lines)
        for when, body in arms_of(node):
            self.state.terms = origin.terms
            if when is None:
                test = "else:" if lines else "if True:"
            else:
                test = f"{word} {self.statements.translator.arm(node, when).text}:"
                word = "elif"
            lines.append(Line(INDENT * level + test, origin))
            row = (when or body or node).start_point[0]
            lines += self._branch(body, level, row)
        if not lines:
            raise Fault("there is no `when`", Span(node))
        return lines

    def _loop(self, node: Node, level: int, origin: Origin) -> list[Line]:
        """`values.each do |one|` as a for loop."""
        loop = loops.loop_of(self.statements.translator, node)
        lines = [Line(f"{INDENT * level}{loop.head}:", origin)]
        with loops.inside(self.state, loop.names, loop.body):
            row = node.start_point[0]
            return lines + (self.block(loop.body, level + 1, row) if loop.body else [nothing(level)])

    def _comments_of(self, node: Node, row: int, level: int, lines: list[Line]) -> int:
        """Adds the comments between a condition and what depends on it; returns the row of the last."""
        for one in node.named_children:
            if one.type == "comment" and self.state.comments:
                start, text = one.start_point[0], self.state.program.text(one)
                if start == row and lines:
                    lines[-1] = Line(f"{lines[-1].text}  {text}", lines[-1].origin)
                else:
                    lines += [Line("")] * (start - row - 1)
                    lines += [Line(INDENT * (level + 1) + line) for line in self._comment(one)]
                row = one.end_point[0]
        return row

    def _branch(self, node: Node | None, level: int, row: int) -> list[Line]:
        if node is None:
            return [nothing(level)]
        with self.state.on_condition(chosen=True):
            return self.block(node, level + 1, row)
