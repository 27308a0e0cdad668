"""The text of a settings file after a setting was given a value, or taken out of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import takewhile

from ctl.errors import EXIT_USAGE, CtlError
from ctl.settings.editing.assignments import (
    Assignment,
    Located,
    ambiguous_place,
    assignment_of,
    assignments,
    assignments_of,
    parts,
)
from ctl.settings.editing.document import Document, parse
from ctl.settings.editing.items import with_item, without_item
from ctl.settings.editing.naming import Setting
from ctl.settings.options import OLD_VHOST

_LONGEST_COMMENTED = 100
"""Lines of a commented-out setting."""


class Ambiguous(CtlError):
    """A setting cannot be changed by itself, because of how the file gives it (exit 2).

    Args:
        setting: the setting.
        reason: why, as a clause that follows its name.
        node: where.
    """

    exit_code = EXIT_USAGE

    def __init__(self, setting: Setting, reason: str, node: ast.expr | ast.stmt) -> None:
        hint = "Nothing was changed. Change that place by hand: ctl settings edit"
        super().__init__(f"line {node.lineno}: {setting.name} {reason}", hint=hint)
        self.reason = reason
        self.node = node


def with_value(document: Document, setting: Setting, value: object, source: str) -> str:
    """The text in which a setting has a value.

    Args:
        document: the text.
        setting: the setting.
        value: the value.
        source: the value as it must be written.

    Raises:
        Ambiguous: the file gives the setting in a way that leaves open where the value belongs.
    """
    _refuse_ambiguous(document, setting)
    for assignment in parts(document.tree, setting.path):
        reason = f"is set here in part; take that out first (ctl settings unset {'.'.join(assignment.path)})"
        raise Ambiguous(setting, reason, assignment.statement)
    found = list(assignments_of(document.tree, setting.path))
    if not found:
        return document.with_line(_place(document, setting), f"{setting.python} = {source}")
    last = found[-1]
    if last.value is not None:
        return _replaced(document, setting, last.value, value, source)
    if last.holder is not None and len(last.missing) == 1:
        return with_item(document, last.holder, last.missing[0], _in_newlines(document, source))
    return document.with_line(_line_after(document, last.assignment), f"{setting.python} = {source}")


def _refuse_ambiguous(document: Document, setting: Setting) -> None:
    node = ambiguous_place(document.tree, setting.path)
    if node is not None:
        reason = "is, or may be, changed here under a condition or by what is worked out"
        raise Ambiguous(setting, reason, node)
    for one in assignments_of(document.tree, setting.path):
        if one.computed is not None:
            raise _computed(setting, one.computed)


def _computed(setting: Setting, node: ast.expr) -> Ambiguous:
    return Ambiguous(setting, "comes from what is worked out here when the file is read", node)


def _replaced(document: Document, setting: Setting, node: ast.expr, value: object, source: str) -> str:
    try:
        former = ast.literal_eval(node)
    except ValueError:
        raise _computed(setting, node) from None
    if repr(former) == repr(value):
        return document.text
    return document.replaced(document.start(node), document.end(node), _in_newlines(document, source))


def _in_newlines(document: Document, source: str) -> str:
    return source.replace("\n", document.newline)


def without_value(text: str, setting: Setting) -> str:
    """The text in which nothing gives a setting a value.

    Raises:
        Ambiguous: the file gives the setting in a way that leaves open what would have to go.
        SyntaxError: the text is no Python.
    """
    while True:
        document = Document(text)
        _refuse_ambiguous(document, setting)
        shorter = _without_one(document, setting)
        if shorter is None:
            return text
        text = shorter


def _without_one(document: Document, setting: Setting) -> str | None:
    for assignment in parts(document.tree, setting.path):
        return _without_statement(document, assignment.statement)
    for one in assignments_of(document.tree, setting.path):
        if one.value is not None:
            return _without(document, one)
    return None


def _without(document: Document, found: Located) -> str:
    if found.holder is None:
        return _without_statement(document, found.assignment.statement)
    return without_item(document, found.holder, found.index)


def _without_statement(document: Document, statement: ast.stmt) -> str:
    """The text without a statement and its line's comment; others on the same line stay."""
    body = document.tree.body
    index = body.index(statement)
    start, end = document.start(statement), document.end(statement)
    following = body[index + 1] if index + 1 < len(body) else None
    before = body[index - 1] if index else None
    if following and following.lineno == statement.end_lineno:
        return document.replaced(start, document.start(following), "")
    if before and before.end_lineno == statement.lineno:
        return document.replaced(document.end(before), end, "")
    return document.without_lines(statement.lineno, statement.end_lineno or statement.lineno)


def _place(document: Document, setting: Setting) -> int:
    """The number of the line below which a setting that the file does not give belongs."""
    for _, last in _commented_out(document, setting):
        return last
    return _after_section(document, setting)


def _after_section(document: Document, setting: Setting) -> int:
    """Behind the last setting of the same section, or else the end of the file."""
    nearest: Assignment | None = None
    shared = 0
    for assignment in assignments(document.tree):
        pairs = zip(assignment.path, setting.path, strict=False)
        alike = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        if len(assignment.path) > 1 and alike and alike >= shared:
            nearest, shared = assignment, alike
    return document.last_line if nearest is None else _line_after(document, nearest)


def _line_after(document: Document, assignment: Assignment) -> int:
    line = assignment.statement.end_lineno or assignment.statement.lineno
    for statement in document.tree.body:
        if statement.lineno <= line < (statement.end_lineno or line):
            line = statement.end_lineno or line
    return line


def _commented_out(document: Document, setting: Setting) -> Iterator[tuple[int, int]]:
    """First and last line of every commented-out assignment of a setting at the top level."""
    spans = ((one.lineno, one.end_lineno or one.lineno) for one in document.tree.body)
    inside = {line for first, last in spans for line in range(first, last)}
    names = (setting.path[0], OLD_VHOST)
    for number in range(1, document.last_line + 1):
        line = document.line(number)
        if line.startswith("#") and line[1:].lstrip(" ").startswith(names):
            last = _commented_end(document, setting, number)
            if last and not inside.intersection(range(number, last + 1)):
                yield number, last


def _commented_end(document: Document, setting: Setting, first: int) -> int | None:
    """The last line of a commented-out assignment of the setting that begins on a line, or None."""
    lines: list[str] = []
    for number in range(first, min(first + _LONGEST_COMMENTED, document.last_line + 1)):
        line = document.line(number)
        if not line.startswith("#"):
            return None
        lines.append(line[1:].lstrip(" ") if number == first else line[1:])
        text = "\n".join(lines)
        if sum(text.count(sign) for sign in "([{") > sum(text.count(sign) for sign in ")]}"):
            continue
        try:
            body = parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        assignment = assignment_of(body[0]) if len(body) == 1 else None
        return number if assignment and assignment.path == setting.path else None
    return None
