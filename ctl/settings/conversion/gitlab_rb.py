"""A gitlab.rb as a settings file in Python's syntax, with its comments and blank lines in their places."""

from __future__ import annotations

from pathlib import Path

from ctl.language.faults import LimitReached
from ctl.language.limits import Budget
from ctl.language.places import SourceText, presentable
from ctl.language.ruby.grammar import Span, parse
from ctl.language.ruby.program import Program
from ctl.language.ruby.reader import in_order
from ctl.language.ruby.syntax import read_tree
from ctl.language.ruby.to_python.blocks import Blocks
from ctl.language.ruby.to_python.python_lines import Lost
from ctl.language.ruby.to_python.state import State
from ctl.language.setting_names import Names
from ctl.language.source import Diagnostic, Location, SettingsError
from ctl.settings.conversion.converted import Converted

_MOST_SNIPPETS = 5_000
"""Settings that are commented out and converted: more than twice those of a whole gitlab.rb."""


def convert_ruby(path: Path, text: str, names: Names) -> Converted:
    """The Python form of a gitlab.rb.

    Args:
        path: the file, as errors name it.
        text: what is in it.
        names: the names of the settings.

    Returns:
        The Python form. What is no Ruby or has no Python form is in it as a comment, and among the problems.

    Raises:
        SettingsError: it is too large or too tangled to be read.
    """
    source = SourceText(path, text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        return _converted(source, names)
    except LimitReached as limit:
        raise SettingsError([Diagnostic(limit.message, Location(path, 1), hint=limit.hint)]) from None


def _converted(source: SourceText, names: Names) -> Converted:
    problems: list[Diagnostic] = []
    parsed = read_tree(source, Budget(), problems.append)
    root = parsed.root if parsed.root is not None else parse(b"").root_node
    state = State(names, Program(root, parsed.data), snippet=_Snippets(names).convert)
    state.doubtful, state.included = parsed.words, not parsed.whole
    blocks = Blocks(state, source.lines, dict(parsed.unparsed))
    lines = blocks.whole()
    problems += [_diagnostic(lost, source) for lost in in_order(blocks.problems)]
    problems.sort(key=lambda one: (one.location.line, one.location.column) if one.location else (0, 0))
    ignored = [_ignored(_diagnostic(lost, source)) for lost in in_order(blocks.ignored)]
    remarks = (*blocks.statements.remarks, *ignored)
    return Converted("\n".join(line.text for line in lines) + "\n", remarks, tuple(problems))


class _Snippets:
    """Ruby that is commented out; what comes after very many of them stays as it is.

    Args:
        names: the names of the settings.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._count = 0

    def convert(self, text: str) -> str | None:
        """The Python form of one statement by itself; None where it is none, or has no Python form."""
        self._count += 1
        if self._count > _MOST_SNIPPETS:
            return None
        data = text.encode()
        root = parse(data).root_node
        statements = [one for one in root.named_children if one.type not in ("comment", "heredoc_body")]
        if root.has_error or len(statements) != 1 or statements[0].type not in ("assignment", "call"):
            return None
        blocks = Blocks(State(self._names, Program(root, data)), text.split("\n"))
        lines = blocks.block(root, 0, 0)
        whole = not blocks.problems and not blocks.ignored and not blocks.statements.remarks
        return "\n".join(line.text for line in lines) if whole else None


def _ignored(found: Diagnostic) -> str:
    where = f"line {found.location.line}: " if found.location else ""
    return f"{where}{found.message}; only other components need it, and it is a comment in the result"


def _diagnostic(lost: Lost, source: SourceText) -> Diagnostic:
    where = source.location(lost.fault.node or Span(lost.node))
    return Diagnostic(presentable(lost.fault.message), where, hint=presentable(lost.fault.hint))
