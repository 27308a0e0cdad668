"""Ruby's simple statements as Python has them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.functions import INCLUDE
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, inside, named, need
from ctl.language.ruby.program import CHANGING, is_append, path_of, refusal, sides
from ctl.language.ruby.to_python.choices import sign_of
from ctl.language.ruby.to_python.expressions import Translator
from ctl.language.ruby.to_python.loops import included
from ctl.language.ruby.to_python.methods import no_function
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.terms import WORDS, Term, at, union
from ctl.language.ruby.to_python.written import Comment
from ctl.language.scope import did_you_mean
from ctl.text.nearest import nearest

_TARGETS: Final = ("identifier", "constant", "element_reference", "call")
_CHANGES: Final[dict[str, type[ast.operator]]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}


class Statements(Translator):
    """Writes statements in Python.

    Args:
        state: what is known of the file.

    Attributes:
        remarks: what a person should know of the result.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.remarks: list[str] = []
        self._handlers: dict[str, Callable[[Node], list[ast.stmt]]] = {
            "assignment": lambda node: [self._assignment(node)],
            "operator_assignment": self._operator_assignment,
            "if_modifier": self._modifier,
            "unless_modifier": self._modifier,
            "call": self._call,
            "binary": self._without_effect,
        }

    def write(self, node: Node) -> list[ast.stmt]:
        """A statement in Python. Raises Fault."""
        handler = self._handlers.get(node.type)
        if handler is not None:
            return handler(node)
        self.term(node)
        hint = ""
        if node.type == "element_reference":
            written = self.text(node)
            shown = written if len(written) < 80 and "\n" not in written else "registry['key']"
            hint = f"To give a setting its value, write {shown} = …"
        raise Fault("this line has no effect", Span(node), hint)

    def test(self, node: Node, *, negate: bool) -> ast.expr:
        """A condition as Python's `if` takes it, or its opposite. Raises Fault."""
        test = self.condition(node)
        return (self.state.negated(test) if negate else test).node

    def _assignment(self, node: Node) -> ast.Assign:
        left, right = sides(node)
        if left.type not in _TARGETS:
            raise refusal(left)
        further = self._assignment(right) if right.type == "assignment" else None
        value = Term(further.value) if further else self.term(right)
        targets = further.targets if further else []
        made = at(ast.Assign([self._target(left), *targets], value.node), Span(node))
        gap = self.state.program.data[left.end_byte : right.start_byte].decode()
        if gap.strip() == "=" and "\n" not in gap and not targets:
            made.sign = gap.rstrip()[:-1] + "= "  # type: ignore[attr-defined]
        self.state.note(left, value.kind)
        return made

    def _target(self, left: Node) -> ast.expr:
        if left.type in ("identifier", "constant"):
            self._check_name(left)
        elif left.type == "element_reference":
            self._check_section(left)
        else:
            raise self._with_a_point(left)
        return self.target(left)

    def _with_a_point(self, node: Node) -> Fault:
        receiver, method = field(node, "receiver"), field(node, "method")
        hint = ""
        if receiver is not None and method is not None and receiver.type == "identifier":
            hint = f"Write {self.text(receiver)}['{self.text(method)}'] = …"
        return Fault("settings are written with square brackets", Span(method or node), hint)

    def _check_name(self, node: Node) -> None:
        name, names = self.text(node), self.state.names
        if name in names.settings:
            message = f"`{name} = …` makes a local variable in Ruby, and does not set {name}"
            raise Fault(message, Span(node), f"Write {name} 'value', without the sign.")
        if name in names.sections and name not in self.state.kinds:
            raise Fault(f"{name} is a section", Span(node), f"Write {name}['key'] = value.")

    def _check_section(self, node: Node) -> None:
        root = path_of(node, self.text)[0]
        first = node
        while first.type == "element_reference":
            first = named(first)[0]
        state = self.state
        if not root or root in state.kinds or state.included or root in state.doubtful:
            return
        state.check_lost(root)
        if root in state.names.settings:
            raise Fault(f"{root} has one value, not keys", Span(first), f"Write {root} 'value'.")
        if not state.is_setting(root):
            near = nearest(root, sorted(state.names.sections | state.names.settings))
            hint = ruby_advice.CONSTANTS.get(root) or did_you_mean(near)
            raise Fault(f"unknown section {root}", Span(first), hint)

    def _operator_assignment(self, node: Node) -> list[ast.stmt]:
        left, right = sides(node)
        sign = field(node, "operator")
        operator = (sign.type if sign is not None else "").removesuffix("=")
        if operator == "<<":
            return self._appended(left, right)
        if operator == "||" and left.type == "element_reference" and self.text(named(left)[0]) == "ENV":
            return self._environment_default(left, right)
        target = self._target(left)
        self.state.check_lost(self.text(left))
        if operator == "||":
            return self._default(node, target)
        if operator not in _CHANGES:
            raise Fault(f"{operator}= is not read in a gitlab.rb", Span(node), "Write it out: name = name …")
        self._known(left)
        return [at(ast.AugAssign(target, _CHANGES[operator](), self.term(right).node), Span(node))]  # type: ignore[arg-type]

    def _environment_default(self, left: Node, right: Node) -> list[ast.stmt]:
        """`ENV['X'] ||= 'y'`: from here on ENV['X'] is read with that default."""
        name, value = self.term(named(left)[1]), self.term(right)
        if value.kind != "text" or self.state.conditional or name.literal is None:
            raise Fault("a default of the environment is a text, and given on no condition", Span(right))
        self.state.environment.setdefault(name.literal, value)
        return [Comment([f"# From here on the environment's {name.literal} has a default."])]

    def _known(self, left: Node) -> None:
        """Raises Fault where a variable that is changed has no value yet."""
        if left.type in ("identifier", "constant"):
            self.term(left)

    def _default(self, node: Node, target: ast.expr) -> list[ast.stmt]:
        """`target ||= value`: where it is true, the former value holds."""
        state, (left, right) = self.state, sides(node)
        value = self.term(right)
        assignment = at(ast.Assign([target], value.node), Span(node))
        if self._is_new(left):
            state.note(left, value.kind)
            return [assignment]
        test = self.test(left, negate=True)
        if left.type == "element_reference":
            state.paths[state.path(left)] = "any"
        else:
            before = Term(ast.Constant(None), state.kinds.get(self.text(left), "any"))
            # In a branch that may not be taken, the name can also keep what it had.
            untouched = before.kind if state.conditional else None
            state.kinds[self.text(left)] = union(untouched, before.when_true, value.kind)
        return [at(ast.If(test, [assignment], []), Span(node))]

    def _is_new(self, left: Node) -> bool:
        """Whether nothing above gives it a value."""
        path = self.state.path(left)
        if self.state.included or path[0] in self.state.kinds:
            return False
        return not any(path[:length] in self.state.paths for length in range(1, len(path) + 1))

    def guard(self, node: Node) -> tuple[ast.expr, Node]:
        """The condition of `… if …` or `… unless …`, and what depends on it. Raises Fault."""
        return self.test(need(node, "condition"), negate=node.type == "unless_modifier"), need(node, "body")

    def _modifier(self, node: Node) -> list[ast.stmt]:
        test, body = self.guard(node)
        with self.state.on_condition():
            return [at(ast.If(test, self.write(body), []), Span(node))]

    def _call(self, node: Node) -> list[ast.stmt]:
        receiver, method = field(node, "receiver"), field(node, "method")
        if method is None:
            raise Fault("a call without a name is not read in a gitlab.rb", Span(node))
        name, names = self.text(method), self.state.names
        if self.text(receiver or method) in self.state.lost:
            return [self._statement(self.term(node).node, node)]
        if receiver is not None:
            return self._effect(node, receiver, name)
        if name == INCLUDE:
            return self._from_file(node)
        if name not in names.settings and not names.foreign(name):
            raise no_function(self.state, name, method)
        if field(node, "block") is not None:
            raise Fault("a block is not read in a gitlab.rb", Span(node), f"Write {name} 'value'.")
        given = self.arguments(node)
        if len(given) != 1 and name in names.settings:
            raise Fault(f"{name} takes one value", Span(node), f"Write {name} 'value'.")
        return self._called(name, given, node, method)

    def _called(self, name: str, given: list[Term], node: Node, method: Node) -> list[ast.stmt]:
        function = at(ast.Name(name, ast.Load()), Span(method))
        return [self._statement(at(ast.Call(function, [one.node for one in given], []), Span(node)), node)]

    @staticmethod
    def _statement(value: ast.expr, node: Node) -> ast.stmt:
        return at(ast.Expr(value), Span(node))

    def _effect(self, node: Node, receiver: Node, name: str) -> list[ast.stmt]:
        """A method that changes what it is called on: a setting, or a variable."""
        pattern = included(self, node)
        if pattern is not None:
            self.state.included = True
            return self._called(INCLUDE, [pattern], node, node)
        if name not in CHANGING:
            self.term(node)
            raise Fault("this line has no effect", Span(node))
        if receiver.type == "element_reference":
            self._check_section(receiver)
            self.state.paths.setdefault(self.state.path(receiver), "any")
        given = inside(node, "arguments")
        if name in ("<<", "push", "append") and given:
            return self._each_appended(receiver, given)
        if name in ("merge!", "update") and receiver.type in ("identifier", "element_reference"):
            values = self.arguments(node)
            target = self.target(receiver, ast.Load())
            return self._each("a.update(b)", target, values, node)
        return [self._statement(self.term(node).node, node)]

    def _each(self, pattern: str, target: ast.expr, values: Iterable[Term], node: Node) -> list[ast.stmt]:
        forms = (self.state.form(pattern, "any", Span(node), self.state.copy(target), one) for one in values)
        return [self._statement(one.node, node) for one in forms]

    def _from_file(self, node: Node) -> list[ast.stmt]:
        given = self.arguments(node)
        if len(given) != 1:
            raise Fault("from_file takes one path", Span(node), "Write from_file '/path.rb'.")
        self.state.included = True
        path = given[0].literal
        if isinstance(path, str) and path.endswith(".rb"):
            self.remarks.append(f"{path} is read as it is; it can be converted too.")
        return self._called(INCLUDE, given, node, node)

    def _without_effect(self, node: Node) -> list[ast.stmt]:
        sign = sign_of(node)
        left, right = sides(node)
        if sign == "<<":
            return self._appended(left, right)
        self.term(node)
        hint = "To give a setting its value, write =, not ==." if sign == "==" else ""
        raise Fault("this line has no effect", Span(node), hint)

    def _appended(self, left: Node, right: Node) -> list[ast.stmt]:
        added = [right]
        while is_append(left):
            left, right = sides(left)
            added.append(right)
        return self._each_appended(left, reversed(added))

    def _each_appended(self, left: Node, added: Iterable[Node]) -> list[ast.stmt]:
        if left.type not in ("identifier", "constant", "element_reference"):
            raise Fault("<< adds to an array or a string that has a name", Span(left))
        path = self.state.path(left)
        if len(path) > 1:
            self._check_section(left)
        else:
            self._known(left)
        if self._is_new(left):
            hint = "Give it an array first: … = []."
            raise Fault("there is no array yet that << could add to", Span(left), hint)
        kind = self.state.kinds.get(path[0], "any") if len(path) == 1 else self.state.paths.get(path, "any")
        if kind not in ("text", "text or None", "list", "None", "any"):
            what = WORDS.get(kind, "this")
            raise Fault(f"<< adds to an array or a string, not to {what}", Span(left))
        terms = (self.term(one) for one in added)
        if kind in ("text", "text or None"):
            target = self.target(left)
            return [
                at(ast.AugAssign(self.state.copy(target), ast.Add(), one.node), Span(left)) for one in terms
            ]
        return self._each("a.append(b)", self.target(left, ast.Load()), terms, left)
