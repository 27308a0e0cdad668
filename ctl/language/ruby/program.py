"""A gitlab.rb as a tree with its text, and what its statements give values to and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.places import SourceText
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, heredocs, named, need, walk

ASSIGNMENTS: Final = ("assignment", "operator_assignment")
CHANGING: Final = frozenset(
    {"<<", "push", "append", "concat", "unshift", "prepend", "merge!", "update", "store", "delete"}
)
"""Methods that change what they are called on."""


class RubyText(SourceText):
    """The text of a gitlab.rb. The places of nodes are exact, and messages are in Ruby's words."""

    __slots__ = ()
    exact = True

    def worded(self, message: str) -> str:
        """A message of the settings language in Ruby's words."""
        return ruby_advice.in_ruby(message)


class Program:
    """A gitlab.rb that has been parsed.

    Args:
        root: its tree.
        data: its text in UTF-8.

    Attributes:
        bodies: the bodies of its heredocs, by the offset of their beginnings.
    """

    def __init__(self, root: Node, data: bytes) -> None:
        self.root = root
        self.data = data
        self.bodies: dict[int, Node] = heredocs(root, data)

    def text(self, node: Node) -> str:
        """A node as it is written."""
        return self.data[node.start_byte : node.end_byte].decode()


def refusal(node: Node) -> Fault:
    """The failure of a construct that is not read."""
    name, hint = ruby_advice.CONSTRUCTS.get(node.type) or (f"this ({node.type.replace('_', ' ')})", "")
    return Fault(f"{name} is not read in a gitlab.rb", Span(node), hint)


def sides(node: Node) -> tuple[Node, Node]:
    """Both sides of an assignment. Raises Fault where one is missing."""
    return need(node, "left"), need(node, "right")


def is_append(node: Node) -> bool:
    """Whether a node is `left << right`."""
    return node.type == "binary" and len(node.children) == 3 and node.children[1].type == "<<"


def changed(node: Node, text: Callable[[Node], str]) -> Node | None:
    """What a node by itself gives a value to or changes; for `external_url 'x'` and `def x` its name."""
    if node.type in ASSIGNMENTS:
        return field(node, "left")
    if node.type == "call":
        receiver, method = field(node, "receiver"), field(node, "method")
        if receiver is None:
            return method
        return receiver if method is not None and text(method) in CHANGING else None
    if node.type == "method":
        return field(node, "name")
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
            keys = [] if key is None else [*keys, key]
            node = parts[0]
            continue
        first = field(node, "receiver") or field(node, "left")
        if first is None:
            break
        node, keys = first, []
    return (text(node), keys[::-1]) if node.type in ("identifier", "constant") else ("", [])


def _written_key(node: Node, text: Callable[[Node], str]) -> str | None:
    written = text(node)
    if node.type == "simple_symbol":
        return written[1:]
    plain = node.type == "string" and len(written) > 1 and "\\" not in written and "#{" not in written
    return written[1:-1] if plain and written[0] in "'\"" else None


def names_read(root: Node, text: Callable[[Node], str]) -> Iterator[str]:
    """The names that a program reads; not those that it only gives a value.

    Args:
        root: the program, or a part of it.
        text: returns a node as it is written.
    """
    assigned: set[int] = set()
    for node in walk(root):
        if node.type == "assignment" and (left := field(node, "left")):
            assigned.add(left.id)
        elif node.type == "method" and (name := field(node, "name")):
            assigned.add(name.id)
        elif node.type in ("identifier", "constant") and node.id not in assigned:
            yield text(node)
