"""Comprehensions and generator expressions; the latter are made at once, as lists."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from ctl.settings.language.faults import Fault
from ctl.settings.language.limits import check_elements
from ctl.settings.language.methods import elements
from ctl.settings.language.scope import Scope
from ctl.settings.language.tracked import TrackedDict, TrackedList
from ctl.settings.language.unpacking import bind, names_in

if TYPE_CHECKING:
    from ctl.settings.language.expressions import Expressions


class Comprehensions:
    """Evaluates comprehensions.

    Args:
        scope: the state of the reading; loop variables are in it only while the loop runs.
        expressions: evaluates the parts.
    """

    def __init__(self, scope: Scope, expressions: Expressions) -> None:
        self._scope = scope
        self._expressions = expressions
        self._loop_names: dict[ast.AST, frozenset[str]] = {}

    def list_comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> TrackedList:
        result = TrackedList()
        place = self._scope.place(node.elt)

        def emit() -> None:
            result.append(self._expressions.evaluate(node.elt))
            result.places.append(place)
            check_elements(len(result))

        self._comprehension(node, emit)
        return result

    def set_comprehension(self, node: ast.SetComp) -> set[object]:
        result: set[object] = set()
        self._comprehension(node, lambda: result.add(self._expressions.key(node.elt)))
        check_elements(len(result))
        return result

    def dict_comprehension(self, node: ast.DictComp) -> TrackedDict:
        result = TrackedDict()
        place = self._scope.place(node.key)
        self._comprehension(
            node,
            lambda: result.put(
                self._expressions.key(node.key), self._expressions.evaluate(node.value), place
            ),
        )
        check_elements(len(result))
        return result

    def _comprehension(
        self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, emit: Callable[[], None]
    ) -> None:
        names = self._loop_names.get(node)
        if names is None:
            names = frozenset(name for part in node.generators for name in names_in(part.target))
            self._loop_names[node] = names
        variables = self._scope.variables
        hidden = {name: variables[name] for name in names if name in variables}
        try:
            self._loop(node.generators, emit)
        finally:
            for name in names:
                variables.pop(name, None)
            variables.update(hidden)

    def _loop(self, generators: list[ast.comprehension], emit: Callable[[], None]) -> None:
        if not generators:
            emit()
            return
        first, *inner = generators
        if first.is_async:
            raise Fault("async is not part of the settings language", first.target, "Leave it out.")
        for element in elements(self._expressions.evaluate(first.iter), self._scope.budget):
            self._scope.budget.charge(1)
            bind(self._scope, first.target, element)
            if all(self._expressions.evaluate(condition) for condition in first.ifs):
                self._loop(inner, emit)
