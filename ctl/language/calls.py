"""Calling functions and methods."""

from __future__ import annotations

import ast

from ctl.language import advice, functions, refusals
from ctl.language.evaluator import Evaluator
from ctl.language.faults import Fault, NoValue, computed
from ctl.language.guard import Arguments
from ctl.language.methods import call_method
from ctl.language.outside import Outside
from ctl.language.scope import Scope, did_you_mean
from ctl.language.targets import Targets
from ctl.text.nearest import nearest


class Calls:
    """Evaluates calls in expressions.

    Args:
        scope: the state of the reading.
        evaluator: evaluates what is called, and the arguments.
        targets: finds the section or dictionary that a method changes.
    """

    def __init__(self, scope: Scope, evaluator: Evaluator, targets: Targets) -> None:
        self._scope = scope
        self._evaluator = evaluator
        self._targets = targets
        self._outside = Outside(
            scope.environment, lambda: scope.source.path.parent, scope.warn, scope.contents.append
        ).functions

    def call(self, node: ast.Call) -> object:
        """The value of a call. Raises NoValue."""
        if isinstance(node.func, ast.Attribute):
            return self._call_method(node, node.func)
        if not isinstance(node.func, ast.Name):
            raise refusals.construct(node) or refusals.misplaced(node)
        name = node.func.id
        if name not in functions.NAMES or name == functions.INCLUDE or name in self._scope.variables:
            raise self._no_function(node.func)
        return functions.call_function(name, self._outside, self.arguments(node))

    def _call_method(self, node: ast.Call, method: ast.Attribute) -> object:
        name = method.attr
        if name.startswith("__"):
            raise refusals.attribute(method, self._scope)
        if name in ("update", "setdefault"):
            receiver: object = self._targets.container(method.value)
        else:
            receiver = self._evaluator.evaluate(method.value)
        try:
            return call_method(receiver, name, self.arguments(node))
        except Fault as fault:
            raise fault.at(method) from None

    def _no_function(self, node: ast.Name) -> NoValue:
        name, scope = node.id, self._scope
        if name in scope.variables:
            computed(scope.variables[name])
            return Fault(f"{name} is not a function", node)
        if name == functions.INCLUDE or name in scope.names.settings or scope.names.foreign(name):
            return Fault(f"{name}() is a statement and has no value", node, "Write it on a line of its own.")
        if name in scope.names.sections:
            return Fault(f"{name} is a section, not a function", node, f'Write {name}["key"] = value.')
        known = [*sorted(functions.NAMES), *sorted(scope.names.settings)]
        hint = advice.of_name(name) or did_you_mean(nearest(name, known))
        return Fault(f"unknown function {name}()", node, hint)

    def arguments(self, node: ast.Call) -> Arguments:
        """What a call is called with. Raises NoValue."""
        values, places = self._evaluator.each(node.args)
        named: dict[str, object] = {}
        for keyword in node.keywords:
            fault = refusals.of_keyword(keyword, named)
            if fault is not None:
                raise fault
            named[str(keyword.arg)] = self._evaluator.evaluate(keyword.value)
        named_places = {str(keyword.arg): self._scope.place(keyword) for keyword in node.keywords}
        return Arguments(values, named, places, named_places, self._scope.place(node), self._scope.budget)
