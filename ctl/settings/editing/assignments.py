"""Where a settings file gives a setting, and whether that can be seen from its text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ctl.language.failures import target_of
from ctl.settings.editing.naming import Path, canonical
from ctl.settings.options import NAMES, OLD_VHOST, SECTIONS, SETTINGS


@dataclass(frozen=True)
class Assignment:
    """A plain assignment at the top level of the file: `registry["storage"] = …` or `external_url("…")`.

    Args:
        statement: it.
        path: what it gives.
        value: the expression of its value.
    """

    statement: ast.stmt
    path: Path
    value: ast.expr


@dataclass(frozen=True)
class Located:
    """Where an assignment to a setting, or to what it is in, has the setting.

    Args:
        assignment: the assignment.
        value: the setting's value, or None where it is not there.
        holder: the dictionary that the value is in, or would be added to, or None.
        index: which of the holder's items it is, or -1.
        missing: the keys that are not there, from the outside in.
        computed: what is in the way, because it is worked out when the file is read; or None.
    """

    assignment: Assignment
    value: ast.expr | None = None
    holder: ast.Dict | None = None
    index: int = -1
    missing: Path = ()
    computed: ast.expr | None = None


def assignments(tree: ast.Module) -> list[Assignment]:
    """Every plain assignment to a setting, in the order of the file."""
    return [found for statement in tree.body if (found := assignment_of(statement))]


def assignment_of(statement: ast.stmt) -> Assignment | None:
    """The assignment that a statement is, or None."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        path, whole = path_of(statement.targets[0])
        return Assignment(statement, path, statement.value) if whole else None
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in SETTINGS:
        return None
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
        return None
    return Assignment(statement, (call.func.id,), call.args[0])


def path_of(node: ast.expr) -> tuple[Path, bool]:
    """The path of a chain of subscripts, and whether all of it is written out.

    Returns:
        The keys up to the first that is computed, () for what is no setting.
    """
    keys: list[str | None] = []
    while isinstance(node, ast.Subscript):
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        keys.insert(0, key if isinstance(key, str) else None)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in SECTIONS | SETTINGS | {OLD_VHOST}:
        return (), False
    known = keys[: keys.index(None)] if None in keys else keys
    return canonical((node.id, *(key for key in known if key is not None))), None not in keys


def related(one: Path, other: Path) -> bool:
    """Whether giving the one gives the other, or a part of it, a value."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def locate(assignment: Assignment, wanted: Path) -> Located:
    """Follow a setting into the value of what it is in."""
    value, left = assignment.value, wanted[len(assignment.path) :]
    holder: ast.Dict | None = None
    index = -1
    while left:
        if isinstance(value, ast.Constant) and value.value is None:
            return Located(assignment, missing=left)
        if not isinstance(value, ast.Dict) or not _is_plain(value):
            return Located(assignment, computed=value)
        found = [number for number, key in enumerate(value.keys) if _text_of(key) == left[0]]
        if not found:
            return Located(assignment, holder=value, missing=left)
        if len(found) > 1:
            return Located(assignment, computed=value)
        holder, index, value, left = value, found[0], value.values[found[0]], left[1:]
    return Located(assignment, value, holder, index)


def _is_plain(value: ast.Dict) -> bool:
    return all(_text_of(key) is not None for key in value.keys)


def _text_of(key: ast.expr | None) -> str | None:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def ambiguous_place(tree: ast.Module, wanted: Path) -> ast.expr | None:
    """The first place that may give a setting a value in a way that cannot be known without reading the file."""
    plain = {id(_target(assignment.statement)) for assignment in assignments(tree)}
    for node in ast.walk(tree):
        target = target_of(node, NAMES)
        if target is None or id(node) in plain or id(target) in plain:
            continue
        path, _ = path_of(target)
        if path and related(path, wanted):
            return target
    return None


def _target(statement: ast.stmt) -> ast.expr | None:
    if isinstance(statement, ast.Assign):
        return statement.targets[0]
    return statement.value if isinstance(statement, ast.Expr) else None


def parts(tree: ast.Module, wanted: Path) -> Iterator[Assignment]:
    """Assignments to a part of a setting."""
    return (one for one in _related(tree, wanted) if len(one.path) > len(wanted))


def assignments_of(tree: ast.Module, wanted: Path) -> Iterator[Located]:
    """Where the assignments to a setting, or to what it is in, have it."""
    return (locate(one, wanted) for one in _related(tree, wanted) if len(one.path) <= len(wanted))


def _related(tree: ast.Module, wanted: Path) -> Iterator[Assignment]:
    return (one for one in assignments(tree) if related(one.path, wanted))
