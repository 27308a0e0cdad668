"""Lines of the Python form, each with the statement that it comes from."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ctl.language.faults import Fault
from ctl.language.ruby.program import Origin

if TYPE_CHECKING:
    from tree_sitter import Node

INDENT: Final = "    "


class Line(NamedTuple):
    """A line of Python.

    Args:
        text: the line.
        origin: the statement that it comes from; None for a comment or an empty line.
    """

    text: str
    origin: Origin | None = None


@dataclass(frozen=True)
class Lost:
    """A statement that became a comment.

    Args:
        node: the statement.
        fault: why it has no Python form.
    """

    node: Node
    fault: Fault


def nothing(level: int) -> Line:
    """The line of an empty block."""
    return Line(INDENT * (level + 1) + "pass")


def heading_of(row: int) -> str:
    """The comment above what was not converted.

    Args:
        row: of its first line, from 0.
    """
    return f"## NOT CONVERTED, line {row + 1}"


def marked(lines: list[Line], candidates: set[str]) -> list[Line]:
    """The same lines, where variables that are not read are marked for linters.

    Args:
        lines: all of a file.
        candidates: names of its variables.
    """
    text = _with_unread_marked("\n".join(line.text for line in lines), candidates)
    origins = [line.origin for line in lines for _ in range(line.text.count("\n") + 1)]
    return [Line(text, origin) for text, origin in zip(text.split("\n"), origins, strict=True)]


def is_lost(comment: str, text: str) -> bool:
    """Whether a comment is not there in any form: a pair that is commented out may have become Python."""
    return "=>" not in comment and comment not in text


def dedented(line: str, columns: int) -> str:
    """A line without its first columns, as far as these are blank."""
    return line[min(columns, len(line) - len(line.lstrip())) :]


def _with_unread_marked(text: str, candidates: Collection[str]) -> str:
    """The text with an underscore before variables that nothing reads any more, which would be errors else.

    Args:
        text: the Python form.
        candidates: the variables that the gitlab.rb reads.
    """
    if not candidates:
        return text
    try:
        tree = ast.parse(text)
    except (RecursionError, MemoryError):
        return text  # too deep, as the reading will report
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    read = {node.id for node in names if not isinstance(node.ctx, ast.Store)}
    unread = [node for node in names if node.id in candidates and node.id not in read]
    lines = [line.encode() for line in text.split("\n")]
    for node in sorted(unread, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + b"_" + line[node.col_offset :]
    return b"\n".join(lines).decode()
