"""Failures of what the settings language does not have."""

from __future__ import annotations

import ast

from ctl.settings.language import advice
from ctl.settings.language.faults import Fault, NoValue, computed
from ctl.settings.language.scope import Scope
from ctl.settings.language.subscripts import path_text, root_name


def construct(node: ast.expr | ast.stmt) -> Fault:
    """The failure of a construct that the settings language does not have."""
    name, hint = advice.of_node(node) or ("this construct", "")
    return Fault(f"{name} is not part of the settings language", node, hint)


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
    hint = advice.of_name(root) if root else ""
    hint = (
        hint or 'Methods are called: name.upper(); a dictionary\'s values are taken out with values["key"].'
    )
    return Fault("attributes are not part of the settings language", node, hint)
