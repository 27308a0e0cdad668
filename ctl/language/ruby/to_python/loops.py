"""`values.each do |one| … end` as a for loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, field, inside, named
from ctl.language.ruby.program import ASSIGNMENTS
from ctl.language.ruby.to_python import written
from ctl.language.ruby.to_python.state import State, Writer
from ctl.language.ruby.to_python.terms import Kind, at

if TYPE_CHECKING:
    from tree_sitter import Node

_TEXTS: Final = ("string", "hash_key_symbol", "simple_symbol")


def is_loop(node: Node, writer: Writer) -> bool:
    """Whether a call is a loop."""
    method = field(node, "method")
    return field(node, "block") is not None and method is not None and writer.text(method) == "each"


def loop_of(writer: Writer, node: Node) -> tuple[ast.For, dict[str, Kind]]:
    """The for loop, without its body, and its variables in Ruby with their kinds. Raises Fault."""
    receiver, block = field(node, "receiver"), field(node, "block")
    if receiver is None or block is None:
        raise Fault("a block is not read here", Span(node))
    names, value = _parameters(writer, block), writer.term(receiver)
    if len(names) == 2 and value.kind in ("dict", "any"):
        value = writer.state.form("a.items()", "list", value.node, value)
    return (
        at(ast.For(_target(names, node), value.node, [], []), Span(node)),
        dict.fromkeys(names, _kind_in(receiver)),
    )


def _parameters(writer: Writer, block: Node) -> list[str]:
    found = inside(block, "parameters")
    for one in found:
        if one.type != "identifier":
            raise Fault("the values of a block are plain names here", Span(one), "Write |name|.")
        if writer.text(one) in writer.state.kinds:
            hint = "Use another name in the block."
            raise Fault(f"{writer.text(one)} is a variable already", Span(one), hint)
    return [writer.text(one) for one in found]


def _target(names: list[str], loop: Node) -> ast.expr:
    if not names:
        raise Fault("the block takes no value", Span(loop), "Write |name|.")
    nodes: list[ast.expr] = [at(ast.Name(written.name(one), ast.Store()), Span(loop)) for one in names]
    return nodes[0] if len(nodes) == 1 else at(ast.Tuple(nodes, ast.Store()), Span(loop))


def _kind_in(receiver: Node) -> Kind:
    """The kind of all elements of a literal; of a hash, of its keys and its values."""
    if receiver.type == "string_array":
        return "text"
    parts = [part for one in named(receiver) for part in (named(one) if one.type == "pair" else [one])]
    if not parts or receiver.type not in ("array", "hash"):
        return "any"
    if all(part.type in _TEXTS for part in parts):
        return "text"
    return "int" if all(part.type == "integer" for part in parts) else "any"


@contextmanager
def inside_loop(state: State, names: Mapping[str, Kind], body: Node | None) -> Iterator[None]:
    """The inside of a loop: its variables are its own, and what it changes may have any value from the start."""
    for one in state.walk(body) if body is not None else ():
        left = field(one, "left") if one.type in ASSIGNMENTS else None
        if left is not None:
            state.forget(left)
    before = set(state.kinds)
    state.kinds.update(names)
    try:
        with state.on_condition():
            yield
    finally:
        for name in state.kinds.keys() - before:
            del state.kinds[name]
