"""Giving values to settings and variables, and marking those whose statement failed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from ctl.language import advice, functions, operators, refusals
from ctl.language.failures import target_of
from ctl.language.faults import Fault, Poison, Poisoned, computed, kind
from ctl.language.guard import elements
from ctl.language.limits import check_elements
from ctl.language.methods import extend
from ctl.language.ownership import owned_copy, store, stored
from ctl.language.scope import NOT_NAMES, Scope, did_you_mean
from ctl.language.setting_names import keys_of, path_text, root_name
from ctl.language.tracked import TrackedDict, TrackedList
from ctl.text.nearest import nearest

_NO_SLICES: Final = "Assign the whole list, or one element: values[0] = …"


def names_in(target: ast.expr) -> Iterator[str]:
    """The names of variables that a target gives values to."""
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


class Evaluator(Protocol):
    """Evaluates expressions."""

    def evaluate(self, node: ast.expr) -> object:
        """The value of an expression. Raises NoValue, LimitReached."""

    def key(self, node: ast.expr) -> Any:  # noqa: ANN401 - any hashable value
        """The value of an expression that is a key of a dictionary. Raises NoValue, LimitReached."""


class Targets:
    """What is to the left of "=", and before a method that changes its receiver.

    Args:
        scope: the state of the reading.
        evaluator: evaluates the keys in square brackets.
    """

    def __init__(self, scope: Scope, evaluator: Evaluator) -> None:
        self._scope = scope
        self._evaluator = evaluator

    def assign(self, target: ast.expr, value: object) -> None:
        """Gives a setting or a variable a value; settings keep a copy of it.

        Raises:
            NoValue: the target is none, or the value does not go with it.
        """
        if isinstance(target, ast.Name):
            self._assign_name(target, value)
        elif isinstance(target, ast.Subscript):
            self._assign_key(target, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, value, self.assign)
        elif isinstance(target, ast.Attribute):
            raise refusals.attribute(target, self._scope)
        else:
            raise Fault("nothing can be assigned to this", target)

    def set_value(self, node: ast.Name, value: object) -> None:
        """Gives a setting its one value, or a section all of its values.

        Args:
            node: the name.
            value: the value; for a section of our own a dictionary.
        """
        name = node.id
        if name in self._scope.names.sections and not isinstance(value, TrackedDict):
            hint = f'Write {name}["key"] = value, or {name} = {{"key": value}}.'
            raise Fault(f"{name} is a section: its value is a dictionary, not {kind(value)}", node, hint)
        place = self._scope.place(node)
        self._scope.mentioned.discard(name)
        self._scope.values.put(name, owned_copy(value, place, self._scope.budget), place)

    def bind(self, target: ast.expr, value: object) -> None:
        """Gives a value to a loop variable, or to several.

        Raises:
            Fault: the target is no variable, or the number of values is not that of the names.
        """
        if isinstance(target, ast.Name):
            _check_variable(target)
            if target.id in self._scope.names.sections or target.id in self._scope.names.settings:
                message = f"{target.id} is a setting and cannot be a loop variable"
                raise Fault(message, target, "Use another name.")
            self._scope.variables[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, value, self.bind)
        else:
            raise Fault("a loop variable is a plain name", target)

    def augment(self, target: ast.expr, sign: ast.operator, value: object) -> None:
        """Carries out `target += value` and the like; a list is extended in place."""
        if not isinstance(target, (ast.Name, ast.Subscript)):
            self.assign(target, value)
            return
        current = self._evaluator.evaluate(target)
        if isinstance(sign, ast.Add) and isinstance(current, TrackedList):
            if not isinstance(value, (list, tuple)):
                raise Fault(f"+= adds a list to a list, not {kind(value)}", target, "Write += [value].")
            extend(current, value, self._scope.place(target), self._scope.budget)
        else:
            self.assign(target, operators.apply(sign, self._scope.budget, current, value))

    def container(self, node: ast.expr) -> object:
        """What a subscript of `node` is put into. Sections, and dictionaries in them, come into being.

        Raises:
            NoValue: there is no such section or variable, or it holds a single value.
        """
        if isinstance(node, ast.Name):
            return self._named_container(node)
        if not isinstance(node, ast.Subscript):
            return self._evaluator.evaluate(node)
        outer = self.container(node.value)
        if not isinstance(outer, TrackedDict) or not outer.owned:
            return self._inside(outer, node)
        key = self._evaluator.key(node.slice)
        if not isinstance(key, str):
            raise Fault(f"the keys of a setting are strings, not {kind(key)}", node.slice)
        if outer.get(key) is None:
            self._add(outer, key, TrackedDict(owned=True), node.slice)
        return computed(outer[key])

    def poison(self, statement: ast.stmt) -> None:
        """Marks all that a failed statement would have given a value, so that no error follows from it."""
        poison = self._scope.poison_of(statement)
        for node in ast.walk(statement):
            self._scope.budget.spend(1)
            target = target_of(node, self._scope.names)
            if target is not None:
                self._poison_target(target, poison)

    def _unpack(
        self, target: ast.Tuple | ast.List, value: object, assign: Callable[[ast.expr, object], None]
    ) -> None:
        star = next((part for part in target.elts if isinstance(part, ast.Starred)), None)
        if star is not None:
            raise refusals.star(star)
        values = elements(value, self._scope.budget, target)
        if len(values) != len(target.elts):
            raise Fault(f"{len(values)} values are given to {len(target.elts)} names", target)
        for part, given in zip(target.elts, values, strict=True):
            assign(part, given)

    def _assign_name(self, target: ast.Name, value: object) -> None:
        name, scope = target.id, self._scope
        if name not in scope.variables and scope.is_setting(name):
            self.set_value(target, value)
            return
        _check_variable(target)
        scope.variables[name] = value

    def _assign_key(self, target: ast.Subscript, value: object) -> None:
        outer = self.container(target.value)
        if isinstance(target.slice, ast.Slice):
            raise Fault("a slice cannot be assigned", target, _NO_SLICES)
        key = self._evaluator.key(target.slice)
        if isinstance(outer, TrackedDict):
            if outer.owned and not isinstance(key, str):
                raise Fault(
                    f"the keys of a setting are strings, not {kind(key)}", target.slice, "Put it in quotes."
                )
            self._add(outer, key, value, target.slice)
        elif isinstance(outer, TrackedList):
            self._replace_element(outer, key, value, target)
        else:
            raise Fault(f"{_what(target.value)} is {kind(outer)}: it has no keys to assign to", target.value)

    def _add(self, outer: TrackedDict, key: str, value: object, node: ast.expr) -> None:
        place = self._scope.place(node)
        check_elements(len(outer) + 1)
        store(outer, key, value, place, self._scope.budget)

    def _replace_element(
        self, outer: TrackedList, index: object, value: object, target: ast.Subscript
    ) -> None:
        if not isinstance(index, int) or not -len(outer) <= index < len(outer):
            hint = "Use += [value] to add one."
            raise Fault(f"the list of {len(outer)} has no such element", target.slice, hint)
        place = self._scope.place(target.slice)
        outer[index] = stored(outer, value, place, self._scope.budget)
        outer.places[index] = place

    def _named_container(self, node: ast.Name) -> object:
        name, scope = node.id, self._scope
        if name in scope.variables:
            return computed(scope.variables[name])
        if scope.is_section(name):
            if scope.values.get(name) is None:
                scope.values.put(name, TrackedDict(owned=True), scope.place(node))
            return computed(scope.values[name])
        if name in scope.names.settings:
            if isinstance(scope.values.get(name), (TrackedDict, TrackedList)):
                return scope.values[name]
            raise Fault(f"{name} has one value, not keys", node, f"Write {name} = value.")
        if scope.may_exist(name):
            raise Poisoned
        hint = did_you_mean(nearest(name, scope.known()))
        raise Fault(f"unknown section {name}", node, hint)

    def _inside(self, outer: object, node: ast.Subscript) -> object:
        """What is in a variable's value, or in a list of the settings, at the key of a subscript."""
        key = self._evaluator.key(node.slice)
        try:
            if isinstance(outer, (TrackedDict, TrackedList)):
                return computed(outer[key])
        except (KeyError, IndexError, TypeError):
            raise Fault(f"{kind(outer)} has no such key or element", node.slice) from None
        raise Fault(f"{_what(node.value)} is {kind(outer)}: it has no keys", node.value)

    def _poison_target(self, target: ast.expr, poison: Poison) -> None:
        root, scope = root_name(target), self._scope
        if root is None:
            return
        keys = keys_of(target)
        if root not in scope.variables and scope.is_setting(root):
            last = target.slice if isinstance(target, ast.Subscript) else target
            scope.poison([root, *keys], scope.place(last), poison)
        elif root in scope.variables or isinstance(target, ast.Name):
            scope.variables[root] = poison


def _what(node: ast.expr) -> str:
    return path_text(node) if root_name(node) else "this"


def _check_variable(node: ast.Name) -> None:
    """Raises Fault for names that cannot be variables."""
    name = node.id
    if name in functions.RESERVED:
        raise Fault(
            f"{name} is a function of the settings language, not a variable", node, "Use another name."
        )
    if name in NOT_NAMES:
        raise Fault(f"{name} is not a name for a variable", node, advice.NAMES[name])
    if name.startswith("__"):
        raise Fault("names that begin with two underscores are not part of the settings language", node)
