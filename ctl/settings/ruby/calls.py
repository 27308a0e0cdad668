"""Calls in expressions: ENV, File.read, and the methods of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctl.settings.language.faults import Fault, Poisoned
from ctl.settings.language.limits import check_text
from ctl.settings.language.places import is_plain_path
from ctl.settings.language.scope import did_you_mean
from ctl.settings.language.text_files import FileProblem, read_text
from ctl.settings.language.tracked import TrackedList
from ctl.settings.nearest import nearest
from ctl.settings.ruby import advice
from ctl.settings.ruby.grammar import Span, named, parts
from ctl.settings.ruby.methods import Call, call_method, push
from ctl.settings.ruby.words import kind

if TYPE_CHECKING:
    from tree_sitter import Node

    from ctl.settings.ruby.expressions import Expressions

INCLUDE: Final = "from_file"

_FILE_STEPS: Final = 50
_ENVIRONMENT: Final = "Write ENV['NAME'] or ENV.fetch('NAME', 'default')."
_FILE: Final = "Write File.read('/path')."


class Calls:
    """Evaluates calls in expressions.

    Args:
        expressions: evaluates what is called, and the arguments.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._scope = expressions.scope

    def call(self, node: Node) -> object:
        """The value of a call. Raises NoValue."""
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        if method is None:
            raise Fault("a call without a name is not read in a gitlab.rb", Span(node))
        name = self._expressions.text(method)
        if receiver is None:
            raise self._function(name, method)
        if receiver.type == "constant":
            constant = self._expressions.text(receiver)
            if constant == "ENV":
                return self._environment_call(name, node, method)
            if constant in ("File", "IO") and name == "read":
                return self._read(node)
            if constant not in self._scope.variables:
                raise self._constant_call(constant, name, node)
        return self._method(node, receiver, name, method)

    def _method(self, node: Node, receiver: Node, name: str, method: Node) -> object:
        block = node.child_by_field_name("block")
        if block is not None:
            raise Fault(
                f"`{name}` with a block is not read in a gitlab.rb",
                Span(method),
                advice.of_method(name) or "Write the value out.",
            )
        self._refuse_attribute(node, receiver, name, method)
        value = self._expressions.evaluate(receiver)
        sign = node.child_by_field_name("operator")
        if value is None and sign is not None and sign.type == "&.":
            return None
        arguments = self.arguments(node)
        try:
            return call_method(value, name, arguments)
        except Fault as fault:
            fault.node = fault.node or Span(method)
            raise

    def _refuse_attribute(self, node: Node, receiver: Node, name: str, method: Node) -> None:
        """registry.log_level is no setting: it is registry['log_level']."""
        if receiver.type == "identifier" and node.child_by_field_name("arguments") is None:
            root, scope = self._expressions.text(receiver), self._scope
            if root in scope.names.sections and root not in scope.variables and not name.endswith(("?", "!")):
                hint = f"Write {root}['{name}']."
                raise Fault("settings are written with square brackets", Span(method), hint)

    def arguments(self, node: Node) -> Call:
        """What a call is called with. Raises NoValue."""
        listed = node.child_by_field_name("arguments")
        values, places = self._expressions.each(named(listed)) if listed else ([], [])
        return Call(values, places, self._scope.budget)

    def environment(self, node: Node) -> object:
        """ENV[…]: the text of a variable, or nil."""
        name = self._expressions.key(node)
        found = self._scope.environment.get(name)
        if found is not None:
            self._scope.budget.charge_text(len(found))
        return found

    def append(self, left: Node, right: Node) -> object:
        """The value of `left << right` where it is no statement: an array or text with one more."""
        receiver, added = self._expressions.evaluate(left), self._expressions.evaluate(right)
        if isinstance(receiver, TrackedList):
            place = self._expressions.place(right)
            return push(receiver, Call([added], [place], self._scope.budget))
        if isinstance(receiver, str) and isinstance(added, str):
            check_text(len(receiver) + len(added))
            self._scope.budget.charge_text(len(receiver) + len(added))
            return receiver + added
        raise Fault(f"<< adds to an array or a string, not {kind(added)} to {kind(receiver)}", Span(left))

    def _function(self, name: str, node: Node) -> Fault | Poisoned:
        scope, span = self._scope, Span(node)
        if name == INCLUDE or name in scope.names.settings or scope.names.foreign(name):
            return Fault(f"{name} with a value is a statement", span, "Write it on a line of its own.")
        if name in scope.names.sections:
            return Fault(f"{name} is a section", span, f"Write {name}['key'] = value.")
        hint = advice.of_call(name)
        if not hint and scope.may_exist(name):
            return Poisoned()
        known = sorted(scope.names.settings | scope.names.sections)
        hint = hint or did_you_mean(nearest(name, known))
        if hint and advice.of_call(name):
            return Fault(f"`{name}` is not read in a gitlab.rb", span, hint)
        return Fault(f"unknown function or setting {name}", span, hint)

    def _constant_call(self, constant: str, name: str, node: Node) -> Fault:
        hint = advice.of_constant(constant)
        if constant in ("File", "IO"):
            hint = _FILE
        return Fault(f"`{constant}.{name}` is not read in a gitlab.rb", Span(node), hint)

    def _environment_call(self, name: str, node: Node, method: Node) -> object:
        values = self.arguments(node).values
        block = node.child_by_field_name("block")
        if not values or not isinstance(values[0], str) or len(values) > 2:
            raise Fault(f"`ENV.{name}` is called with the wrong arguments", Span(method), _ENVIRONMENT)
        found = self._scope.environment.get(values[0])
        if name in ("key?", "has_key?", "include?", "member?") and len(values) == 1:
            return found is not None
        if name not in ("fetch", "[]"):
            raise Fault(f"`ENV.{name}` is not read in a gitlab.rb", Span(method), _ENVIRONMENT)
        if found is not None:
            self._scope.budget.charge_text(len(found))
            return found
        if len(values) == 2:
            return values[1]
        body = block.child_by_field_name("body") if block else None
        if body is not None:
            return self._expressions.evaluate(parts(body, 1)[0])
        raise Fault(
            f"there is no environment variable {self._shown(node, values[0])}",
            Span(node),
            "Set it for this command (sudo drops it without -E), or give a default: ENV.fetch('NAME', '…').",
        )

    def _shown(self, node: Node, value: str) -> str:
        """A string argument, if it is written out here or a plain path; it may be a secret where it is not."""
        listed = node.child_by_field_name("arguments")
        written = listed is not None and f"'{value}'" in self._expressions.text(listed).replace('"', "'")
        return value if written or is_plain_path(value) else "of that name"

    def _read(self, node: Node) -> str:
        """File.read: the text of a file, with its last newline. Relative to the folder of the settings file."""
        arguments = self.arguments(node)
        if len(arguments.values) != 1 or not isinstance(arguments.values[0], str):
            raise Fault("File.read takes one path", Span(node), _FILE)
        path = arguments.values[0]
        self._scope.budget.charge_file()
        self._scope.budget.charge(_FILE_STEPS)
        try:
            text = read_text(self._scope.source.path.parent / path)
        except FileProblem as problem:
            shown = self._shown(node, path)
            shown = "named here" if shown == "of that name" else shown
            raise Fault(f"the file {shown} {problem.message}", Span(node), problem.hint) from None
        self._scope.budget.charge_text(len(text))
        return text
