"""Variables that a gitlab.rb reads and its Python form does not, as what reads them was left out or came to a value."""

from __future__ import annotations

import ast
from collections.abc import Collection


def with_unread_marked(text: str, candidates: Collection[str]) -> str:
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
