"""From Ruby text to tree-sitter's tree, within bounds of time and size, and from its nodes to places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import tree_sitter_ruby
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from ctl.language.faults import Fault, LimitReached

MAX_NODES: Final = 500_000
"""Nodes of one tree: some three for each word and sign that a file may have."""

_CHUNK: Final = 4_096
"""Bytes given to the parser at a time."""

_MAX_READ: Final = 12_000_000
"""Bytes given to the parser in all: it goes back to the start of each literal that is never closed, and the
library does not give the memory of what it was given back."""

_TOKEN: Final = re.compile(r"^[ \t]*#[^\n]*|\w+|\n|[^\w\s]", re.MULTILINE)


class Span:
    """The place of a node, as Positioned asks for it: lines from 1, offsets from 0 in bytes of UTF-8."""

    __slots__ = ("col_offset", "end_col_offset", "end_lineno", "lineno")

    def __init__(self, node: Node) -> None:
        self.lineno: int = node.start_point[0] + 1
        self.col_offset: int = node.start_point[1]
        self.end_lineno: int | None = node.end_point[0] + 1
        self.end_col_offset: int | None = node.end_point[1]


def tokens(text: str) -> int:
    """About how many words, signs and lines a text has, never fewer; a line that is a comment is one."""
    return len(_TOKEN.findall(text))


def parse(data: bytes) -> Tree:
    """Parse Ruby.

    Args:
        data: the text in UTF-8.

    Returns:
        The tree; where the text is no Ruby, with ERROR and missing nodes.

    Raises:
        LimitReached: the text would take too long or too much memory.
    """
    given = 0

    def read(offset: int, _point: object) -> bytes:
        nonlocal given
        piece = data[offset : offset + _CHUNK]
        given += len(piece)
        return piece if given <= _MAX_READ else b""

    tree = Parser(_language()).parse(read)
    if given > _MAX_READ or tree.root_node.descendant_count > MAX_NODES:
        raise LimitReached("the settings file is too tangled to be read", "Is a literal never closed?")
    return tree


@cache
def _language() -> Language:
    return Language(tree_sitter_ruby.language())


def heredocs(root: Node, data: bytes) -> dict[int, Node]:
    """The body of each heredoc, by the offset of its beginning (`<<~EOS`)."""
    if b"<<" not in data:
        return {}
    query = Query(_language(), "(heredoc_beginning) @start (heredoc_body) @body")
    found = QueryCursor(query).captures(root)
    starts, bodies = (sorted(found.get(name, []), key=_offset) for name in ("start", "body"))
    pairs = zip(starts, bodies, strict=False)
    return {start.start_byte: body for start, body in pairs}


def named(node: Node) -> list[Node]:
    """The parts of a node that have a meaning: no signs, comments or bodies of heredocs."""
    return [child for child in node.named_children if child.type not in ("comment", "heredoc_body")]


def field(node: Node | None, *names: str) -> Node | None:
    """What is in a field of a node, and there in the next; None where one is missing."""
    for name in names:
        node = node.child_by_field_name(name) if node is not None else None
    return node


def need(node: Node, name: str) -> Node:
    """What is in a field of a node. Raises Fault where the grammar's repair of a text left nothing there."""
    found = node.child_by_field_name(name)
    if found is None:
        raise Fault("this is not Ruby", Span(node))
    return found


def inside(node: Node | None, *names: str) -> list[Node]:
    """The parts of what is in a field, and there in the next; none where one is missing."""
    found = field(node, *names)
    return statements_in(found) if found is not None else []


def statements_in(node: Node) -> list[Node]:
    """The parts of a node, but for empty ones (`;;`)."""
    return [one for one in named(node) if one.type != "empty_statement"]


def parts(node: Node, count: int) -> list[Node]:
    """The parts of a node, exactly so many. Raises Fault where the grammar's repair of a text left others."""
    found = named(node)
    if len(found) != count:
        raise Fault("this is not Ruby", Span(node))
    return found


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is in it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack += reversed(one.named_children)


def _offset(node: Node) -> int:
    return node.start_byte
