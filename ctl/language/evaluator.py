"""What the parts of the language that evaluate expressions need of each other."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, Protocol

from ctl.language.places import Place


class Evaluator(Protocol):
    """Evaluates expressions."""

    def evaluate(self, node: ast.expr) -> object:
        """The value of an expression. Raises NoValue, LimitReached."""

    def key(self, node: ast.expr) -> Any:  # noqa: ANN401 - any hashable value
        """The value of an expression that is a key of a dictionary. Raises NoValue, LimitReached."""

    def each(self, nodes: Iterable[ast.expr]) -> tuple[list[object], list[Place]]:
        """The values and places of several expressions, starred ones spread. Raises NoValue, LimitReached."""
