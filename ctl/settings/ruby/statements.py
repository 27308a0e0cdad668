"""Carrying out statements, one after the other; one that fails does not keep the next from being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctl.settings.language.faults import Fault, LimitReached, NoValue
from ctl.settings.language.places import Place
from ctl.settings.language.scope import Scope
from ctl.settings.language.tracked import TrackedDict
from ctl.settings.ruby import advice
from ctl.settings.ruby.calls import INCLUDE
from ctl.settings.ruby.expressions import Expressions
from ctl.settings.ruby.grammar import Span, named
from ctl.settings.ruby.methods import CHANGING
from ctl.settings.ruby.targets import ASSIGNMENTS, Targets, changed, path_of
from ctl.settings.ruby.words import truthy

if TYPE_CHECKING:
    from tree_sitter import Node

Include = Callable[[Path, "Node"], None]

_NOTHING: Final = frozenset({"comment", "heredoc_body", "uninterpreted", "empty_statement"})
_MODIFIERS: Final = ("if_modifier", "unless_modifier")
_MAX_DEPTH: Final = 40
"""Conditions inside each other."""


class Statements:
    """Carries out the statements of one reading.

    Args:
        scope: the state of the reading.
        include: reads another settings file, on behalf of the call that asks for it.
        others: whether a key of one of our sections is another component's ("gitlab_rails", "ldap_servers").

    Attributes:
        expressions: evaluates; it must be given each file's text.
        ignored: where statements of other components were not understood.
    """

    def __init__(self, scope: Scope, include: Include, others: Callable[[str, str], bool]) -> None:
        self._scope = scope
        self._include = include
        self._others = others
        self.expressions = Expressions(scope)
        self._targets = Targets(self.expressions)
        self.expressions.assign = self._targets.assignment
        self.ignored: list[Place] = []
        self._depth = 0
        self._handlers: dict[str, Callable[[Node], None]] = {
            "assignment": self._assign,
            "operator_assignment": self._targets.operator_assignment,
            "call": self._call,
            "binary": self._binary,
            "if": self._if,
            "unless": self._if,
            "if_modifier": self._modifier,
            "unless_modifier": self._modifier,
            "parenthesized_statements": lambda node: self.run(named(node)),
        }

    def run(self, nodes: Iterable[Node]) -> None:
        """Carries out statements in their order. Raises LimitReached, with the place."""
        self._depth += 1
        try:
            for node in nodes:
                if node.type not in _NOTHING:
                    self._run_one(node)
        except LimitReached as limit:
            limit.location = limit.location or self._scope.source.location(Span(node))
            raise
        finally:
            self._depth -= 1

    def _run_one(self, node: Node) -> None:
        self._scope.budget.charge(1)
        quiet = self.expressions.quiet
        foreign = self._foreign(node)
        self.expressions.quiet = quiet or foreign is not None
        try:
            if self._depth > _MAX_DEPTH:
                raise Fault("statements are nested too deeply to be read")
            self._handlers.get(node.type, self._other)(node)
        except RecursionError:
            self.expressions.report(Fault("this is nested too deeply to be read"), node)
        except NoValue as problem:
            if foreign is not None:
                self._ignore(node, *foreign)
            else:
                self.expressions.report(problem, node)
                self._targets.poison(node)
        finally:
            self.expressions.quiet = quiet

    def _foreign(self, node: Node) -> tuple[str, str] | None:
        """The name and first key of another component's setting that a statement is about; else None."""
        while node.type in _MODIFIERS and (body := node.child_by_field_name("body")):
            node = body
        text = self.expressions.text
        target = changed(node, text)
        if target is None and node.type == "call":
            target = node.child_by_field_name("receiver")
        if target is None:
            return None
        root, keys = path_of(target, text)
        if not root or root in self._scope.variables:
            return None
        if self._scope.names.foreign(root):
            return root, keys[0] if keys else ""
        return (root, keys[0]) if keys and self._others(root, keys[0]) else None

    def _ignore(self, node: Node, name: str, key: str) -> None:
        """What is not understood of another component's setting counts as given: it is not used anyway."""
        values, place = self._scope.values, self.expressions.place(node)
        if not isinstance(values.get(name), TrackedDict):
            values.put(name, TrackedDict(owned=True), place)
        section = values[name]
        if name in self._scope.names.sections and isinstance(section, TrackedDict):
            section.put(key, "", place)
        self.ignored.append(place)

    def _assign(self, node: Node) -> None:
        self._targets.assignment(node)

    def _if(self, node: Node) -> None:
        # A chain of elsif is walked in a loop, as recursion has its limit.
        negate = node.type == "unless"
        while True:
            condition = node.child_by_field_name("condition")
            if condition is None:
                raise Fault("there is no condition", Span(node))
            taken = truthy(self.expressions.evaluate(condition)) is not negate
            branches = node.child_by_field_name("alternative"), node.child_by_field_name("consequence")
            self._pass_over(branches[not taken])
            branch = branches[taken]
            if branch is None or branch.type != "elsif":
                self.run(named(branch) if branch else [])
                return
            node, negate = branch, False

    def _modifier(self, node: Node) -> None:
        body, condition = node.child_by_field_name("body"), node.child_by_field_name("condition")
        if body is None or condition is None:
            raise Fault("a part of this is missing", Span(node))
        if truthy(self.expressions.evaluate(condition)) is (node.type == "if_modifier"):
            self.run([body])
        else:
            self._pass_over(body)

    def _binary(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        sign = node.child_by_field_name("operator")
        if left is None or right is None or sign is None:
            raise Fault("a side of this is missing", Span(node))
        if sign.type == "<<":
            self._targets.append(left, right)
        elif sign.type in ("&&", "||", "and", "or") and right.type in ASSIGNMENTS:
            if truthy(self.expressions.evaluate(left)) is (sign.type in ("&&", "and")):
                self.run([right])
        else:
            self._other(node)

    def _call(self, node: Node) -> None:
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        name = self.expressions.text(method) if method else ""
        if receiver is not None:
            self.expressions.evaluate(node)
            if name not in CHANGING:
                raise Fault("this line has no effect", Span(node))
        elif name == INCLUDE:
            self._from_file(node)
        elif method is not None and (name in self._scope.names.settings or self._scope.names.foreign(name)):
            self._set_by_call(node, name, method)
        else:
            self.expressions.evaluate(node)

    def _set_by_call(self, node: Node, name: str, method: Node) -> None:
        if node.child_by_field_name("block") is not None:
            raise Fault("a block is not read in a gitlab.rb", Span(node), f"Write {name} 'value'.")
        values = self.expressions.arguments(node)
        if len(values) != 1 and name in self._scope.names.settings:
            raise Fault(f"{name} takes one value", Span(node), f"Write {name} 'value'.")
        self._targets.set_value(name, method, values[0] if values else None)

    def _other(self, node: Node) -> None:
        """A statement that is an expression: it has no effect, or is not read at all."""
        if node.type == "identifier" and self._scope.names.foreign(self.expressions.text(node)):
            return
        self.expressions.evaluate(node)
        hint = ""
        if node.type == "binary":
            hint = "To give a setting its value, write =, not ==."
        elif node.type in ("element_reference", "identifier"):
            written = self.expressions.text(node)
            shown = written if len(written) < 80 and "\n" not in written else "registry['key']"
            hint = f"To give a setting its value, write {shown} = …" if node.type != "identifier" else ""
        raise Fault("this line has no effect", Span(node), hint)

    def _from_file(self, node: Node) -> None:
        values = self.expressions.arguments(node)
        path = values[0] if len(values) == 1 else None
        if not isinstance(path, str) or not path:
            raise Fault("from_file takes one path", Span(node), "Write from_file '/path.rb'.")
        try:
            self._include(self._scope.source.path.parent / path, node)
        except NoValue:
            # What the file would have set is not known: nothing that is missing later is to be reported.
            self._scope.incomplete = True
            raise

    def _pass_over(self, node: Node | None) -> None:
        """Looks at statements that are not carried out for what is not read in any case."""
        stack = [node] if node else []
        while stack:
            one = stack.pop()
            self._scope.budget.charge(1)
            if self._foreign(one) is not None:
                continue
            if advice.of_node(one.type):
                self.expressions.report(self.expressions.refusal(one), one)
                continue
            if one.type in ASSIGNMENTS:
                self._note_variable(one)
            stack += reversed(one.named_children)

    def _note_variable(self, node: Node) -> None:
        left = node.child_by_field_name("left")
        if left is not None and left.type == "identifier":
            name = self.expressions.text(left)
            if not self._scope.is_setting(name):
                # Ruby knows the variable from here on, with nil in it.
                self._scope.variables.setdefault(name, None)
                self._scope.assigned.setdefault(name, self.expressions.place(left))
