"""Whose settings a statement gives values to: ours, or other components'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctl.language.limits import MAX_NESTING
from ctl.language.ruby.targets_of import INCLUDE, changed, path_of
from ctl.language.ruby.to_python.state import State

if TYPE_CHECKING:
    from tree_sitter import Node

_MODIFIERS: Final = ("if_modifier", "unless_modifier")


def is_foreign(state: State, node: Node) -> bool:
    """Whether a statement is about another component's setting, or all that it gives values to are of others."""
    return _is_about_one(state, node) or _gives_only_such(state, node)


def _is_about_one(state: State, node: Node) -> bool:
    while node.type in _MODIFIERS and (body := node.child_by_field_name("body")):
        node = body
    target = changed(node, state.program.text)
    if target is None and node.type == "call":
        target = node.child_by_field_name("receiver")
    if target is None and node.type == "identifier":
        target = node
    return target is not None and _is_of_another(state, *path_of(target, state.program.text))


def _gives_only_such(state: State, node: Node) -> bool:
    found = False
    for one in state.walk(node):
        target = changed(one, state.program.text)
        root, keys = path_of(target, state.program.text) if target is not None else ("", [])
        if not root or root in state.kinds:
            continue
        is_of_another = _is_of_another(state, root, keys)
        if root == INCLUDE or (state.is_setting(root) and not is_of_another):
            return False
        found |= is_of_another
    return found


def _is_of_another(state: State, root: str, keys: list[str]) -> bool:
    if not root or root in state.kinds:
        return False
    return state.names.is_foreign(root, keys[:MAX_NESTING])
