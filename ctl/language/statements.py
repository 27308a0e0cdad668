"""Running statements, one after the other; one that fails does not keep the next from being read."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctl.language import refusals
from ctl.language.expressions import Expressions
from ctl.language.faults import Fault, LimitReached, NoValue, Poisoned, computed
from ctl.language.functions import INCLUDE
from ctl.language.guard import elements
from ctl.language.methods import CHANGING
from ctl.language.outside import matching_files
from ctl.language.scope import Scope
from ctl.language.setting_names import path_text, root_name
from ctl.language.tracked import TrackedDict

Include = Callable[[Path, ast.Call], None]


_WILDCARDS = frozenset("*?[")


class _Break(Exception):
    """Leaves the loop."""


class _Continue(Exception):
    """Goes on with the next element."""


class Statements:
    """Runs the statements of one reading.

    Args:
        scope: the state of the reading.
        include: reads another settings file, on behalf of the call that asks for it.
    """

    def __init__(self, scope: Scope, include: Include) -> None:
        self._scope = scope
        self._include = include
        self._expressions = Expressions(scope)
        self._targets = self._expressions.targets
        self._loops = 0
        self._handlers: dict[type[ast.AST], Callable[[Any], None]] = {
            ast.Assign: self._assign,
            ast.AugAssign: self._augment,
            ast.Expr: self._expression,
            ast.If: self._if,
            ast.For: self._for,
            ast.Pass: lambda _: None,
            ast.Break: self._leave,
            ast.Continue: self._leave,
            refusals.Unreadable: self._unreadable,
        }

    def run(self, statements: list[ast.stmt]) -> None:
        """Run statements in their order.

        Raises:
            LimitReached: the reading asks for too much; with the place.
        """
        for statement in statements:
            try:
                self._run_one(statement)
            except LimitReached as limit:
                limit.location = limit.location or self._scope.source.location(statement)
                raise

    def _run_one(self, statement: ast.stmt) -> None:
        self._scope.budget.spend(1)
        outer, self._scope.statement = self._scope.statement, statement
        handler = self._handlers.get(type(statement))
        try:
            if handler is None:
                raise refusals.misplaced(statement)
            handler(statement)
        except NoValue as problem:
            self._fail(problem, statement)
        except RecursionError:
            hint = "Take it apart with variables."
            self._fail(Fault("this nests expressions too deeply to be read", hint=hint), statement)
        finally:
            self._scope.statement = outer

    def _fail(self, problem: NoValue, statement: ast.stmt) -> None:
        self._scope.report(problem, statement)
        self._targets.poison(statement)

    def _assign(self, statement: ast.Assign) -> None:
        value = self._expressions.evaluate(statement.value)
        for target in statement.targets:
            self._targets.assign(target, value)

    def _augment(self, statement: ast.AugAssign) -> None:
        self._targets.augment(statement.target, statement.op, self._expressions.evaluate(statement.value))

    def _if(self, statement: ast.If) -> None:
        # A chain of elif is nested in its else; it is walked in a loop, as recursion has its limit.
        while True:
            if self._expressions.evaluate(statement.test):
                self.run(statement.body)
                return
            if len(statement.orelse) != 1 or not isinstance(statement.orelse[0], ast.If):
                self.run(statement.orelse)
                return
            statement = statement.orelse[0]

    def _for(self, statement: ast.For) -> None:
        values = elements(self._expressions.evaluate(statement.iter), self._scope.budget, statement.iter)
        self._loops += 1
        try:
            for value in values:
                self._round(statement, value)
        except _Break:
            return
        finally:
            self._loops -= 1
        self.run(statement.orelse)

    def _round(self, statement: ast.For, value: object) -> None:
        self._scope.budget.spend(1)
        self._targets.bind(statement.target, value)
        try:
            self.run(statement.body)
        except _Continue:
            return

    def _leave(self, statement: ast.Break | ast.Continue) -> None:
        if not self._loops:
            raise Fault("this is allowed in a for loop only", statement)
        raise _Break if isinstance(statement, ast.Break) else _Continue

    def _unreadable(self, statement: refusals.Unreadable) -> None:
        """Fail: by itself, or as a variable that it reads has no value."""
        if statement.own:
            raise statement.own[0]
        for name in statement.about:
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load):
                computed(self._scope.variables.get(name.id))
        raise Poisoned

    def _expression(self, statement: ast.Expr) -> None:
        node = statement.value
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return
        scope, name = self._scope, node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(name, ast.Name) and name.id not in scope.variables:
            if name.id == INCLUDE:
                self._from_file(node)
                return
            if scope.is_setting(name.id) and name.id not in scope.names.sections:
                self._set_by_call(node, name)
                return
        if not isinstance(node, ast.Compare | ast.Subscript):
            self._expressions.evaluate(node)
        self._check_effect(node)

    def _set_by_call(self, node: ast.Call, name: ast.Name) -> None:
        arguments = self._expressions.arguments(node)
        given = [*arguments.values, *arguments.named.values()]
        if len(given) != 1 and name.id in self._scope.names.settings:
            raise Fault(f"{name.id} takes one value", node, f"Write {name.id}(value).")
        if arguments.named and name.id in self._scope.names.settings:
            raise Fault(f"{name.id} takes its value without a name", node, f"Write {name.id}(value).")
        self._targets.set_value(name, given[0] if given else None)

    def _check_effect(self, node: ast.expr) -> None:
        root = root_name(node)
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and method.attr in CHANGING:
            return
        if root and self._scope.names.foreign(root):
            # Ruby's call with a list and without parentheses (roles ["…"]) looks like this.
            if root not in self._scope.values:
                self._scope.values.put(root, TrackedDict(owned=True), self._scope.place(node))
            return
        hint = ""
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            hint = 'To give a setting its value, write "=", not "==".'
        elif isinstance(node, ast.Subscript):
            hint = f"To give a setting its value, write {path_text(node)} = …"
        raise Fault("this line has no effect", node, hint)

    def _from_file(self, node: ast.Call) -> None:
        arguments = self._expressions.arguments(node)
        path = arguments.values[0] if len(arguments.values) == 1 and not arguments.named else None
        if not isinstance(path, str) or not path:
            raise Fault("from_file() takes one path", node, 'Write from_file("/path.py").')
        loops, self._loops = self._loops, 0
        try:
            for file in self._files(self._scope.source.path.parent / path):
                self._include(file, node)
        except NoValue:
            # What the file would have set is not known: nothing that is missing later is reported.
            self._scope.incomplete = True
            raise
        finally:
            self._loops = loops

    def _files(self, path: Path) -> list[Path]:
        return matching_files(path, self._scope.budget) if set(path.name) & _WILDCARDS else [path]
