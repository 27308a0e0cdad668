"""One look at all statements of a file before any is carried out: what is not in the language, and the names."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ctl.language import refusals
from ctl.language.faults import LimitReached
from ctl.language.scope import Scope
from ctl.language.setting_names import names_read

_FINE = frozenset({
    ast.Assign, ast.Attribute, ast.AugAssign, ast.BinOp, ast.Dict, ast.Expr, ast.FormattedValue, ast.List,
    ast.Subscript, ast.Tuple,
})  # fmt: skip
"""Nodes that are in the language wherever they are."""


def survey(statements: Iterable[ast.stmt], scope: Scope) -> None:
    """Report what is not in the language, also where nothing will be carried out, and note all names.

    Args:
        statements: those of one file.
        scope: takes the errors, the variables that are assigned and the names that are read.

    Raises:
        LimitReached: there are too many errors.
    """
    outer = scope.statement, scope.fstring
    # A stack, as a chain (a + b + c + …) is as deep as it is long. A node with the statement and f-string it is in.
    waiting: list[tuple[ast.AST, ast.stmt | None, ast.JoinedStr | None]] = []
    waiting += [(one, None, None) for one in statements][::-1]
    try:
        while waiting:
            node, statement, fstring = waiting.pop()
            statement = node if isinstance(node, ast.stmt) else statement
            scope.statement, scope.fstring = statement, fstring
            if _look(node, scope):
                fstring = node if fstring is None and isinstance(node, ast.JoinedStr) else fstring
                waiting += [(one, statement, fstring) for one in _inside(node)][::-1]
    except LimitReached as limit:
        if statement and not limit.location:
            limit.location = scope.source.location(statement)
        raise
    finally:
        scope.statement, scope.fstring = outer


def _look(node: ast.AST, scope: Scope) -> bool:
    """Whether what is in a node is looked at too: the node itself is in the language."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            scope.read[node.id] += 1
        return False
    if type(node) not in _FINE and (faults := refusals.faults_of(node)):
        for fault in faults:
            scope.report(fault, node)  # type: ignore[arg-type]
        scope.read.update(names_read(node))
        return False
    if isinstance(node, ast.Call):
        _check_repeated(node, scope)
    elif isinstance(node, ast.Assign | ast.AugAssign):
        _note_assigned(node, scope)
    return True


def _inside(node: ast.AST) -> list[ast.AST]:
    """The nodes directly in a node, but for contexts and operators."""
    values = [getattr(node, name, None) for name in node._fields if name not in ("ctx", "op", "ops", "attr")]
    lists = [value if isinstance(value, list) else [value] for value in values]
    return [one for some in lists for one in some if isinstance(one, ast.AST)]


def _check_repeated(node: ast.Call, scope: Scope) -> None:
    """Python itself finds an argument that is given twice only when it compiles a text."""
    names: set[str] = set()
    for keyword in node.keywords:
        fault = refusals.of_keyword(keyword, names) if keyword.arg else None
        if fault is not None:
            scope.report(fault, keyword)
        names.add(keyword.arg or "")


def _note_assigned(statement: ast.Assign | ast.AugAssign, scope: Scope) -> None:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for node in (one for target in targets for one in _names_of(target)):
        if scope.can_be_variable(node.id):
            scope.assigned.setdefault(node.id, scope.place(node))
        if isinstance(statement, ast.AugAssign):
            scope.read[node.id] += 1


def _names_of(target: ast.expr) -> Iterable[ast.Name]:
    if isinstance(target, ast.Name):
        return (target,)
    parts = ast.walk(target) if isinstance(target, ast.Tuple | ast.List) else ()
    return (one for one in parts if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
