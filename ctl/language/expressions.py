"""Evaluating expressions: one method for each kind of syntax node that the settings language has."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from ctl.language import advice, functions, operators, refusals
from ctl.language.faults import Fault, NoValue, Poisoned, computed, kind
from ctl.language.functions import text_of
from ctl.language.guard import Arguments, check_key, elements
from ctl.language.limits import check_elements, check_number, check_text
from ctl.language.methods import call_method
from ctl.language.outside import Outside
from ctl.language.places import Place
from ctl.language.scope import Scope, did_you_mean
from ctl.language.setting_names import root_name
from ctl.language.targets import Targets, names_in
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
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._budget = scope.budget
        self.targets = Targets(scope, self)
        self._loop_names: dict[ast.AST, frozenset[str]] = {}
        self._outside = Outside(
            scope.environment, lambda: scope.source.path.parent, scope.warn, scope.contents.append
        ).functions
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
            ast.Call: self._call,
            ast.ListComp: self._list_comprehension,
            ast.GeneratorExp: self._list_comprehension,
            ast.DictComp: self._dict_comprehension,
        }

    def evaluate(self, node: ast.expr) -> object:
        """The value of an expression.

        Raises:
            NoValue: it has none; a Fault has its place.
            LimitReached: the reading takes too many steps.
        """
        self._budget.spend(1)
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
        for fault in refusals.faults_of(node):
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
            return functions.formatted(self.evaluate(node.value), node.conversion, spec)
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
                result = operators.apply(part.op, self._budget, result, other)
            except Fault as fault:
                raise fault.at(part) from None
        return result

    def _unary(self, node: ast.UnaryOp) -> object:
        return operators.apply(node.op, self._budget, self.evaluate(node.operand))

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
            if not operators.apply(sign, self._budget, left, right):
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
            return computed(value[key])
        if not isinstance(value, TrackedList | tuple | str):
            raise Fault(f"{kind(value)} has no elements to take with [ ]", node)
        try:
            return computed(operators.element(value, key))
        except Fault as fault:
            raise fault.at(node.slice) from None

    def _slice(self, value: object, node: ast.Slice) -> object:
        bounds = [part and self.evaluate(part) for part in (node.lower, node.upper, node.step)]
        try:
            return operators.part(value, bounds, self._budget)
        except Fault as fault:
            raise fault.at(node) from None

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

    def _call(self, node: ast.Call) -> object:
        if isinstance(node.func, ast.Attribute):
            return self._call_method(node, node.func)
        if not isinstance(node.func, ast.Name):
            raise refusals.misplaced(node)
        name = node.func.id
        if name not in functions.NAMES or name == functions.INCLUDE or name in self._scope.variables:
            raise self._no_function(node.func)
        return functions.call_function(name, self._outside, self.arguments(node))

    def _call_method(self, node: ast.Call, method: ast.Attribute) -> object:
        name = method.attr
        if name.startswith("__"):
            raise refusals.attribute(method, self._scope)
        if name in ("update", "setdefault"):
            receiver: object = self.targets.container(method.value)
        else:
            receiver = self.evaluate(method.value)
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
        hint = advice.NAMES.get(name) or did_you_mean(nearest(name, known))
        return Fault(f"unknown function {name}()", node, hint)

    def arguments(self, node: ast.Call) -> Arguments:
        """What a call is called with. Raises NoValue."""
        values, places = self.each(node.args)
        named: dict[str, object] = {}
        for keyword in node.keywords:
            fault = refusals.of_keyword(keyword, named)
            if fault is not None:
                raise fault
            named[str(keyword.arg)] = self.evaluate(keyword.value)
        named_places = {str(keyword.arg): self._scope.place(keyword) for keyword in node.keywords}
        return Arguments(values, named, places, named_places, self._scope.place(node), self._scope.budget)

    def _list_comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> TrackedList:
        result, place = TrackedList(), self._scope.place(node.elt)
        for _ in self._rounds(node):
            result.append(self.evaluate(node.elt))
            result.places.append(place)
            check_elements(len(result))
        return result

    def _dict_comprehension(self, node: ast.DictComp) -> TrackedDict:
        result, place = TrackedDict(), self._scope.place(node.key)
        for _ in self._rounds(node):
            result.put(self.key(node.key), self.evaluate(node.value), place)
            check_elements(len(result))
        return result

    def _rounds(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Iterator[None]:
        """Once for each element of the result; the loop variables have values only meanwhile."""
        names = self._loop_names.get(node)
        if names is None:
            names = frozenset(name for part in node.generators for name in names_in(part.target))
            self._loop_names[node] = names
        variables = self._scope.variables
        hidden = {name: variables[name] for name in names if name in variables}
        try:
            yield from self._loop(node.generators)
        finally:
            for name in names:
                variables.pop(name, None)
            variables.update(hidden)

    def _loop(self, generators: list[ast.comprehension]) -> Iterator[None]:
        if not generators:
            yield
            return
        first, *inner = generators
        for element in elements(self.evaluate(first.iter), self._budget):
            self._budget.spend(1)
            self.targets.bind(first.target, element)
            if all(self.evaluate(condition) for condition in first.ifs):
                yield from self._loop(inner)
