"""What statements give values to: settings, variables, and what a method changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, named

if TYPE_CHECKING:
    from tree_sitter import Node

INCLUDE: Final = "from_file"
ASSIGNMENTS: Final = ("assignment", "operator_assignment")
CHANGING: Final = frozenset(
    {"<<", "push", "append", "concat", "unshift", "prepend", "merge!", "update", "store", "delete"}
)
"""Methods that change what they are called on."""


def sides(node: Node) -> tuple[Node, Node]:
    """Both sides of an assignment. Raises Fault where one is missing."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        raise Fault("a side of this assignment is missing", Span(node))
    return left, right


def changed(node: Node, text: Callable[[Node], str]) -> Node | None:
    """What a node by itself gives a value to or changes; for `external_url 'x'` its name."""
    if node.type in ASSIGNMENTS:
        return node.child_by_field_name("left")
    if node.type == "call":
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        if receiver is None:
            return method
        return receiver if method is not None and text(method) in CHANGING else None
    return node.children[0] if is_append(node) else None


def path_of(node: Node, text: Callable[[Node], str]) -> tuple[str, list[str]]:
    """The name and the written-out keys of `name['key']['key']`; the name is "" where there is none.

    Args:
        node: a target, or what a method is called on.
        text: returns a node as it is written.
    """
    keys: list[str] = []
    while node.type in ("element_reference", "call", "binary"):
        if node.type == "element_reference":
            parts = named(node)
            key = _written_key(parts[1], text) if len(parts) == 2 else None
            if key is None:
                keys.clear()
            else:
                keys.append(key)
            node = parts[0]
            continue
        first = node.child_by_field_name("receiver") or node.child_by_field_name("left")
        if first is None:
            break
        node = first
        keys.clear()
    return (text(node), keys[::-1]) if node.type in ("identifier", "constant") else ("", [])


def _written_key(node: Node, text: Callable[[Node], str]) -> str | None:
    written = text(node)
    if node.type == "simple_symbol":
        return written[1:]
    plain = node.type == "string" and len(written) > 1 and "\\" not in written and "#{" not in written
    return written[1:-1] if plain and written[0] in "'\"" else None


def is_append(node: Node) -> bool:
    """Whether a node is `left << right`."""
    return node.type == "binary" and len(node.children) == 3 and node.children[1].type == "<<"


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is in it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack += reversed(one.named_children)


def names_read(root: Node, text: Callable[[Node], str]) -> Iterator[str]:
    """The names that a program reads; not those that it only gives a value.

    Args:
        root: the program, or a part of it.
        text: returns a node as it is written.
    """
    assigned: set[int] = set()
    for node in walk(root):
        if node.type == "assignment" and (left := node.child_by_field_name("left")):
            assigned.add(left.id)
        elif node.type == "method" and (name := node.child_by_field_name("name")):
            assigned.add(name.id)
        elif node.type in ("identifier", "constant") and node.id not in assigned:
            yield text(node)
