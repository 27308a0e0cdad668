"""A gitlab.rb as the Python form: statement by statement, with comments and blank lines kept in place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctl.settings.conversion import literals
from ctl.settings.conversion.comments import convert_comments
from ctl.settings.conversion.expressions import State
from ctl.settings.conversion.statements import Statements
from ctl.settings.conversion.unread import with_unread_marked
from ctl.settings.language.faults import Fault, LimitReached
from ctl.settings.language.limits import MAX_DIAGNOSTICS
from ctl.settings.language.places import SourceText, presentable
from ctl.settings.language.scope import Scope
from ctl.settings.language.setting_names import Names
from ctl.settings.ruby.expressions import Expressions
from ctl.settings.ruby.grammar import Span, heredocs, parse
from ctl.settings.ruby.syntax import read_tree
from ctl.settings.ruby.targets import names_read, walk
from ctl.settings.source import Diagnostic, Location, SettingsError

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_SNIPPETS: Final = 5_000
"""Settings that are commented out and converted: more than twice those of a whole gitlab.rb."""

_INDENT: Final = "    "
_BLOCK: Final = ("if", "unless")
_SKIPPED: Final = ("empty_statement", "then", "end")


@dataclass(frozen=True)
class Converted:
    """A converted file.

    Args:
        text: the Python form.
        remarks: what a person should know of it, each a sentence.
    """

    text: str
    remarks: tuple[str, ...] = ()


def convert_ruby(path: Path, text: str, names: Names, others: Callable[[str, str], bool]) -> Converted:
    """The Python form of a gitlab.rb.

    Args:
        path: the file, as errors name it.
        text: what is in it.
        names: the names of the settings.
        others: whether a key of one of our sections is another component's.

    Raises:
        SettingsError: it is no Ruby, or holds what has no Python form; with every error found.
    """
    source = SourceText(path, text.replace("\r\n", "\n").replace("\r", "\n"))
    problems: list[Diagnostic] = []
    scope = Scope(names, {}, source)
    try:
        parsed = read_tree(source, scope.budget, problems.append)
    except LimitReached as limit:
        raise SettingsError([Diagnostic(limit.message, Location(path, 1), hint=limit.hint)]) from None
    if problems or parsed.root is None:
        raise SettingsError(problems or [Diagnostic("this is not Ruby", Location(path, 1))])
    writer = _Writer(scope, parsed.root, parsed.data, others)
    lines = writer.block(parsed.root, 0, -1)
    if writer.problems:
        found = [writer.diagnostic(fault, source) for fault in writer.problems[:MAX_DIAGNOSTICS]]
        raise SettingsError(found)
    result = "\n".join(lines).rstrip("\n") + "\n"
    if writer.variables:
        read = {literals.name(name) for name in names_read(parsed.root, parsed.data)}
        result = with_unread_marked(result, read & writer.variables)
    return Converted(result, tuple(writer.remarks))


def convert_snippet(text: str, names: Names) -> str | None:
    """The Python form of one statement by itself; None where it is none, or has no Python form."""
    data = text.encode()
    root = parse(data).root_node
    statements = [one for one in root.named_children if one.type not in ("comment", "heredoc_body")]
    if root.has_error or len(statements) != 1 or statements[0].type not in ("assignment", "call"):
        return None
    scope = Scope(names, {}, SourceText(Path(), text))
    writer = _Writer(scope, root, data, lambda _section, _key: False)
    lines = writer.block(root, 0, 0)
    return None if writer.problems or writer.remarks or writer.left_out else "\n".join(lines)


class _Writer:
    """Writes one file.

    Args:
        scope: the names of the settings, and the source.
        root: the program.
        data: its text in UTF-8.
        others: whether a key of one of our sections is another component's.

    Attributes:
        problems: what has no Python form.
        remarks: what a person should know.
        left_out: how many statements of other components became comments.
    """

    def __init__(self, scope: Scope, root: Node, data: bytes, others: Callable[[str, str], bool]) -> None:
        reader = Expressions(scope)
        reader.data, reader.bodies = data, heredocs(root, data)
        self._names = scope.names
        self._starts = sorted(reader.bodies)
        self._reader = reader
        self._state = State(scope.names, reader, snippet=self._snippet)
        self._snippets = 0
        self._statements = Statements(self._state, others)
        self._rows = scope.source.lines
        self.problems: list[Fault] = []
        self.remarks: list[str] = self._statements.remarks
        self.left_out = 0

    @property
    def variables(self) -> set[str]:
        """The local variables that were given a value, by their names in Python."""
        return {literals.name(name) for name in self._state.kinds}

    def diagnostic(self, fault: Fault, source: SourceText) -> Diagnostic:
        """A fault as it is told."""
        where = source.location(fault.node) if fault.node is not None else Location(source.path, 1)
        return Diagnostic(presentable(fault.message), where, hint=presentable(fault.hint))

    def block(self, container: Node, level: int, row: int) -> list[str]:
        """The statements and comments of a block.

        Args:
            container: what they are in.
            level: how deep the block is.
            row: where the line that begins it stands (from 0), -1 for a whole file.
        """
        lines: list[str] = []
        comments: list[str] = []
        code = False
        for child in container.named_children:
            kind, start = child.type, child.start_point[0]
            if kind in _SKIPPED:
                continue
            if kind == "heredoc_body":
                row = max(row, child.end_point[0])
                continue
            if kind == "comment" and start <= row and lines and not comments:
                lines[-1] += "  " + self._reader.text(child)
                continue
            if comments and (kind != "comment" or start > row + 1 or "\n" in self._reader.text(child)):
                lines += self._flushed(comments, level)
            lines += [""] * (start - row - 1 if lines or level == 0 else 0)
            row = max(row, self._last_row(child))
            if kind == "comment":
                comments += self._comment(child)
            elif kind == "uninterpreted":
                lines += self._after_the_end(child)
            else:
                statement = self._statement(child, level)
                code |= any(not line.lstrip().startswith("#") for line in statement)
                lines += statement
        lines += self._flushed(comments, level)
        return lines if code or level == 0 else [*lines, _INDENT * level + "pass"]

    def _flushed(self, comments: list[str], level: int) -> list[str]:
        converted = convert_comments(comments, self._names, self._snippet)
        comments.clear()
        return [_INDENT * level + line for line in converted]

    def _snippet(self, text: str) -> str | None:
        """Ruby that is commented out; what comes after very many of them stays as it is."""
        self._snippets += 1
        return convert_snippet(text, self._names) if self._snippets <= _MOST_SNIPPETS else None

    def _comment(self, node: Node) -> list[str]:
        text = self._reader.text(node)
        if not text.startswith("=begin"):
            return [text.rstrip()]
        return [f"# {line}".rstrip() for line in text.split("\n")[1:] if not line.startswith("=end")]

    def _after_the_end(self, node: Node) -> list[str]:
        text = self._reader.text(node).strip("\n")
        return [f"# {line}".rstrip() for line in ["__END__", *text.split("\n")]] if text.strip() else []

    def _last_row(self, node: Node) -> int:
        """The last line of a statement, heredocs that begin in it included."""
        starts = self._starts
        first, after = (bisect_left(starts, offset) for offset in (node.start_byte, node.end_byte))
        end = node.end_point
        # A node that ends at the beginning of a line ends with the line before.
        rows = [end[0] - (end[1] == 0 and end[0] > node.start_point[0])]
        return max([*rows, *(self._reader.bodies[start].end_point[0] for start in starts[first:after])])

    def _statement(self, node: Node, level: int) -> list[str]:
        indent, shift = _INDENT * level, node.start_point[1]
        outer, self._state.block = self._state.block, level + (shift > 0)
        self._state.shift = shift
        foreign = self._statements.foreign(node)
        try:
            before = [indent + line for line in self._statements.before(node)]
            if node.type in _BLOCK:
                return before + self._if(node, level)
            text = self._statements.write(node)
        except (Fault, RecursionError) as problem:
            if foreign:
                return self._commented_out(node, indent)
            deep = Fault("this is nested too deeply to be converted")
            fault = problem if isinstance(problem, Fault) else deep
            fault.node = fault.node or Span(node)
            self.problems.append(fault)
            return []
        finally:
            self._state.block = outer
        lost = [indent + comment for comment in self._lost_comments(node, text)]
        first, *others = text.split("\n")
        moved = others if level == 0 and not shift else [indent + _dedented(line, shift) for line in others]
        return [*before, *lost, indent + first, *moved]

    def _commented_out(self, node: Node, indent: str) -> list[str]:
        self.left_out += 1
        rows = self._rows[node.start_point[0] : self._last_row(node) + 1]
        kept = [f"{indent}# {line}".rstrip() for line in rows]
        return [f"{indent}# Another component's setting, which has no Python form and is not used:", *kept]

    def _lost_comments(self, node: Node, text: str) -> list[str]:
        """Comments in the midst of an expression that had to become one line: they go before it."""
        if b"#" not in self._reader.data[node.start_byte : node.end_byte]:
            return []
        inside = [self._reader.text(one) for one in walk(node) if one.type == "comment"]
        return [one for one in inside if _is_lost(one, text)]

    def _if(self, node: Node, level: int) -> list[str]:
        word, lines, current = "if", list[str](), node
        while True:
            condition = current.child_by_field_name("condition")
            if condition is None:
                raise Fault("there is no condition", Span(current))
            test = self._statements.condition(condition, negate=current.type == "unless")
            lines.append(f"{_INDENT * level}{word} {test}:")
            row = self._comments_of(current, condition.end_point[0], level, lines)
            lines += self._branch(current.child_by_field_name("consequence"), level, row)
            other = current.child_by_field_name("alternative")
            if other is None:
                return lines
            if other.type != "elsif":
                lines.append(f"{_INDENT * level}else:")
                return lines + self._branch(other, level, other.start_point[0])
            word, current = "elif", other

    def _comments_of(self, node: Node, row: int, level: int, lines: list[str]) -> int:
        """Adds the comments between a condition and what depends on it; returns the row of the last."""
        for one in node.named_children:
            if one.type == "comment":
                start, text = one.start_point[0], self._reader.text(one)
                if start == row:
                    lines[-1] += f"  {text}"
                else:
                    lines += [""] * (start - row - 1)
                    lines += [_INDENT * (level + 1) + line for line in self._comment(one)]
                row = one.end_point[0]
        return row

    def _branch(self, node: Node | None, level: int, row: int) -> list[str]:
        if node is None:
            return [_INDENT * (level + 1) + "pass"]
        outer, self._state.conditional = self._state.conditional, True
        try:
            return self.block(node, level + 1, row)
        finally:
            self._state.conditional = outer


def _is_lost(comment: str, text: str) -> bool:
    """Whether a comment is not there in any form: a pair that is commented out may have become Python."""
    return "=>" not in comment and comment not in text


def _dedented(line: str, columns: int) -> str:
    return line[min(columns, len(line) - len(line.lstrip())) :]
