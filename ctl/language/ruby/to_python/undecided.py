"""Variables that only some branches give a value: Ruby knows them in the others too, with nil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctl.language.ruby.grammar import named
from ctl.language.ruby.to_python import python_text
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.terms import NIL

if TYPE_CHECKING:
    from tree_sitter import Node

_CHOICES: Final = ("if", "unless", "case", "if_modifier", "unless_modifier")


def before(state: State, node: Node) -> list[str]:
    """The lines before a statement that give such variables None.

    Args:
        state: what is known of the file; it learns the variables.
        node: any statement.
    """
    if node.type not in _CHOICES or state.chosen:
        return []
    found: dict[str, None] = {}
    for one in state.walk(node):
        left = one.child_by_field_name("left") if one.type == "assignment" else None
        if left is not None and left.type in ("identifier", "constant"):
            found[state.program.text(left)] = None
    known = state.kinds.keys() | state.lost.keys()
    new = [name for name in found if name not in known and not _in_every_branch(state, node, name)]
    new = [name for name in new if not state.is_setting(name)]
    state.kinds.update(dict.fromkeys(new, NIL))
    return [f"{python_text.name(name)} = None" for name in new]


def _in_every_branch(state: State, node: Node, name: str) -> bool:
    while node.type in ("if", "unless", "elsif"):
        branch, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        if branch is None or other is None or not _gives(state, branch, name):
            return False
        if other.type != "elsif":
            return _gives(state, other, name)
        node = other
    return False


def _gives(state: State, branch: Node, name: str) -> bool:
    lefts = (one.child_by_field_name("left") for one in named(branch) if one.type == "assignment")
    return any(left is not None and state.program.text(left) == name for left in lefts)
