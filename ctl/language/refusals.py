"""Failures of what the settings language does not have."""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Mapping
from typing import Any, Final

from ctl.language import advice
from ctl.language.faults import Fault, NoValue, computed
from ctl.language.scope import Scope
from ctl.language.setting_names import path_text, root_name

_ABSENT: Final = " is not part of the settings language"


class Unreadable(ast.stmt):
    """In the place of a statement of another language that has no Python form.

    Attributes:
        faults: why.
        own: those of the faults that follow from no other such statement.
        about: the names that the statement reads, and what it would give values to.
        names: the variables among the latter.
        lines: it as a comment; the first line is to say why.
    """

    _fields = ("about",)
    faults: list[Fault]
    own: list[Fault]
    about: list[ast.expr]
    names: frozenset[str]
    lines: list[str]


def faults_of(node: ast.AST) -> list[Fault]:
    """Why the settings language does not have a node by itself; nothing for one that it has.

    Args:
        node: any node of the syntax tree. Whether a starred expression or a slice is at its place is not looked at.
    """
    if isinstance(node, Unreadable):
        return node.own
    special = _SPECIAL.get(type(node))
    fault = special(node) if special else _absent(node, *advice.NODES.get(type(node).__name__, ("", "")))
    return [fault] if fault else []


def misplaced(node: ast.expr | ast.stmt) -> Fault:
    """The failure of a node that cannot be evaluated or carried out where it is."""
    found = faults_of(node)
    name, hint = advice.NODES.get(type(node).__name__, ("this", ""))
    return found[0] if found else Fault(f"{name}{_ABSENT}", node, hint)


def _absent(node: Any, name: str, hint: str = "") -> Fault | None:  # noqa: ANN401 - a node with a place
    return Fault(f"{name}{_ABSENT}", node, hint) if name else None


def star(node: ast.Starred) -> Fault:
    """The failure of a star to the left of "="."""
    hint = "Take the parts out with slices: first = values[0], others = values[1:]."
    return Fault(f"a star in an assignment{_ABSENT}", node, hint)


def of_keyword(node: ast.keyword, before: Container[str]) -> Fault | None:
    """The failure of an argument by name; None if nothing is wrong with it.

    Args:
        node: the argument.
        before: the names of the arguments before it.
    """
    if node.arg is None:
        hint = "Write the arguments out, or put dictionaries together: {**first, **second}."
        return Fault("** in a call is not part of the settings language", node, hint)
    if node.arg in before:
        return Fault(f"{node.arg} is given twice in one call", node, "Take one of them away.")
    return None


def attribute(node: ast.Attribute, scope: Scope) -> NoValue:
    """The failure of an attribute that is not called as a method."""
    root = root_name(node.value)
    if root:
        computed(scope.variables.get(root))
    if node.attr.startswith("__"):
        return Fault("names that begin with two underscores are not part of the settings language", node)
    if root and root not in scope.variables and scope.is_setting(root):
        written = f'{path_text(node.value)}["{node.attr}"]'
        return Fault("settings are written with square brackets", node, f"Write {written}.")
    hint = advice.NAMES.get(root or "")
    hint = (
        hint or 'Methods are called: name.upper(); a dictionary\'s values are taken out with values["key"].'
    )
    return Fault("attributes are not part of the settings language", node, hint)


def _constant(node: ast.Constant) -> Fault | None:
    value = node.value
    if value is None or isinstance(value, str | int | float):
        return None
    if isinstance(value, bytes):
        return _absent(node, 'a text of bytes (b"…")', "Use a string.")
    if isinstance(value, complex):
        return _absent(node, "an imaginary number")
    return _absent(node, "...", "Write the value, or None.")


def _called(node: ast.Call) -> Fault | None:
    """What is called, if it is neither a function nor a method."""
    if isinstance(node.func, ast.Name | ast.Attribute):
        return None
    return Fault("only functions and methods can be called, by their names", node.func)


def _annotated(node: ast.AnnAssign) -> Fault:
    return Fault(
        'a setting is given its value with "=", not ":"', node, f"Write {path_text(node.target)} = …"
    )


_SPECIAL: Final[Mapping[type[ast.AST], Callable[[Any], Fault | None]]] = {
    ast.Constant: _constant,
    ast.keyword: lambda node: of_keyword(node, ()),
    ast.comprehension: lambda node: _absent(node.target, "async" if node.is_async else "", "Leave it out."),
    ast.Call: _called,
    ast.Starred: lambda node: None if isinstance(node.ctx, ast.Load) else star(node),
    ast.Slice: lambda _: None,
    ast.AnnAssign: _annotated,
}
"""Nodes of which the language has some."""
