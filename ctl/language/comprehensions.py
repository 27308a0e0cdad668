"""Comprehensions and generator expressions; the latter are made at once, as lists."""

from __future__ import annotations

import ast
from collections.abc import Callable

from ctl.language.evaluator import Evaluator
from ctl.language.guard import elements
from ctl.language.limits import check_elements
from ctl.language.refusals import of_generator
from ctl.language.scope import Scope
from ctl.language.tracked import TrackedDict, TrackedList
from ctl.language.unpacking import bind, names_in


class Comprehensions:
    """Evaluates comprehensions.

    Args:
        scope: the state of the reading; loop variables are in it only while the loop runs.
        evaluator: evaluates the parts.
    """

    def __init__(self, scope: Scope, evaluator: Evaluator) -> None:
        self._scope = scope
        self._evaluator = evaluator
        self._loop_names: dict[ast.AST, frozenset[str]] = {}

    def list_comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> TrackedList:
        result = TrackedList()
        place = self._scope.place(node.elt)

        def emit() -> None:
            result.append(self._evaluator.evaluate(node.elt))
            result.places.append(place)
            check_elements(len(result))

        self._comprehension(node, emit)
        return result

    def dict_comprehension(self, node: ast.DictComp) -> TrackedDict:
        result = TrackedDict()
        place = self._scope.place(node.key)

        def emit() -> None:
            result.put(self._evaluator.key(node.key), self._evaluator.evaluate(node.value), place)
            check_elements(len(result))

        self._comprehension(node, emit)
        return result

    def _comprehension(
        self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp, emit: Callable[[], None]
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
            raise of_generator(first)
        for element in elements(self._evaluator.evaluate(first.iter), self._scope.budget):
            self._scope.budget.spend(1)
            bind(self._scope, first.target, element)
            if all(self._evaluator.evaluate(condition) for condition in first.ifs):
                self._loop(inner, emit)
