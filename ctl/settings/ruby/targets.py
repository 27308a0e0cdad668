"""Giving settings and variables values, and marking those whose statement failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from ctl.settings.language.faults import POISON, Fault, Poisoned
from ctl.settings.language.limits import MAX_NESTING, check_elements
from ctl.settings.language.ownership import keep, kept, owned
from ctl.settings.language.scope import did_you_mean
from ctl.settings.language.tracked import TrackedDict, TrackedList
from ctl.settings.nearest import nearest
from ctl.settings.ruby import operators
from ctl.settings.ruby.grammar import Span, named
from ctl.settings.ruby.methods import CHANGING
from ctl.settings.ruby.words import kind, truthy

if TYPE_CHECKING:
    from tree_sitter import Node

    from ctl.settings.ruby.expressions import Expressions

ASSIGNMENTS: Final = ("assignment", "operator_assignment")

_TARGETS: Final = ("identifier", "constant", "element_reference", "call")


class Targets:
    """What stands to the left of "=" and before a method that changes its receiver.

    Args:
        expressions: evaluates the keys in square brackets.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._scope = expressions.scope

    def assignment(self, node: Node) -> object:
        """Carries out `left = right`, and returns the value. Raises NoValue."""
        left, right = sides(node)
        if left.type not in _TARGETS:
            raise self._expressions.refusal(left)
        value = self._expressions.evaluate(right)
        self.assign(left, value)
        return value

    def operator_assignment(self, node: Node) -> None:
        """Carries out `left += right`, `left ||= right` and the like. Raises NoValue."""
        left, right = sides(node)
        sign = node.child_by_field_name("operator")
        operator = (sign.type if sign else "").removesuffix("=")
        if operator in ("||", "&&"):
            current = self._current(left)
            if truthy(current) is (operator == "&&"):
                self.assign(left, self._expressions.evaluate(right))
        elif operator == "<<":
            self.append(left, right)
        else:
            current, added = self._expressions.evaluate(left), self._expressions.evaluate(right)
            self.assign(left, operators.binary(operator, current, added, self._scope.budget))

    def append(self, left: Node, right: Node) -> None:
        """Carries out `left << right`: an array grows in place; text is assigned anew. Raises NoValue."""
        added = [right]
        while is_append(left):  # values << one << other
            left, right = sides(left)
            added.append(right)
        for one in reversed(added):
            self._append_one(left, one)

    def _append_one(self, left: Node, right: Node) -> None:
        receiver = self._expressions.evaluate(left)
        if receiver is None or (isinstance(receiver, TrackedDict) and not receiver):
            hint = "Give it an array first: … = []."
            raise Fault("there is no array yet that << could add to", Span(left), hint)
        if isinstance(receiver, TrackedList):
            check_elements(len(receiver) + 1)
            place = self._expressions.place(right)
            value = kept(receiver, self._expressions.evaluate(right), place, self._scope.budget)
            receiver.place(len(receiver), value, place)
            return
        added = self._expressions.evaluate(right)
        if not isinstance(receiver, str) or not isinstance(added, str):
            message = f"<< adds to an array or a string, not {kind(added)} to {kind(receiver)}"
            raise Fault(message, Span(left))
        self.assign(left, operators.binary("+", receiver, added, self._scope.budget))

    def assign(self, left: Node, value: object) -> None:
        """Gives a setting or a variable a value; settings keep a copy of it. Raises NoValue."""
        if left.type in ("identifier", "constant"):
            self._assign_name(left, value)
        elif left.type == "element_reference":
            self._assign_key(left, value)
        elif left.type == "call":
            self._refuse_call(left)
        else:
            raise self._expressions.refusal(left)

    def set_value(self, name: str, node: Node, value: object) -> None:
        """Gives a setting its one value, as the call `external_url 'value'` does. Raises NoValue."""
        place = self._expressions.place(node)
        self._scope.mentioned.discard(name)
        self._scope.values.put(name, owned(value, place, self._scope.budget), place)

    def poison(self, node: Node) -> None:
        """Marks all that a failed statement would have given a value, so that no error follows from it."""
        for one in walk(node):
            self._scope.budget.charge(1)
            target = changed(one, self._expressions.text)
            if target is not None:
                self._poison_target(target, is_call=one.type == "call" and target.type == "identifier")

    def _assign_name(self, node: Node, value: object) -> None:
        name, scope = self._expressions.text(node), self._scope
        if name not in scope.variables and name in scope.names.sections:
            raise Fault(f"{name} is a section", Span(node), f"Write {name}['key'] = value.")
        if name not in scope.variables and name in scope.names.settings:
            message = f"`{name} = …` makes a local variable in Ruby, and does not set {name}"
            raise Fault(message, Span(node), f"Write {name} 'value', without the sign.")
        scope.assigned.setdefault(name, self._expressions.place(node))
        if scope.names.foreign(name):
            scope.read.add(name)
        scope.variables[name] = value

    def _assign_key(self, node: Node, value: object) -> None:
        outer_node, key_node = self._parts(node)
        outer, key = self.container(outer_node), self._expressions.evaluate(key_node)
        place = self._expressions.place(key_node)
        if isinstance(outer, TrackedDict):
            if not isinstance(key, str):
                message = f"the keys of settings are strings or symbols, not {kind(key)}"
                raise Fault(message, Span(key_node))
            check_elements(len(outer) + 1)
            keep(outer, key, value, place, self._scope.budget)
        elif isinstance(outer, TrackedList):
            if not isinstance(key, int) or not -len(outer) <= key < len(outer):
                raise Fault("the array has no such element", Span(key_node), "Add one with <<.")
            outer[key] = kept(outer, value, place, self._scope.budget)
            outer.places[key] = place
        else:
            raise Fault(f"{kind(outer)} has no keys to assign to", Span(outer_node))

    def container(self, node: Node, depth: int = 0) -> object:
        """What a key is put into. Sections, and hashes in them, come into being. Raises NoValue.

        Args:
            node: the name, with or without keys.
            depth: how many keys follow.
        """
        if node.type == "identifier":
            return self._named_container(node)
        if node.type != "element_reference":
            return self._expressions.evaluate(node)
        outer_node, key_node = self._parts(node)
        if depth > MAX_NESTING:
            raise Fault(f"hashes are nested more than {MAX_NESTING} levels deep", Span(key_node))
        outer = self.container(outer_node, depth + 1)
        if not isinstance(outer, TrackedDict) or not outer.owned:
            return self._expressions.evaluate(node)
        key = self._expressions.key(key_node)
        if outer.get(key) is None:
            place = self._expressions.place(key_node)
            keep(outer, key, TrackedDict(owned=True), place, self._scope.budget)
        return _known(outer[key])

    def _named_container(self, node: Node) -> object:
        name, scope = self._expressions.text(node), self._scope
        if name in scope.variables:
            scope.read.add(name)
            return _known(scope.variables[name])
        if scope.is_section(name):
            if scope.values.get(name) is None:
                scope.values.put(name, TrackedDict(owned=True), self._expressions.place(node))
            return _known(scope.values[name])
        if name in scope.names.settings:
            raise Fault(f"{name} has one value, not keys", Span(node), f"Write {name} 'value'.")
        if name in scope.assigned or scope.may_exist(name):
            raise Poisoned
        known = [*scope.variables, *sorted(scope.names.settings | scope.names.sections)]
        raise Fault(f"unknown section {name}", Span(node), did_you_mean(nearest(name, known)))

    def _parts(self, node: Node) -> tuple[Node, Node]:
        parts = named(node)
        if len(parts) != 2:
            raise Fault("one key stands between square brackets", Span(node))
        return parts[0], parts[1]

    def _refuse_call(self, node: Node) -> None:
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        hint = ""
        if receiver is not None and method is not None and receiver.type == "identifier":
            hint = f"Write {self._expressions.text(receiver)}['{self._expressions.text(method)}'] = …"
        raise Fault("settings are written with square brackets", Span(method or node), hint)

    def _current(self, left: Node) -> object:
        """The value of the left side of ||=, nil where there is none yet."""
        if left.type == "identifier":
            name = self._expressions.text(left)
            if name not in self._scope.variables and not self._scope.is_setting(name):
                return None
        return self._expressions.evaluate(left)

    def _poison_target(self, target: Node, *, is_call: bool) -> None:
        root, keys = path_of(target, self._expressions.text)
        scope = self._scope
        if not root:
            return
        if root in scope.variables or not scope.is_setting(root):
            if not keys and not is_call:
                scope.assigned.setdefault(root, self._expressions.place(target))
                scope.variables[root] = POISON
            elif root in scope.variables:
                scope.variables[root] = POISON
        elif keys or root not in scope.names.sections:
            last = named(target)[-1] if target.type == "element_reference" else target
            scope.poison([root, *keys], self._expressions.place(last))


def sides(node: Node) -> tuple[Node, Node]:
    """Both sides of an assignment. Raises Fault where one is missing."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        raise Fault("a side of this assignment is missing", Span(node))
    return left, right


def changed(node: Node, text: Callable[[Node], str]) -> Node | None:
    """What a node by itself gives a value to or changes; for `external_url 'x'` its name."""
    if node.type in ASSIGNMENTS:
        return node.child_by_field_name("left")
    if node.type == "call":
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        if receiver is None:
            return method
        return receiver if method is not None and text(method) in CHANGING else None
    return node.children[0] if is_append(node) else None


def path_of(node: Node, text: Callable[[Node], str]) -> tuple[str, list[str]]:
    """The name and the written-out keys of `name['key']['key']`; the name is "" where there is none.

    Args:
        node: a target, or what a method is called on.
        text: returns a node as it is written.
    """
    keys: list[str] = []
    while node.type in ("element_reference", "call", "binary"):
        if node.type == "element_reference":
            parts = named(node)
            key = _written_key(parts[1], text) if len(parts) == 2 else None
            if key is None:
                keys.clear()
            else:
                keys.append(key)
            node = parts[0]
            continue
        first = node.child_by_field_name("receiver") or node.child_by_field_name("left")
        if first is None:
            break
        node = first
        keys.clear()
    return (text(node), keys[::-1]) if node.type in ("identifier", "constant") else ("", [])


def _written_key(node: Node, text: Callable[[Node], str]) -> str | None:
    written = text(node)
    if node.type == "simple_symbol":
        return written[1:]
    plain = node.type == "string" and len(written) > 1 and "\\" not in written and "#{" not in written
    return written[1:-1] if plain and written[0] in "'\"" else None


def is_append(node: Node) -> bool:
    """Whether a node is `left << right`."""
    return node.type == "binary" and len(node.children) == 3 and node.children[1].type == "<<"


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is in it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack += reversed(one.named_children)


def names_read(root: Node, data: bytes) -> Iterator[str]:
    """The names that a program reads; not those that it only gives a value.

    Args:
        root: the program.
        data: its text in UTF-8.
    """
    assigned: set[int] = set()
    for node in walk(root):
        if node.type == "assignment" and (left := node.child_by_field_name("left")):
            assigned.add(left.id)
        elif node.type in ("identifier", "constant") and node.id not in assigned:
            yield data[node.start_byte : node.end_byte].decode()


def _known(value: object) -> object:
    if value is POISON:
        raise Poisoned
    return value
