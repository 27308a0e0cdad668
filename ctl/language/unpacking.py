"""Giving the values of a list to several names at once, and names to loop variables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from ctl.language import advice, functions, refusals
from ctl.language.faults import Fault
from ctl.language.guard import elements
from ctl.language.scope import NOT_NAMES, Scope

Assign = Callable[[ast.expr, object], None]


def names_in(target: ast.expr) -> Iterator[str]:
    """The names of variables that a target gives values to."""
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def bind(scope: Scope, target: ast.expr, value: object) -> None:
    """Gives a value to a loop variable, or to several.

    Raises:
        Fault: the target is no variable, or the number of values is not that of the names.
    """
    if isinstance(target, ast.Name):
        check_variable(target)
        if target.id in scope.names.sections or target.id in scope.names.settings:
            raise Fault(
                f"{target.id} is a setting and cannot be a loop variable", target, "Use another name."
            )
        scope.variables[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        unpack(scope, target, value, lambda part, given: bind(scope, part, given))
    else:
        raise Fault("a loop variable is a plain name", target)


def unpack(scope: Scope, target: ast.Tuple | ast.List, value: object, assign: Assign) -> None:
    """Gives each part of a target its value.

    Args:
        scope: pays for the steps.
        target: the parts.
        value: what is unpacked.
        assign: gives one part its value.

    Raises:
        Fault: the number of values is not that of the parts, or a part has a star.
    """
    star = next((part for part in target.elts if isinstance(part, ast.Starred)), None)
    if star is not None:
        raise refusals.star(star)
    values = elements(value, scope.budget, target)
    if len(values) != len(target.elts):
        raise Fault(f"{len(values)} values are given to {len(target.elts)} names", target)
    for part, given in zip(target.elts, values, strict=True):
        assign(part, given)


def check_variable(node: ast.Name) -> None:
    """Raises Fault for names that cannot be variables."""
    name = node.id
    if name in functions.RESERVED:
        raise Fault(
            f"{name} is a function of the settings language, not a variable", node, "Use another name."
        )
    if name in NOT_NAMES:
        raise Fault(f"{name} is not a name for a variable", node, advice.NAMES[name])
    if name.startswith("__"):
        raise Fault("names that begin with two underscores are not part of the settings language", node)
