"""Statements that have no Python form, and what they are about."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.functions import INCLUDE
from ctl.language.limits import MAX_NESTING
from ctl.language.refusals import Unreadable
from ctl.language.ruby.grammar import Span, field, named
from ctl.language.ruby.program import changed, names_read, path_of
from ctl.language.ruby.to_python import written
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.terms import at

MODIFIERS = ("if_modifier", "unless_modifier")


def lost_statement(
    state: State, node: Node, faults: list[Fault], own: list[Fault], lines: list[str]
) -> Unreadable:
    """What is in the place of a statement without a Python form.

    Args:
        state: what is known of the file.
        node: the statement.
        faults: why it has none.
        own: those that do not follow from other such statements.
        lines: it as a comment.
    """
    made = at(Unreadable(about=list(_about(state, node))), Span(node))  # type: ignore[call-arg]
    made.faults, made.own, made.lines = faults, own, lines
    stored = (one.id for one in made.about if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
    made.names = frozenset(name for name in stored if not state.is_setting(name))
    return made


def _about(state: State, node: Node) -> Iterator[ast.expr]:
    """The names that a statement reads, and what it gives values to, as far as that is written out."""
    text = state.program.text
    if node.type == "method":
        name = field(node, "name")
        yield from [_target_of((text(name),), name)] if name is not None else []
        return
    for read in dict.fromkeys(names_read(node, text)):
        yield at(ast.Name(written.name(read), ast.Load()), Span(node))
    while node.type in MODIFIERS and (body := field(node, "body")) is not None:
        node = body
    foreign = field(node, "receiver") if node.type == "call" else node
    targets = [changed(one, text) for one in state.walk(node)]
    if foreign is not None and state.names.foreign(path_of(foreign, text)[0]):
        targets.append(foreign)
    paths = {state.path(target)[: MAX_NESTING + 1]: target for target in targets[::-1] if target is not None}
    for path, target in paths.items():
        if path[0] and (state.is_setting(path[0]) or _is_variable(target, state)):
            yield _target_of(path, target)


def _is_variable(target: Node, state: State) -> bool:
    """Whether a target is a variable or a function: not what is called as one, or has keys and is not known."""
    text = state.program.text
    if target.type not in ("identifier", "constant"):
        return path_of(target, text)[0] in state.kinds
    parent = target.parent
    return parent is not None and (parent.type != "call" or text(target) in (INCLUDE, *state.kinds))


def _target_of(path: tuple[str, ...], node: Node) -> ast.expr:
    """A target of Python for a path of names and keys, at the place of its last key."""
    place = Span(named(node)[-1] if node.type == "element_reference" else node)
    name = INCLUDE if path[0] == INCLUDE else written.name(path[0])
    made: ast.Name | ast.Subscript = at(ast.Name(name, ast.Load()), place)
    for key in path[1:]:
        made = at(ast.Subscript(made, at(ast.Constant(key), place), ast.Load()), place)
    made.ctx = ast.Store()
    return made
