"""Blocks of Ruby: `each` as a for loop, `map` and `select` as a list that is made in one line."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ctl.settings.language.faults import Fault
from ctl.settings.ruby import advice
from ctl.settings.ruby.grammar import Span, named
from ctl.settings.ruby.to_python import python_text
from ctl.settings.ruby.to_python.state import State, Writer
from ctl.settings.ruby.to_python.terms import ANY, ATOM, LIST, MAP, Term

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

_LISTS: Final = {"map": "", "collect": "", "select": "{}", "filter": "{}", "reject": "not {}"}
"""Methods whose block gives a value; for those that choose, the condition."""

_LOOPS: Final = ("each", "each_pair", "each_with_index", "times", "each_key", "each_value")


@dataclass(frozen=True)
class Loop:
    """The head of a for loop.

    Args:
        names: the loop variables in Ruby.
        head: `for …:` of Python, without the last sign.
        body: what is done for each.
    """

    names: list[str]
    head: str
    body: Node | None


def is_loop(node: Node, writer: Writer) -> bool:
    """Whether a call is a loop with a block that is read."""
    method, block = node.child_by_field_name("method"), node.child_by_field_name("block")
    return block is not None and method is not None and writer.text(method) in _LOOPS


def loop_of(writer: Writer, node: Node) -> Loop:
    """The for loop of `values.each do |one|`. Raises Fault where it is none in Python."""
    receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
    block = node.child_by_field_name("block")
    if receiver is None or method is None or block is None:
        raise Fault("a block is not read here", Span(node))
    name, names = writer.text(method), _parameters(writer, block)
    value = writer.term(receiver)
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
    return Loop(names, head, block.child_by_field_name("body"))


def _joined(names: list[str], count: int, method: Node) -> str:
    if not names or len(names) != count:
        raise Fault("the block takes other values than this gives", Span(method))
    return ", ".join(python_text.name(one) for one in names)


def _parameters(writer: Writer, block: Node) -> list[str]:
    listed = block.child_by_field_name("parameters")
    found = named(listed) if listed is not None else []
    for one in found:
        if one.type != "identifier":
            raise Fault("the values of a block are plain names here", Span(one), "Write |name|.")
        if writer.text(one) in writer.state.kinds:
            raise Fault(
                f"{writer.text(one)} is a variable already", Span(one), "Use another name in the block."
            )
    return [writer.text(one) for one in found]


@contextmanager
def inside(state: State, names: list[str], body: Node | None) -> Iterator[None]:
    """The inside of a block: its variables are its own, and what it changes may have any value from the start."""
    for one in state.walk(body) if body is not None else ():
        left = one.child_by_field_name("left") if one.type in ("assignment", "operator_assignment") else None
        if left is not None:
            _forget(state, left)
    before = set(state.kinds)
    state.kinds.update(dict.fromkeys(names, ANY))
    outer, state.conditional = state.conditional, True
    try:
        yield
    finally:
        state.conditional = outer
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
    block = node.child_by_field_name("block")
    method = node.child_by_field_name("method") or node
    body = block.child_by_field_name("body") if block is not None else None
    inner = [one for one in named(body) if one.type != "empty_statement"] if body is not None else []
    if name not in _LISTS or block is None or len(inner) != 1:
        hint = advice.of_method(name) or "Write the value out."
        raise Fault(f"`{name}` with a block is not read in a gitlab.rb", Span(method), hint)
    value, names = writer.term(receiver), _parameters(writer, block)
    source = f"{value.at(ATOM)}.items()" if len(names) == 2 and value.kind in (MAP, ANY) else value.at(1)
    with inside(writer.state, names, body):
        variables = _joined(names, len(names), method)
        if _LISTS[name] == "":
            return Term(f"[{writer.term(inner[0]).at(1)} for {variables} in {source}]", ATOM, LIST)
        test = writer.condition(inner[0])
    condition = test.at(1) if name != "reject" else test.negated().at(1)
    return Term(f"[{variables} for {variables} in {source} if {condition}]", ATOM, LIST)
