"""Blocks of Ruby: `each` as a for loop, `map` and `select` as a list that is made in one line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, field, inside, named, need
from ctl.language.ruby.program import ASSIGNMENTS
from ctl.language.ruby.to_python import written
from ctl.language.ruby.to_python.state import State, Writer
from ctl.language.ruby.to_python.terms import Kind, Term, at

_TEXTS: Final = ("string", "hash_key_symbol", "simple_symbol")
_LOOPS: Final = {
    "each": (0, "a"),
    "each_with_index": (2, "enumerate(a)"),
    "each_pair": (2, "a.items()"),
    "each_key": (1, "a"),
    "each_value": (1, "a.values()"),
}
"""How many values a block takes (0 for any number), and what Python goes through."""

LISTS: Final = ("map", "collect", "select", "filter", "reject")
"""Methods whose block gives a value, or chooses."""

_INCLUDES: Final = re.compile(
    r"Dir(?:\[|\.glob\().*[\])](?:\.sort)?\.each\s*(?:do|\{)\s*\|(\w+)\|\s*from_file[\s(]*\1\s*\)?\s*(?:end|\})",
    re.DOTALL,
)


def is_loop(node: Node, writer: Writer) -> bool:
    """Whether a call is a loop; one that includes files is a statement without it."""
    method = field(node, "method")
    if field(node, "block") is None or method is None or writer.text(method) not in _LOOPS:
        return False
    return _INCLUDES.fullmatch(writer.text(node)) is None


def included(writer: Writer, node: Node) -> Term | None:
    """The pattern of `Dir['conf.d/*.rb'].sort.each { |file| from_file file }`; None for any other call."""
    if not _INCLUDES.fullmatch(writer.text(node)):
        return None
    files, method = field(node, "receiver"), field(node, "receiver", "method")
    if files is not None and method is not None and writer.text(method) == "sort":
        files = field(files, "receiver")
    given = inside(files, "arguments") or (named(files)[1:] if files is not None else [])
    return writer.term(given[0]) if len(given) == 1 else None


def loop_of(writer: Writer, node: Node) -> tuple[ast.For, dict[str, Kind]]:
    """The for loop, without its body, and its variables in Ruby with their kinds. Raises Fault."""
    method = field(node, "method")
    kinds, target, values = _head(writer, node, writer.text(method) if method is not None else "")
    return at(ast.For(target, values, [], []), Span(node)), kinds


def list_of(writer: Writer, node: Node, name: str) -> Term:
    """`values.map { |one| … }` and the like. Raises Fault."""
    body = field(node, "block", "body")
    kinds, target, values = _head(writer, node, name)
    inner, tests = inside(node, "block", "body"), list[ast.expr]()
    if len(inner) != 1:
        raise Fault("the block must be one expression", Span(node))
    with inside_loop(writer.state, kinds, body):
        if name in ("map", "collect"):
            one = writer.term(inner[0]).node
        else:
            one, test = _target([*kinds], node), writer.condition(inner[0])
            tests = [(writer.state.negated(test) if name == "reject" else test).node]
    return Term(at(ast.ListComp(one, [ast.comprehension(target, values, tests, 0)]), Span(node)), "list")


def _head(writer: Writer, node: Node, method: str) -> tuple[dict[str, Kind], ast.expr, ast.expr]:
    """The variables of a block with their kinds, and as a target of Python, and what is gone through."""
    receiver = need(node, "receiver")
    names, value = _parameters(writer, need(node, "block")), _gone_through(writer, receiver)
    count, pattern = _LOOPS.get(method, (0, "a"))
    if not names or (count and len(names) != count):
        raise Fault("the block takes other values than this gives", Span(node), "Write |name|.")
    if pattern == "a" and len(names) == 2 and value.kind in ("dict", "any"):
        pattern = "a.items()"
    kinds = dict.fromkeys(names, _kind_in(receiver))
    if method == "each_with_index":
        kinds[names[1]] = "int"
        names = names[::-1]
    return kinds, _target(names, node), writer.state.form(pattern, "list", value.node, value).node


def _gone_through(writer: Writer, node: Node) -> Term:
    """What a block goes through; `(1..3)` as range(1, 3 + 1)."""
    found = named(node) if node.type == "parenthesized_statements" else []
    if len(found) != 1 or found[0].type != "range" or len(named(found[0])) != 2:
        return writer.term(node)
    first, last = (writer.term(one) for one in named(found[0]))
    pattern = "range(a, b)" if found[0].children[1].type == "..." else "range(a, b + 1)"
    return writer.state.form(pattern, "list", Span(node), first, last)


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
    nodes: list[ast.expr] = [at(ast.Name(written.name(one), ast.Store()), Span(loop)) for one in names]
    return nodes[0] if len(nodes) == 1 else at(ast.Tuple(nodes, ast.Store()), Span(loop))


def _kind_in(receiver: Node) -> Kind:
    """The kind of all elements of a literal; of a hash, of its keys and its values."""
    if receiver.type == "string_array":
        return "text"
    if receiver.type == "parenthesized_statements" and [one.type for one in named(receiver)] == ["range"]:
        return "int"
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
