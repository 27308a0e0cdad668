"""Failures of what the settings language does not have."""

from __future__ import annotations

import ast
from collections.abc import Container

from ctl.language import advice
from ctl.language.faults import Fault, NoValue, computed
from ctl.language.scope import Scope
from ctl.language.setting_names import path_text, root_name


class Unreadable(ast.stmt):
    """In the place of a statement of another language that has no Python form.

    Args:
        faults: why.
        own: those of the faults that follow from no other such statement.
        about: the names that the statement reads, and what it would give values to.
        names: the variables among the latter.
        lines: it as a comment; the first line is to say why.
    """

    _fields = ("about",)

    def __init__(
        self,
        faults: list[Fault],
        own: list[Fault],
        about: list[ast.expr],
        names: frozenset[str],
        lines: list[str],
    ) -> None:
        super().__init__(about=about)  # type: ignore[call-arg]
        self.about = about
        self.faults, self.own, self.names, self.lines = faults, own, names, lines


def constructs(node: ast.AST) -> list[Fault]:
    """The failures of a node by itself: see construct()."""
    fault = construct(node)
    return node.own if isinstance(node, Unreadable) else [fault] if fault else []


def construct(node: ast.AST) -> Fault | None:
    """The failure of a construct that the settings language does not have; None for one that it has.

    Args:
        node: any node of the syntax tree. Whether a starred expression or a slice is at its place is not looked at.
    """
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.keyword):
        return of_keyword(node, ())
    if isinstance(node, ast.comprehension):
        fault = Fault("async is not part of the settings language", node.target, "Leave it out.")
        return fault if node.is_async else None
    if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name | ast.Attribute):
        return Fault("only functions and methods can be called, by their names", node.func)
    if isinstance(node, ast.Starred | ast.Slice):
        return None if isinstance(node, ast.Slice) or isinstance(node.ctx, ast.Load) else star(node)
    if isinstance(node, ast.AnnAssign):
        written = f"Write {path_text(node.target)} = …"
        return Fault('a setting is given its value with "=", not ":"', node, written)
    found = advice.NODES.get(type(node).__name__)
    if found is None or not isinstance(node, ast.expr | ast.stmt):
        return None
    return Fault(f"{found[0]} is not part of the settings language", node, found[1])


def misplaced(node: ast.expr) -> Fault:
    """The failure of an expression that cannot be evaluated where it is."""
    name, hint = advice.NODES.get(type(node).__name__) or ("this", "")
    return Fault(f"{name} is not part of the settings language", node, hint)


def star(node: ast.Starred) -> Fault:
    """The failure of a star to the left of "="."""
    hint = "Take the parts out with slices: first = values[0], others = values[1:]."
    return Fault("a star in an assignment is not part of the settings language", node, hint)


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
        return Fault('bytes (b"…") are not part of the settings language', node, "Use a string.")
    if isinstance(value, complex):
        return Fault("imaginary numbers are not part of the settings language", node)
    return Fault("... is not part of the settings language", node, "Write the value, or None.")
