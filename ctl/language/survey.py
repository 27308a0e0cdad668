"""One look at all statements of a file before any is carried out: what is not in the language, and the names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ctl.language import refusals
from ctl.language.faults import LimitReached
from ctl.language.scope import Scope
from ctl.language.setting_names import names_read

_ABOUT_PLACES = frozenset({"ctx", "op", "ops", "attr", "id", "arg", "kind", "conversion", "type_comment"})
"""Fields of nodes without expressions in them."""

_CHILDREN: dict[type[ast.AST], tuple[str, ...]] = {}
"""The fields of each kind of node that have expressions in them, filled in as they are met."""

_FINE = frozenset({
    ast.Assign, ast.Attribute, ast.AugAssign, ast.BinOp, ast.Dict, ast.Expr, ast.FormattedValue, ast.List,
    ast.Subscript, ast.Tuple,
})  # fmt: skip
"""Nodes that are in the language wherever they are."""

_PLAIN = (str, int, bool, float, type(None))


def survey(statements: list[ast.stmt], scope: Scope) -> None:
    """Report what is not in the language, also where nothing will be carried out, and note all names.

    Args:
        statements: those of one file.
        scope: takes the errors, the variables that are assigned and the names that are read.

    Raises:
        LimitReached: there are too many errors.
    """
    waiting, outer = statements[::-1], scope.statement
    try:
        while waiting:
            statement = waiting.pop()
            scope.statement = statement
            if isinstance(statement, ast.If | ast.For):
                waiting += [*statement.body, *statement.orelse][::-1]
            _look(_own_parts(statement), scope)
            _note_assigned(statement, scope)
    except LimitReached as limit:
        limit.location = limit.location or scope.source.location(statement)
        raise
    finally:
        scope.statement = outer


def _own_parts(statement: ast.stmt) -> list[ast.AST]:
    """A statement without those in it."""
    if isinstance(statement, ast.If):
        return [statement.test]
    return [statement.target, statement.iter] if isinstance(statement, ast.For) else [statement]


def _look(waiting: list[ast.AST], scope: Scope) -> None:
    read = scope.read
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            if type(node.ctx) is ast.Load:  # type: ignore[attr-defined]
                read[node.id] += 1  # type: ignore[attr-defined]
        elif kind is ast.Constant and type(node.value) in _PLAIN:  # type: ignore[attr-defined]
            continue
        elif kind not in _FINE and (faults := refusals.constructs(node)):
            for fault in faults:
                scope.report(fault, node)  # type: ignore[arg-type]
            read.update(names_read(node))
        elif isinstance(node, ast.JoinedStr) and scope.fstring is None:
            scope.fstring = node
            _look(list(node.values), scope)
            scope.fstring = None
        else:
            if isinstance(node, ast.Call):
                _check_repeated(node, scope)
            waiting += _inside(node)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes directly in a node, but for contexts and operators."""
    for name in _CHILDREN.get(type(node)) or _children(type(node)):
        value = getattr(node, name)
        if isinstance(value, list):
            yield from (one for one in value if one is not None)
        elif isinstance(value, ast.AST):
            yield value


def _children(kind: type[ast.AST]) -> tuple[str, ...]:
    _CHILDREN[kind] = tuple(name for name in kind._fields if name not in _ABOUT_PLACES)
    return _CHILDREN[kind]


def _check_repeated(node: ast.Call, scope: Scope) -> None:
    """Python itself finds an argument that is given twice only when it compiles a text."""
    names: set[str] = set()
    for keyword in node.keywords:
        fault = refusals.of_keyword(keyword, names) if keyword.arg else None
        if fault is not None:
            scope.report(fault, keyword)
        names.add(keyword.arg or "")


def _note_assigned(statement: ast.stmt, scope: Scope) -> None:
    for target in _assigned(statement):
        for node in [target] if isinstance(target, ast.Name) else ast.walk(target):
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Store):
                continue
            if scope.can_be_variable(node.id):
                scope.assigned.setdefault(node.id, scope.place(node))
            if isinstance(statement, ast.AugAssign):
                scope.read[node.id] += 1


def _assigned(statement: ast.stmt) -> list[ast.expr]:
    """The targets of an assignment that may be variables."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AugAssign):
        targets = [statement.target]
    return [one for one in targets if isinstance(one, ast.Name | ast.Tuple | ast.List)]
