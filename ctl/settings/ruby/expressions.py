"""Evaluating Ruby's expressions: one method for each kind of syntax node that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from ctl.settings.language.faults import POISON, Fault, NoValue, Poisoned
from ctl.settings.language.limits import check_elements, check_number
from ctl.settings.language.places import Place
from ctl.settings.language.scope import AS_TEXT, Scope, did_you_mean
from ctl.settings.language.tracked import TrackedDict, TrackedList
from ctl.settings.nearest import nearest
from ctl.settings.ruby import advice, operators
from ctl.settings.ruby.calls import Calls
from ctl.settings.ruby.grammar import Span, named, parts
from ctl.settings.ruby.strings import Strings
from ctl.settings.ruby.words import kind, truthy

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH: Final = 80
"""Expressions inside each other."""

_LONGEST_NUMBER: Final = 400


class Expressions:
    """Evaluates the expressions of one reading.

    Args:
        scope: the state of the reading.

    Attributes:
        data: the file being read, in UTF-8.
        bodies: the bodies of its heredocs, by the offset of their beginnings.
        quiet: nothing is reported: the statement is of another component.
        anchor: where everything is told that is wrong inside a text of several lines: those lines are not shown,
            as they may be a secret.
        assign: carries out `b = 1` inside `a = b = 1`; set by what owns the targets.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.data = b""
        self.bodies: dict[int, Node] = {}
        self.quiet = False
        self.anchor: Node | None = None
        self.assign: Callable[[Node], object] = _nowhere
        self._depth = 0
        self._calls = Calls(self)
        strings = Strings(self)
        self._visits: dict[str, Callable[[Node], object]] = {
            "string": strings.string,
            "chained_string": strings.chained,
            "heredoc_beginning": strings.heredoc,
            "character": lambda node: self.text(node)[1:],
            "simple_symbol": lambda node: self.text(node)[1:],
            "hash_key_symbol": self.text,
            "delimited_symbol": strings.string,
            "integer": self._integer,
            "float": self._float,
            "true": lambda _: True,
            "false": lambda _: False,
            "nil": lambda _: None,
            "array": lambda node: TrackedList(*self.each(named(node))),
            "string_array": strings.words,
            "symbol_array": strings.words,
            "hash": self.hash,
            "identifier": self._name,
            "constant": self._constant,
            "element_reference": self._element,
            "call": self._calls.call,
            "binary": self._binary,
            "unary": self._unary,
            "conditional": self._conditional,
            "if": self._branches,
            "unless": self._branches,
            "then": self.block,
            "else": self.block,
            "parenthesized_statements": self.block,
            "assignment": lambda node: self.assign(node),
        }

    def evaluate(self, node: Node) -> object:
        """The value of an expression.

        Raises:
            NoValue: it has none; a Fault has its place.
            LimitReached: the reading takes too many steps.
        """
        self.scope.budget.charge(1)
        visit = self._visits.get(node.type)
        self._depth += 1
        try:
            if visit is None:
                raise self.refusal(node)
            if self._depth > MAX_DEPTH:
                raise Fault(
                    "this nests expressions too deeply to be read", hint="Take it apart with variables."
                )
            return visit(node)
        except Fault as fault:
            fault.node = fault.node or Span(node)
            raise
        finally:
            self._depth -= 1

    def refusal(self, node: Node) -> Fault:
        """The failure of a construct that is not read."""
        name, hint = advice.of_node(node.type) or (f"this ({node.type.replace('_', ' ')})", "")
        return Fault(f"{name} is not read in a gitlab.rb", Span(node), hint)

    def text(self, node: Node) -> str:
        """A node as it is written."""
        return self.data[node.start_byte : node.end_byte].decode()

    def place(self, node: Node) -> Place:
        """The place of a node of the file being read."""
        return self.scope.source, Span(node)

    def report(self, problem: NoValue, node: Node) -> None:
        """Keeps what is to be said about a failure, unless the statement is of another component."""
        if self.anchor is not None and isinstance(problem, Fault):
            problem.node = Span(self.anchor)
        if not self.quiet:
            self.scope.report(problem, Span(node))

    def key(self, node: Node) -> str:
        """The value of an expression that is a key. Raises NoValue where it is no text."""
        value = self.evaluate(node)
        if not isinstance(value, str):
            raise Fault(f"the keys of settings are strings or symbols, not {kind(value)}", Span(node))
        return value

    def each(self, nodes: Iterable[Node]) -> tuple[list[object], list[Place]]:
        """The values of several expressions with their places; `*more` is spread, bare pairs are one hash.

        Raises:
            Poisoned: one has no value; that has been reported.
        """
        values: list[object] = []
        places: list[Place] = []
        pairs: list[Node] = []
        failed = False
        for node in nodes:
            if node.type in ("pair", "hash_splat_argument"):
                pairs.append(node)
                continue
            try:
                given = self._spread(node) if node.type == "splat_argument" else [self.evaluate(node)]
            except NoValue as problem:
                self.report(problem, node)
                failed = True
            else:
                values += given
                places += [self.place(node)] * len(given)
        if pairs:
            values.append(self.pairs(pairs))
            places.append(self.place(pairs[0]))
        if failed:
            raise Poisoned
        check_elements(len(values))
        return values, places

    def _spread(self, node: Node) -> list[object]:
        value = self.evaluate(parts(node, 1)[0])
        if not isinstance(value, TrackedList):
            raise Fault(f"* spreads an array, not {kind(value)}", Span(node))
        self.scope.budget.charge(len(value))
        return list(value)

    def arguments(self, node: Node) -> list[object]:
        """The values that a call is called with. Raises NoValue."""
        return self._calls.arguments(node).values

    def hash(self, node: Node) -> TrackedDict:
        """The value of a hash in braces."""
        return self.pairs(named(node))

    def pairs(self, nodes: Iterable[Node]) -> TrackedDict:
        """A hash of pairs. Raises Poisoned where one has no value; that has been reported."""
        result = TrackedDict()
        failed = False
        for node in nodes:
            try:
                self._pair(node, result)
            except NoValue as problem:
                self.report(problem, node)
                failed = True
        if failed:
            raise Poisoned
        check_elements(len(result))
        return result

    def _pair(self, node: Node, result: TrackedDict) -> None:
        if node.type == "hash_splat_argument":
            added = self.evaluate(parts(node, 1)[0])
            if not isinstance(added, TrackedDict):
                raise Fault(f"** spreads a hash, not {kind(added)}", Span(node))
            self.scope.budget.charge(len(added))
            for key, value in added.items():
                result.put(key, value, added.places.get(key))
            return
        key_node, value_node = node.child_by_field_name("key"), node.child_by_field_name("value")
        if key_node is None or value_node is None:
            raise Fault("the key has no value", Span(node), "Write 'key' => value.")
        result.put(self.key(key_node), self.evaluate(value_node), self.place(key_node))

    def _integer(self, node: Node) -> object:
        text = self.text(node).replace("_", "").lower()
        if len(text) > _LONGEST_NUMBER:
            raise Fault("the number has too many digits")
        if text.startswith("0d"):
            text = text[2:].lstrip("0") or "0"
        elif len(text) > 1 and text[0] == "0" and text[1].isdigit():
            text = "0o" + text[1:]
        try:
            return check_number(int(text, 0) if text[:1] == "0" and len(text) > 1 else int(text))
        except ValueError:
            raise Fault("this is no whole number") from None

    def _float(self, node: Node) -> object:
        text = self.text(node).replace("_", "")
        try:
            return check_number(float(text[:_LONGEST_NUMBER]))
        except ValueError:
            raise Fault("this is no number") from None

    def _name(self, node: Node) -> object:
        name, scope = self.text(node), self.scope
        if name in scope.variables:
            scope.read.add(name)
            value = scope.variables[name]
        elif scope.is_section(name):
            if scope.values.get(name) is None:
                scope.mentioned.add(name)
                scope.values.put(name, TrackedDict(owned=True), self.place(node))
            value = scope.values[name]
        elif name in scope.names.settings:
            value = scope.values.get(name)
            if value is None and scope.may_exist(name):
                raise Poisoned
        else:
            raise self._unknown(name, node)
        if value is POISON:
            raise Poisoned
        return value

    def _unknown(self, name: str, node: Node) -> NoValue:
        if name in advice.RESERVED:
            return Fault(
                f"`{name}` belongs to nothing here", Span(node), "Is one too many, or one missing above?"
            )
        hint = advice.of_call(name)
        if not hint and self.scope.may_exist(name):
            return Poisoned()
        names = self.scope.names
        known = [*list(self.scope.variables)[-100:], *sorted(names.sections | names.settings)]
        return Fault(
            f"unknown name {name}", Span(node), hint or did_you_mean(nearest(name, known)) or AS_TEXT
        )

    def _constant(self, node: Node) -> object:
        name = self.text(node)
        if name in self.scope.variables:
            return self._name(node)
        if name == "ENV":
            raise Fault("ENV is no value by itself", Span(node), "Write ENV['NAME'].")
        raise Fault(f"the constant {name} is not read in a gitlab.rb", Span(node), advice.of_constant(name))

    def _element(self, node: Node) -> object:
        parts = named(node)
        if len(parts) != 2:
            raise Fault("one key or number stands between square brackets", Span(node))
        if parts[0].type == "constant" and self.text(parts[0]) == "ENV":
            return self._calls.environment(parts[1])
        outer, key = self.evaluate(parts[0]), self.evaluate(parts[1])
        found: object = None
        if isinstance(outer, TrackedDict) and isinstance(key, str):
            found = outer.get(key)
            if found is None and key not in outer and outer.owned and self.scope.may_exist(key):
                raise Poisoned
        elif isinstance(outer, TrackedList) and isinstance(key, int):
            found = outer[key] if -len(outer) <= key < len(outer) else None
        elif outer is not None or not self._is_in_settings(parts[0]):
            raise Fault(f"{kind(outer)} has no elements that {kind(key)} names", Span(parts[1]))
        if found is POISON:
            raise Poisoned
        return found

    def _is_in_settings(self, node: Node) -> bool:
        """Whether a chain of keys begins with a section: keys that are not given are nil at every depth."""
        while node.type == "element_reference":
            node = named(node)[0]
        name = self.text(node)
        return node.type == "identifier" and name not in self.scope.variables and self.scope.is_section(name)

    def _binary(self, node: Node) -> object:
        left, sign, right = self._sides(node)
        if sign in ("&&", "and"):
            value = self.evaluate(left)
            return self.evaluate(right) if truthy(value) else value
        if sign in ("||", "or"):
            value = self.evaluate(left)
            return value if truthy(value) else self.evaluate(right)
        if sign == "<<":
            return self._calls.append(left, right)
        if sign not in operators.KNOWN:
            raise operators.unknown(sign)
        one, other = self.evaluate(left), self.evaluate(right)
        return operators.binary(sign, one, other, self.scope.budget)

    def _sides(self, node: Node) -> tuple[Node, str, Node]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        sign = node.child_by_field_name("operator")
        if left is None or right is None or sign is None:
            raise self.refusal(node)
        return left, sign.type, right

    def _unary(self, node: Node) -> object:
        operand, sign = parts(node, 1)[0], self.text(node.children[0])
        if sign in ("!", "not"):
            return not truthy(self.evaluate(operand))
        if sign in ("-", "+"):
            value = operators.negated(self.evaluate(operand))
            return value if sign == "-" else operators.negated(value)
        raise Fault(f"{sign} is not read in a gitlab.rb", Span(node))

    def _conditional(self, node: Node) -> object:
        branch = "consequence" if truthy(self._part(node, "condition")) else "alternative"
        return self._part(node, branch)

    def _part(self, node: Node, field: str) -> object:
        part = node.child_by_field_name(field)
        return None if part is None else self.evaluate(part)

    def _branches(self, node: Node) -> object:
        """The value of `if` or `unless`: that of the branch taken."""
        negate = node.type == "unless"
        while True:
            taken = truthy(self._part(node, "condition")) is not negate
            branch = node.child_by_field_name("consequence" if taken else "alternative")
            if branch is None:
                return None
            if branch.type != "elsif":
                return self.block(branch)
            node, negate = branch, False

    def block(self, node: Node) -> object:
        """The value of the last of several expressions."""
        value: object = None
        for part in named(node):
            if part.type != "empty_statement":
                value = self.evaluate(part)
        return value


def _nowhere(_: Node) -> Any:  # noqa: ANN401
    raise Fault("nothing can be assigned here")
