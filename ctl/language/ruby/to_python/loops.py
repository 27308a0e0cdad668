"""Blocks of Ruby: `each` as a for loop, `map` and `select` as a list that is made in one line."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.functions import INCLUDE
from ctl.language.ruby import grammar, ruby_advice
from ctl.language.ruby.grammar import Span, field, named
from ctl.language.ruby.program import ASSIGNMENTS
from ctl.language.ruby.to_python import written
from ctl.language.ruby.to_python.state import State, Writer
from ctl.language.ruby.to_python.terms import ANY, INT, LIST, MAP, WORD, Term, at

if TYPE_CHECKING:
    from tree_sitter import Node

_LISTS: Final = ("map", "collect", "select", "filter", "reject")
"""Methods whose block gives a value, or chooses."""

_LITERALS: Final = {"string": WORD, "hash_key_symbol": WORD, "simple_symbol": WORD, "integer": INT}
_LOOPS: Final = {
    "times": (1, "range(a)"),
    "each_with_index": (2, "enumerate(a)"),
    "each_key": (1, "a"),
    "each_value": (1, "a.values()"),
    "each_pair": (2, "a.items()"),
    "each": (0, "a"),
}
"""How many values a block takes (0 for any number), and what Python goes through."""


@dataclass(frozen=True)
class Loop:
    """The head of a for loop.

    Args:
        names: the loop variables in Ruby, with their kinds.
        target: the loop variables in Python.
        values: what is gone through.
        body: what is done for each.
    """

    names: dict[str, str]
    target: ast.expr
    values: ast.expr
    body: Node | None


def is_loop(node: Node, writer: Writer) -> bool:
    """Whether a call is a loop with a block that is read; one that includes files is a statement without it."""
    method = field(node, "method")
    if field(node, "block") is None or method is None or writer.text(method) not in _LOOPS:
        return False
    return _files(node, writer) is None


def pattern_of_includes(writer: Writer, node: Node) -> Term | None:
    """The pattern of `Dir['conf.d/*.rb'].each { |file| from_file file }`; None for any other call. Raises Fault."""
    files, block = _files(node, writer), field(node, "block")
    inner = grammar.inside(block, "body")
    if files is None or block is None or len(inner) != 1:
        return None
    method, given = field(inner[0], "method"), grammar.inside(inner[0], "arguments")
    if method is None or writer.text(method) != INCLUDE:
        return None
    if [writer.text(one) for one in given] != _parameters(writer, block):
        return None
    return writer.term(files)


def _files(node: Node, writer: Writer) -> Node | None:
    """The pattern of `Dir['…']` or `Dir.glob('…')`, sorted or not, that a call goes through."""
    receiver, method = field(node, "receiver"), field(node, "receiver", "method")
    if method is not None and writer.text(method) == "sort":
        receiver = field(receiver, "receiver")
    if receiver is None or writer.text(receiver)[:4] not in ("Dir[", "Dir."):
        return None
    if receiver.type == "element_reference":
        return named(receiver)[1] if len(named(receiver)) == 2 else None
    method, given = field(receiver, "method"), grammar.inside(receiver, "arguments")
    if method is None or writer.text(method) != "glob" or len(given) != 1:
        return None
    return given[0]


def loop_of(writer: Writer, node: Node) -> Loop:
    """The for loop of `values.each do |one|`. Raises Fault where it is none in Python."""
    receiver, method, block = (field(node, name) for name in ("receiver", "method", "block"))
    if receiver is None or method is None or block is None:
        raise Fault("a block is not read here", Span(node))
    name, names = writer.text(method), _parameters(writer, block)
    value = _gone_through(writer, receiver)
    if name == "each" and len(names) == 2 and value.kind in (MAP, ANY):
        name = "each_pair"
    count, pattern = _LOOPS[name]
    kinds = _kinds(names, name, receiver)
    if name == "times":
        names = names or ["_"]
    elif name == "each_with_index":
        names = names[::-1]
    target = _target(names, count or len(names), method, Span(node))
    return Loop(kinds, target, writer.state.form(pattern, LIST, value.node, value).node, field(block, "body"))


def _kinds(names: list[str], method: str, receiver: Node) -> dict[str, str]:
    """The kinds of loop variables, as far as what is gone through is written out."""
    if method == "times":
        return dict.fromkeys(names, INT)
    kinds = [_kind_in(receiver)] * len(names)
    if method == "each_with_index":
        kinds[1:] = [INT]
    return dict(zip(names, kinds, strict=False))


def _kind_in(receiver: Node) -> str:
    """The kind of all elements of a literal; of a hash, of its keys and its values."""
    inside = named(receiver)
    if receiver.type == "string_array":
        return WORD
    if receiver.type == "parenthesized_statements" and inside and inside[0].type == "range":
        return INT
    parts = [part for one in inside for part in (named(one) if one.type == "pair" else [one])]
    found = {_LITERALS.get(part.type, ANY) for part in parts}
    return found.pop() if len(found) == 1 and receiver.type in ("array", "hash") else ANY


def _gone_through(writer: Writer, node: Node) -> Term:
    """What a block goes through; `(1..3)` as range(1, 4)."""
    inside = named(node) if node.type == "parenthesized_statements" else []
    if len(inside) != 1 or inside[0].type != "range" or len(named(inside[0])) != 2:
        return writer.term(node)
    first, last = (writer.term(one) for one in named(inside[0]))
    place = Span(node)
    if inside[0].children[1].type == "...":
        after = last
    elif isinstance(last.literal, int):
        after = writer.state.constant(last.literal + 1, INT, place)
    else:
        after = writer.state.form("a + 1", INT, place, last)
    return writer.state.form("range(a, b)", LIST, place, first, after)


def _target(names: list[str], count: int, method: Node, place: Span) -> ast.expr:
    if not names or len(names) != count:
        raise Fault("the block takes other values than this gives", Span(method))
    nodes: list[ast.expr] = [at(ast.Name(written.name(one), ast.Store()), place) for one in names]
    return nodes[0] if count == 1 else at(ast.Tuple(nodes, ast.Store()), place)


def _parameters(writer: Writer, block: Node) -> list[str]:
    found = grammar.inside(block, "parameters")
    for one in found:
        if one.type != "identifier":
            raise Fault("the values of a block are plain names here", Span(one), "Write |name|.")
        if writer.text(one) in writer.state.kinds:
            message = f"{writer.text(one)} is a variable already"
            raise Fault(message, Span(one), "Use another name in the block.")
    return [writer.text(one) for one in found]


@contextmanager
def inside(state: State, names: Mapping[str, str], body: Node | None) -> Iterator[None]:
    """The inside of a block: its variables are its own, and what it changes may have any value from the start."""
    for one in state.walk(body) if body is not None else ():
        left = field(one, "left") if one.type in ASSIGNMENTS else None
        if left is not None:
            _forget(state, left)
    before = set(state.kinds)
    state.kinds.update(names)
    try:
        with state.on_condition(chosen=False):
            yield
    finally:
        for name in state.kinds.keys() - before:
            del state.kinds[name]


def _forget(state: State, left: Node) -> None:
    path = state.path(left)
    if path[0] in state.kinds:
        state.kinds[path[0]] = ANY
    if path in state.paths:
        state.paths[path] = ANY
    state.mentioned.add(path)


def each_of(writer: Writer, node: Node, receiver: Node, name: str) -> Term:
    """`values.map { |one| … }` and the like. Raises Fault for what has no value in Python."""
    block, body = field(node, "block"), field(node, "block", "body")
    method, inner = field(node, "method") or node, grammar.inside(block, "body")
    if name not in _LISTS or block is None or len(inner) != 1:
        hint = ruby_advice.METHODS.get(name) or "Write the value out."
        raise Fault(f"`{name}` with a block is not read in a gitlab.rb", Span(method), hint)
    value, names = _gone_through(writer, receiver), _parameters(writer, block)
    if len(names) == 2 and value.kind in (MAP, ANY):
        value = writer.state.form("a.items()", LIST, Span(node), value)
    target, tests = _target(names, len(names), method, Span(node)), list[ast.expr]()
    with inside(writer.state, _kinds(names, name, receiver), body):
        if name in ("map", "collect"):
            one = writer.term(inner[0]).node
        else:
            one, test = _target(names, len(names), method, Span(node)), writer.condition(inner[0])
            tests = [(writer.state.negated(test) if name == "reject" else test).node]
    return Term(at(ast.ListComp(one, [ast.comprehension(target, value.node, tests, 0)]), Span(node)), LIST)
