"""Calling functions and methods."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ctl.settings.language import advice, functions, refusals
from ctl.settings.language.faults import Fault, NoValue, computed, kind
from ctl.settings.language.methods import Arguments, call_method
from ctl.settings.language.outside import Function, outside_functions
from ctl.settings.language.places import Place
from ctl.settings.language.scope import Scope, did_you_mean
from ctl.settings.language.tracked import TrackedDict
from ctl.settings.nearest import nearest

if TYPE_CHECKING:
    from ctl.settings.language.expressions import Expressions


class Calls:
    """Evaluates calls in expressions.

    Args:
        scope: the state of the reading.
        expressions: evaluates what is called, and the arguments.
    """

    def __init__(self, scope: Scope, expressions: Expressions) -> None:
        self._scope = scope
        self._expressions = expressions
        self._functions: Mapping[str, Function] = {
            **functions.PURE,
            **outside_functions(scope.environment, lambda: scope.source.path.parent),
        }

    def call(self, node: ast.Call) -> object:
        """The value of a call. Raises NoValue."""
        if isinstance(node.func, ast.Attribute):
            return self._call_method(node, node.func)
        if not isinstance(node.func, ast.Name):
            raise Fault("only functions and methods can be called, by their names", node.func)
        function = self._functions.get(node.func.id)
        if function is None or node.func.id in self._scope.variables:
            raise self._no_function(node.func)
        return functions.call_function(node.func.id, function, self.arguments(node))

    def _call_method(self, node: ast.Call, method: ast.Attribute) -> object:
        name = method.attr
        if name.startswith("__"):
            raise refusals.attribute(method, self._scope)
        if name in ("update", "setdefault"):
            receiver: object = self._expressions.targets.container(method.value)
        else:
            receiver = self._expressions.evaluate(method.value)
        arguments = self.arguments(node)
        try:
            return call_method(receiver, name, arguments)
        except Fault as fault:
            fault.node = fault.node or method
            raise

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
        values, places = self._expressions.each(node.args)
        named: dict[str, Any] = {}
        named_places: dict[str, Place] = {}
        for keyword in node.keywords:
            value = self._expressions.evaluate(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = value
                named_places[keyword.arg] = self._scope.place(keyword)
            elif isinstance(value, TrackedDict) and all(isinstance(key, str) for key in value):
                named.update(value)
            else:
                raise Fault(f"** spreads a dictionary with strings as keys, not {kind(value)}", keyword.value)
        return Arguments(values, named, places, named_places, self._scope.place(node), self._scope.budget)
