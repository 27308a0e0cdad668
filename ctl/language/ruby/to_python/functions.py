"""Small functions of a gitlab.rb, of one expression each: they are written out where they are called.

def secret(name) = File.read("/run/secrets/#{name}").strip
is_on = ->(name) { ENV.fetch(name, '') == 'true' }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, field, inside, statements_in
from ctl.language.ruby.to_python.state import Function, State, Writer
from ctl.language.ruby.to_python.terms import Term

if TYPE_CHECKING:
    from tree_sitter import Node

_LAMBDAS: Final = ("lambda", "proc")
CALLS: Final = ("call", "yield", "===")
"""Methods that call a lambda."""

_COST: Final = 20
"""Steps that a call costs: its expression is translated once more."""


def defined_by(node: Node, state: State) -> tuple[str, Function] | None:
    """The name and the function that a statement defines; None for any other statement, or a larger function."""
    name, function = field(node, "name"), node if node.type == "method" else None
    if node.type == "assignment" and (right := field(node, "right")) is not None:
        name, function = field(node, "left"), _lambda(right, state)
    if (
        name is None
        or function is None
        or name.type != "identifier"
        or state.is_setting(state.program.text(name))
    ):
        return None
    found = _function(function, state)
    return (state.program.text(name), found) if found is not None else None


def _lambda(node: Node, state: State) -> Node | None:
    if node.type == "lambda":
        return node
    method = field(node, "method") if node.type == "call" else None
    is_lambda = method is not None and state.program.text(method) in _LAMBDAS
    return field(node, "block") if is_lambda else None


def _function(node: Node, state: State) -> Function | None:
    body = field(node, "body")
    while body is not None and body.type in ("block", "do_block", "block_body", "body_statement", "return"):
        inner = statements_in(body)
        if body.type == "return" and inner:
            inner = statements_in(inner[0])
        if body.type in ("block", "do_block"):
            inner = [one for one in inner if one.type in ("block_body", "body_statement")]
        body = inner[0] if len(inner) == 1 else None
    parameters: dict[str, Node | None] = {}
    for one in inside(node, "parameters"):
        name = one if one.type == "identifier" else field(one, "name")
        if one.type not in ("identifier", "optional_parameter") or name is None:
            return None
        parameters[state.program.text(name)] = field(one, "value")
    return Function(parameters, body) if body is not None else None


def called(writer: Writer, name: str, given: list[Term], node: Node) -> Term:
    """What a call of a function comes to: its expression, with what it is called with in it.

    Args:
        writer: writes the expression.
        name: the function, which is known.
        given: what it is called with.
        node: the call.

    Raises:
        Fault: the call does not fit, or the function calls itself.
        LimitReached: functions that call each other come to very much.
    """
    state, function = writer.state, writer.state.functions[name]
    state.budget.spend(_COST)
    if name in state.calling:
        raise Fault(f"{name} calls itself", Span(node), "Write the value itself.")
    values = dict(zip(function.parameters, given, strict=False))
    for parameter, default in list(function.parameters.items())[len(given) :]:
        if default is None:
            raise Fault(f"{name} is called with too few values", Span(node))
        values[parameter] = writer.term(default)
    if len(given) > len(function.parameters):
        raise Fault(f"{name} is called with too many values", Span(node))
    outer, state.parameters = state.parameters, values
    state.calling.add(name)
    try:
        return writer.term(function.body)
    finally:
        state.parameters = outer
        state.calling.discard(name)
