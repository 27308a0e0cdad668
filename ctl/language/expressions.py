"""Evaluating expressions: one method for each kind of syntax node that the settings language has."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from ctl.language import formatting, operators, refusals
from ctl.language.calls import Calls
from ctl.language.comprehensions import Comprehensions
from ctl.language.faults import Fault, NoValue, Poisoned, computed, kind
from ctl.language.functions import text_of
from ctl.language.guard import check_key, elements
from ctl.language.limits import check_elements, check_number, check_text
from ctl.language.places import Place
from ctl.language.scope import Scope, did_you_mean
from ctl.language.subscripts import root_name
from ctl.language.targets import Targets
from ctl.language.tracked import TrackedDict, TrackedList
from ctl.text.nearest import nearest

Visit = Callable[[Any], object]

_MOST_LIKE: Final = 100
"""How many keys of a dictionary, the first ones, a missing one is compared with."""


class Expressions:
    """Evaluates the expressions of one reading.

    Args:
        scope: the state of the reading.

    Attributes:
        targets: gives values to what expressions name.
        calls: calls functions and methods.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._budget = scope.budget
        self.targets = Targets(scope, self)
        self.calls = Calls(scope, self, self.targets)
        comprehensions = Comprehensions(scope, self)
        self._visits: dict[type[ast.AST], Visit] = {
            ast.Constant: self._constant,
            ast.Name: scope.read_name,
            ast.Dict: self._dict,
            ast.List: self._list,
            ast.Tuple: self._tuple,
            ast.JoinedStr: self._fstring,
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._conditional,
            ast.Subscript: self._subscript,
            ast.Attribute: self._attribute,
            ast.Call: self.calls.call,
            ast.ListComp: comprehensions.list_comprehension,
            ast.GeneratorExp: comprehensions.list_comprehension,
            ast.DictComp: comprehensions.dict_comprehension,
        }

    def evaluate(self, node: ast.expr) -> object:
        """The value of an expression.

        Raises:
            NoValue: it has none; a Fault has its place.
            LimitReached: the reading takes too many steps.
        """
        budget = self._budget
        budget.steps -= 1
        if budget.steps < 0:
            budget.spend(0)
        visit = self._visits.get(type(node))
        try:
            if visit is None:
                raise refusals.misplaced(node)
            return visit(node)
        except Fault as fault:
            fault.node = self._scope.trusted(fault.node or node)
            raise

    def key(self, node: ast.expr) -> Any:  # noqa: ANN401 - any hashable value
        """The value of an expression that is a key of a dictionary.

        Raises:
            NoValue: it has no value, or one that cannot be a key.
        """
        value = self.evaluate(node)
        if type(value) is not str:
            check_key(value, self._budget, node)
        return value

    def each(self, nodes: Iterable[ast.expr]) -> tuple[list[object], list[Place]]:
        """The values of several expressions, starred ones spread, with the place of each.

        All of them are evaluated, so that every error is found.

        Raises:
            Poisoned: one has no value; that has been reported.
        """
        values: list[object] = []
        places: list[Place] = []
        failed = False
        for node in nodes:
            try:
                if type(node) is ast.Starred:
                    spread = elements(self.evaluate(node.value), self._budget)
                    values += spread
                    places += [self._scope.place(node)] * len(spread)
                else:
                    values.append(self.evaluate(node))
                    places.append((self._scope.source, node))
            except NoValue as problem:
                self._scope.report(problem, node)
                failed = True
        if failed:
            raise Poisoned
        check_elements(len(values))
        return values, places

    def _constant(self, node: ast.Constant) -> object:
        value = node.value
        if type(value) is str:
            if "#{" in value and self._scope.fstring is None:
                self._scope.warn(
                    'this text holds "#{…}", which Python does not fill in: that takes f"{…}"', node
                )
            return value
        fault = refusals.construct(node)
        if fault is not None:
            raise fault
        return check_number(value)

    def _dict(self, node: ast.Dict) -> TrackedDict:
        result, failed = TrackedDict(), False
        places, source = result.places, self._scope.source
        self._budget.spend(len(node.keys))
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            try:
                if key_node is None:
                    self._spread(value_node, result)
                    continue
                key = self._dict_key(key_node, result)
                result[key] = self.evaluate(value_node)
                places[key] = (source, key_node)
            except NoValue as problem:
                self._scope.report(problem, value_node)
                failed = True
        if failed:
            raise Poisoned
        return result

    def _dict_key(self, node: ast.expr, result: TrackedDict) -> Any:  # noqa: ANN401
        if type(node) is not ast.Constant or type(node.value) is not str:
            try:
                key = self.key(node)
            except Fault as fault:
                if isinstance(node, ast.Name) and fault.message.startswith("unknown name"):
                    fault.hint = f'Put the key in quotes: "{node.id}".'
                raise
        else:
            key = node.value
        if type(node) is ast.Constant and key in result:
            written = f'"{key}"' if isinstance(key, str) else key
            self._scope.warn(f"the key {written} is given twice in one dictionary; the last one counts", node)
        return key

    def _spread(self, node: ast.expr, result: TrackedDict) -> None:
        value = self.evaluate(node)
        if not isinstance(value, TrackedDict):
            raise Fault(f"** spreads a dictionary, not {kind(value)}", node)
        self._budget.spend(len(value))
        check_elements(len(result) + len(value))
        result.update(value)
        result.places.update(value.places)

    def _list(self, node: ast.List) -> TrackedList:
        return TrackedList(*self.each(node.elts))

    def _tuple(self, node: ast.Tuple) -> tuple[object, ...]:
        return tuple(self.each(node.elts)[0])

    def _fstring(self, node: ast.JoinedStr) -> str:
        outer, self._scope.fstring = self._scope.fstring, self._scope.fstring or node
        try:
            parts = [self._fstring_part(part) for part in node.values]
        finally:
            self._scope.fstring = outer
        length = sum(map(len, parts))
        check_text(length)
        self._budget.spend_text(length)
        return "".join(parts)

    def _fstring_part(self, node: ast.expr) -> str:
        if isinstance(node, ast.FormattedValue):
            spec = self._fstring(node.format_spec) if isinstance(node.format_spec, ast.JoinedStr) else ""
            return formatting.formatted(self.evaluate(node.value), node.conversion, spec)
        return text_of(self.evaluate(node))

    def _binary(self, node: ast.BinOp) -> object:
        # A long chain (a + b + c + …) leans to the left; it is walked in a loop, as recursion has its limit.
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        chain.reverse()
        (result, *others), _ = self.each([chain[0].left, *(part.right for part in chain)])
        for part, other in zip(chain, others, strict=True):
            self._budget.spend(1)
            try:
                result = operators.binary(part.op, result, other, self._budget)
            except Fault as fault:
                raise fault.at(part) from None
        return result

    def _unary(self, node: ast.UnaryOp) -> object:
        return operators.unary(node.op, self.evaluate(node.operand), self._budget)

    def _boolean(self, node: ast.BoolOp) -> object:
        stops_at = isinstance(node.op, ast.Or)
        value: object = None
        for part in node.values:
            value = self.evaluate(part)
            if bool(value) is stops_at:
                break
        return value

    def _compare(self, node: ast.Compare) -> bool:
        left = self.evaluate(node.left)
        for sign, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node)
            if isinstance(sign, (ast.Is, ast.IsNot)) and not isinstance(right, (bool, type(None))):
                raise Fault('"is" compares with None, True and False only', node, "Write == or !=.")
            if not operators.compare(sign, left, right, self._budget):
                return False
            left = right
        return True

    def _conditional(self, node: ast.IfExp) -> object:
        return self.evaluate(node.body if self.evaluate(node.test) else node.orelse)

    def _subscript(self, node: ast.Subscript) -> object:
        value = self.evaluate(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._slice(value, node.slice)
        key = self.key(node.slice)
        if isinstance(value, TrackedDict):
            if key not in value:
                raise self._missing(node, value)
            found = value[key]
        elif isinstance(value, (TrackedList, tuple, str)):
            found = self._element(value, key, node)
        else:
            raise Fault(f"{kind(value)} has no elements to take with [ ]", node)
        return computed(found)

    def _element(
        self, value: TrackedList | tuple[object, ...] | str, index: object, node: ast.Subscript
    ) -> object:
        if not isinstance(index, int):
            raise Fault(f"the index of {kind(value)} is a whole number, not {kind(index)}", node.slice)
        if not -len(value) <= index < len(value):
            raise Fault(f"{kind(value)} of {len(value)}, counted from 0, has no such element", node.slice)
        return value[index]

    def _slice(self, value: object, node: ast.Slice) -> object:
        bounds: list[Any] = [part and self.evaluate(part) for part in (node.lower, node.upper, node.step)]
        if any(not isinstance(bound, (int, type(None))) for bound in bounds) or bounds[2] == 0:
            raise Fault("the bounds of a slice are whole numbers, and its step is not 0", node)
        part = slice(*bounds)
        if isinstance(value, str):
            self._budget.spend_text(len(value))
            return value[part]
        if isinstance(value, (TrackedList, tuple)):
            self._budget.spend(len(value))
            return value.part(part) if isinstance(value, TrackedList) else value[part]
        raise Fault(f"{kind(value)} cannot be sliced with [ : ]", node)

    def _missing(self, node: ast.Subscript, value: TrackedDict) -> NoValue:
        root = root_name(node)
        if root and root not in self._scope.variables and self._scope.is_section(root):
            return self._scope.not_set(node)
        literal = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(literal, str):
            return Fault("the dictionary has no such key", node.slice)
        known = [key for key in islice(value, _MOST_LIKE) if isinstance(key, str)]
        hint = did_you_mean(nearest(literal, known))
        return Fault(
            f'the dictionary has no key "{literal}"', node.slice, hint or "Use get() where it may be missing."
        )

    def _attribute(self, node: ast.Attribute) -> object:
        raise refusals.attribute(node, self._scope)
