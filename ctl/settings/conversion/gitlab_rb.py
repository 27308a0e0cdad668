"""A gitlab.rb as a settings file in Python's syntax, with its comments and blank lines in their places."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from ctl.language.failures import Failures
from ctl.language.faults import Aim, Fault, LimitReached
from ctl.language.limits import Budget
from ctl.language.places import SourceText, presentable
from ctl.language.ruby.grammar import named, parse
from ctl.language.ruby.program import Program
from ctl.language.ruby.syntax import read_tree
from ctl.language.ruby.to_python import written
from ctl.language.ruby.to_python.blocks import Blocks
from ctl.language.ruby.to_python.comments import convert_comments
from ctl.language.ruby.to_python.state import State
from ctl.language.setting_names import Names
from ctl.language.source import Diagnostic, Location, SettingsError
from ctl.settings.conversion.converted import Converted

_MOST_SNIPPETS = 5_000
"""Settings that are commented out and converted: more than twice those of a whole gitlab.rb."""

_OTHERS = "# Another component's setting, which has no Python form and is not used:"
_VARIABLE = "# Only settings of other components need this:"


def convert_ruby(path: Path, text: str, names: Names) -> Converted:
    """The Python form of a gitlab.rb.

    Args:
        path: the file, as errors name it.
        text: what is in it.
        names: the names of the settings.

    Returns:
        The Python form. What is no Ruby or has no Python form is in it as a comment, and among the problems.

    Raises:
        SettingsError: it is too large or too tangled.
    """
    source = SourceText(path, text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        return _converted(source, names)
    except Fault as fault:
        raise SettingsError([_diagnostic(fault, source)]) from None
    except LimitReached as limit:
        raise SettingsError(
            [Diagnostic(limit.message, limit.location or Location(path, 1), hint=limit.hint)]
        ) from None


def _converted(source: SourceText, names: Names) -> Converted:
    problems: list[Diagnostic] = []
    parsed = read_tree(source, Budget(), problems.append)
    root = parsed.root if parsed.root is not None else parse(b"").root_node
    state = State(names, Program(root, parsed.data))
    state.doubtful, state.included = parsed.words, not parsed.whole
    blocks = Blocks(state, source, unparsed=dict(parsed.unparsed))
    statements = blocks.whole()
    convert_comments(statements, names, _snippets(names))
    read = blocks.read()
    wrong, ignored = _judged(blocks, read)
    for lost in blocks.lost:
        lost.about = []  # it is a comment from here on
    problems += [_diagnostic(fault, source) for fault in wrong]
    problems.sort(key=lambda one: (one.location.line, one.location.column) if one.location else (0, 0))
    written.mark_unread(statements, read & set(map(written.name, state.kinds)))
    remarks = (*blocks.statements.remarks, *(_ignored(_diagnostic(fault, source)) for fault in ignored))
    return Converted("\n".join(written.lines_of(statements)).rstrip("\n") + "\n", remarks, tuple(problems))


def _judged(blocks: Blocks, read: set[str]) -> tuple[list[Fault], list[Fault]]:
    """The faults of what settings of ours need, and of what only other components need; marks the latter's comments."""
    failures = Failures(blocks.state.names, blocks.state.kinds, {}, lambda _: None)
    wrong: dict[int, Fault] = {}
    ignored: dict[int, Fault] = {}
    judged = [(one, failures.of(one).aim) for one in blocks.lost]
    for lost, aim in judged:
        if aim is Aim.OURS or (aim is Aim.VARIABLES and read.isdisjoint(lost.names)):
            wrong |= {id(fault): fault for fault in lost.faults}
    for lost, aim in judged:
        if not any(id(fault) in wrong for fault in lost.faults):
            ignored |= {id(fault): fault for fault in lost.faults}
            lost.lines[0] = _VARIABLE if aim is Aim.VARIABLES else _OTHERS
    return _in_order(wrong), _in_order(ignored)


def _in_order(faults: dict[int, Fault]) -> list[Fault]:
    return sorted(
        faults.values(), key=lambda one: (one.node.lineno, one.node.col_offset) if one.node else (0, 0)
    )


def _snippets(names: Names) -> Callable[[str], str | None]:
    """Converts Ruby that is commented out; what comes after very many snippets stays as it is."""
    numbers = count()

    def converted(text: str) -> str | None:
        """The Python form of one statement by itself; None where it is none, or has no Python form."""
        if next(numbers) >= _MOST_SNIPPETS:
            return None
        data = f"{text}\n".encode()
        root = parse(data).root_node
        found = [one.type for one in named(root)]
        if root.has_error or found not in (["assignment"], ["call"]):
            return None
        blocks = Blocks(State(names, Program(root, data)), SourceText(Path(), text))
        statements = blocks.block(root, 0, 0)
        return None if blocks.lost or blocks.statements.remarks else "\n".join(written.lines_of(statements))

    return converted


def _ignored(found: Diagnostic) -> str:
    where = f"line {found.location.line}: " if found.location else ""
    return f"{where}{found.message}; only other components need it, and it is a comment in the result"


def _diagnostic(fault: Fault, source: SourceText) -> Diagnostic:
    where = source.location(fault.node) if fault.node else Location(source.path, 1)
    return Diagnostic(presentable(fault.message), where, hint=presentable(fault.hint))
