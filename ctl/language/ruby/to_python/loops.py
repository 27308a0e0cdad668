"""Blocks of Ruby: `each` as a for loop, `map` and `select` as a list that is made in one line."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import grammar, ruby_advice
from ctl.language.ruby.grammar import Span, field, named
from ctl.language.ruby.targets_of import INCLUDE
from ctl.language.ruby.to_python import python_text
from ctl.language.ruby.to_python.state import State, Writer
from ctl.language.ruby.to_python.terms import ANY, ATOM, INT, LIST, MAP, WORD, Term

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node

_LISTS: Final = {"map": "", "collect": "", "select": "{}", "filter": "{}", "reject": "not {}"}
"""Methods whose block gives a value; for those that choose, the condition."""

_LITERALS: Final = {"string": WORD, "hash_key_symbol": WORD, "simple_symbol": WORD, "integer": INT}
_LOOPS: Final = ("each", "each_pair", "each_with_index", "times", "each_key", "each_value")


@dataclass(frozen=True)
class Loop:
    """The head of a for loop.

    Args:
        names: the loop variables in Ruby, with their kinds.
        head: `for …:` of Python, without the last sign.
        body: what is done for each.
    """

    names: dict[str, str]
    head: str
    body: Node | None


def is_loop(node: Node, writer: Writer) -> bool:
    """Whether a call is a loop with a block that is read; one that includes files is a statement without it."""
    method, block = node.child_by_field_name("method"), node.child_by_field_name("block")
    if block is None or method is None or writer.text(method) not in _LOOPS:
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
    receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
    block = node.child_by_field_name("block")
    if receiver is None or method is None or block is None:
        raise Fault("a block is not read here", Span(node))
    name, names = writer.text(method), _parameters(writer, block)
    value = _gone_through(writer, receiver)
    if name == "times":
        head = f"for {_joined(names or ['_'], 1, method)} in range({value.text})"
    elif name == "each_with_index":
        head = f"for {_joined(names[::-1], 2, method)} in enumerate({value.text})"
    elif name == "each_key":
        head = f"for {_joined(names, 1, method)} in {value.at(1)}"
    elif name == "each_value":
        head = f"for {_joined(names, 1, method)} in {value.at(ATOM)}.values()"
    elif len(names) == 2 and (value.kind in (MAP, ANY) or name == "each_pair"):
        head = f"for {_joined(names, 2, method)} in {value.at(ATOM)}.items()"
    else:
        head = f"for {_joined(names, len(names), method)} in {value.at(1)}"
    return Loop(_kinds(names, name, receiver), head, block.child_by_field_name("body"))


def _kinds(names: list[str], method: str, receiver: Node) -> dict[str, str]:
    """The kinds of loop variables, as far as what is gone through is written out."""
    if method == "times":
        return dict.fromkeys(names, INT)
    kinds = [_kind_in(receiver)] * len(names)
    if method == "each_with_index":
        kinds[1:] = [INT]
    return dict(zip(names, kinds, strict=True))


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
    exclusive = inside[0].children[1].type == "..."
    after = (
        last.at(9) if exclusive else str(int(last.text) + 1) if last.text.isdigit() else f"{last.at(9)} + 1"
    )
    return Term(f"range({first.text}, {after})", ATOM, LIST)


def _joined(names: list[str], count: int, method: Node) -> str:
    if not names or len(names) != count:
        raise Fault("the block takes other values than this gives", Span(method))
    return ", ".join(python_text.name(one) for one in names)


def _parameters(writer: Writer, block: Node) -> list[str]:
    found = grammar.inside(block, "parameters")
    for one in found:
        if one.type != "identifier":
            raise Fault("the values of a block are plain names here", Span(one), "Write |name|.")
        if writer.text(one) in writer.state.kinds:
            raise Fault(
                f"{writer.text(one)} is a variable already", Span(one), "Use another name in the block."
            )
    return [writer.text(one) for one in found]


@contextmanager
def inside(state: State, names: Mapping[str, str], body: Node | None) -> Iterator[None]:
    """The inside of a block: its variables are its own, and what it changes may have any value from the start."""
    for one in state.walk(body) if body is not None else ():
        left = one.child_by_field_name("left") if one.type in ("assignment", "operator_assignment") else None
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
    source = f"{value.at(ATOM)}.items()" if len(names) == 2 and value.kind in (MAP, ANY) else value.at(1)
    with inside(writer.state, _kinds(names, name, receiver), body):
        variables = _joined(names, len(names), method)
        if _LISTS[name] == "":
            return Term(f"[{writer.term(inner[0]).at(1)} for {variables} in {source}]", ATOM, LIST)
        test = writer.condition(inner[0])
    condition = test.at(1) if name != "reject" else test.negated().at(1)
    return Term(f"[{variables} for {variables} in {source} if {condition}]", ATOM, LIST)
