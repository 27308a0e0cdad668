"""Ruby's expressions as Python has them. Values that depend on the environment still do afterwards."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, inside, named, parts
from ctl.language.ruby.program import refusal
from ctl.language.ruby.to_python import outside, written
from ctl.language.ruby.to_python.choices import Choices, sign_of
from ctl.language.ruby.to_python.methods import Methods
from ctl.language.ruby.to_python.state import OLD_VHOST, State
from ctl.language.ruby.to_python.strings import Strings
from ctl.language.ruby.to_python.terms import NEVER_NIL, WORDS, Kind, Term, at, union
from ctl.language.scope import AS_TEXT, did_you_mean
from ctl.text.nearest import nearest

_ARITHMETIC: Final = {"+": "a + b", "-": "a - b", "*": "a * b", "/": "a // b", "%": "a % b", "**": "a ** b"}
_COMPARISONS: Final = {
    "==": "a == b",
    "!=": "a != b",
    "<": "a < b",
    "<=": "a <= b",
    ">": "a > b",
    ">=": "a >= b",
}
_LISTS: Final = {
    "-": "[one for one in a if one not in b]",
    "|": "a + [one for one in b if one not in a]",
}
"""Operators of arrays that Python's lists do not have."""

_MATCHING: Final = ("=~", "!~", "===")
_MAX_DEPTH: Final = 80
"""Expressions inside each other."""


class Translator(Methods, Choices, Strings):
    """Writes expressions in Python.

    Args:
        state: what is known of the file.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._depth = 0
        self._visits: dict[str, Callable[[Node], Term]] = {
            **dict.fromkeys(("string", "delimited_symbol"), self.string),
            **dict.fromkeys(("string_array", "symbol_array"), self.words),
            **dict.fromkeys(("identifier", "constant"), self._name),
            **dict.fromkeys(("conditional", "if", "unless"), self.branches),
            "character": lambda node: self.word(self.text(node)[1:], node),
            "simple_symbol": lambda node: self.word(self.text(node)[1:], node),
            "hash_key_symbol": lambda node: self.word(self.text(node), node),
            "chained_string": self.chained,
            "heredoc_beginning": self.heredoc,
            "integer": lambda node: self._number(node, "int"),
            "float": lambda node: self._number(node, "float"),
            "true": lambda node: state.constant(True, "bool", Span(node)),
            "false": lambda node: state.constant(False, "bool", Span(node)),
            "nil": lambda node: state.constant(None, "None", Span(node)),
            "array": self._array,
            "hash": self._hash,
            "element_reference": self._element,
            "call": self.call,
            "binary": self._binary,
            "unary": self._unary,
            "case": self._case,
            "parenthesized_statements": self._parenthesized,
        }

    def term(self, node: Node) -> Term:
        """An expression in Python. Raises Fault where it has no Python form, with its place."""
        visit = self._visits.get(node.type)
        self._depth += 1
        try:
            if visit is None:
                raise refusal(node)
            if self._depth > _MAX_DEPTH:
                hint = "Take it apart with variables."
                raise Fault("this nests expressions too deeply to be read", hint=hint)
            return visit(node)
        except Fault as fault:
            fault.node = fault.node or Span(node)
            raise
        finally:
            self._depth -= 1

    def _number(self, node: Node, kind: Kind) -> Term:
        text = self.text(node)
        made = self.state.constant(written.number(text), kind, Span(node))
        if text[1:2] not in ("d", "D"):  # 0d10, which Python does not know
            made.node.written = re.sub("^0(?=[_0-7])", "0o", text)  # type: ignore[attr-defined]
        return made

    def _array(self, node: Node) -> Term:
        made = at(ast.List([]), Span(node))
        pairs, layout = self._contents(node, made.elts)
        if pairs:
            made.elts.append(self._dictionary(pairs, node).node)
        else:
            made.layout = layout  # type: ignore[attr-defined]
        return Term(made, "list")

    def _hash(self, node: Node) -> Term:
        pairs, layout = self._contents(node, [])
        made = self._dictionary(pairs, node)
        made.node.layout = layout  # type: ignore[attr-defined]
        return made

    def _dictionary(self, pairs: list[tuple[ast.expr | None, ast.expr]], node: Node) -> Term:
        return Term(
            at(ast.Dict([key for key, _ in pairs], [value for _, value in pairs]), Span(node)), "dict"
        )

    def _contents(
        self, node: Node, elements: list[ast.expr]
    ) -> tuple[list[tuple[ast.expr | None, ast.expr]], list[str | ast.expr]]:
        """The pairs of an array or hash, and its layout with the comments between its parts; takes its elements."""
        pairs, layout, end, faults = [], list[str | ast.expr](), node.start_byte, list[Fault]()
        for child in node.children:
            gap = self.state.program.data[end : child.start_byte] if end < child.start_byte else b""
            layout.append(gap.decode().replace("\\\n", "\n"))
            end = child.end_byte
            try:
                if child.type in ("pair", "hash_splat_argument"):
                    key, value = self._pair(child)
                    pairs.append((key, value))
                    layout += [key, ": ", value] if key is not None else [_spread(value)]
                elif child.is_named and child.type not in ("comment", "heredoc_body"):
                    elements.append(self._one(child))
                    layout.append(elements[-1])
                elif child.type != "heredoc_body":
                    layout.append(self.text(child))
            except Fault as fault:
                faults.append(fault)
        if faults:
            self.state.further += faults[1:]
            raise faults[0]
        return pairs, layout

    def _one(self, node: Node) -> ast.expr:
        if node.type == "splat_argument":
            return at(ast.Starred(self.term(parts(node, 1)[0]).node, ast.Load()), Span(node))
        return self.term(node).node

    def _pair(self, node: Node) -> tuple[ast.expr | None, ast.expr]:
        """A key with its value, or what is spread. Raises Fault."""
        if node.type == "hash_splat_argument":
            return None, self.term(parts(node, 1)[0]).node
        key, value = field(node, "key"), field(node, "value")
        if key is None or value is None:
            raise Fault("the key has no value", Span(node), "Write 'key' => value.")
        return self.term(key).node, self.term(value).node

    def arguments(self, node: Node) -> list[Term]:
        """What a call is called with; pairs without braces are one dictionary. Raises Fault."""
        given = inside(node, "arguments")
        pairs = [self._pair(part) for part in given if part.type in ("pair", "hash_splat_argument")]
        terms = [self.term(part) for part in given if part.type not in ("pair", "hash_splat_argument")]
        return [*terms, self._dictionary(pairs, field(node, "arguments") or node)] if pairs else terms

    def _name(self, node: Node) -> Term:
        name, state = self.text(node), self.state
        state.check_lost(name)
        if name in state.kinds:
            return self._named(written.name(name), state.kinds[name], node)
        if name in state.names.settings:
            return self._named(name, "text or None", node)
        if name == OLD_VHOST:
            return state.form('registry["nginx"]', "dict", Span(node))
        if name in state.names.sections or state.names.foreign(name):
            return self._named(name, "dict", node)
        hint = ruby_advice.CONSTANTS.get(name) or ruby_advice.of_call(name)
        if not hint and (state.included or name in state.doubtful):
            return self._named(written.name(name), "any", node)
        raise self._unknown(node, name, hint)

    @staticmethod
    def _named(name: str, kind: Kind, node: Node) -> Term:
        return Term(at(ast.Name(name, ast.Load()), Span(node)), kind)

    def _unknown(self, node: Node, name: str, hint: str) -> Fault:
        if name in ruby_advice.RESERVED:
            return Fault(
                f"`{name}` belongs to nothing here", Span(node), "Is one too many, or one missing above?"
            )
        if name == "ENV":
            return Fault("ENV is no value by itself", Span(node), "Write ENV['NAME'].")
        if node.type == "constant":
            return Fault(f"the constant {name} is not read in a gitlab.rb", Span(node), hint)
        names = self.state.names
        known = [*list(self.state.kinds)[-100:], *sorted(names.sections | names.settings)]
        hint = hint or did_you_mean(nearest(name, known)) or AS_TEXT
        return Fault(f"unknown name {name}{ruby_advice.odd_characters(name)}", Span(node), hint)

    def _element(self, node: Node) -> Term:
        outer, key = _two(node)
        written_outer, state = self.text(outer), self.state
        if outer.type == "constant" and written_outer == "ENV":
            return outside.variable(self, self.term(key), node)
        if outer.type in ("identifier", "call") and written_outer == "node" and "node" not in state.kinds:
            return self._of_the_machine(node, key)
        path = state.path(node)
        if path[0] in state.kinds or not state.is_setting(path[0]):
            return self._taken_out(self.term(outer), self.term(key), node)
        kind = state.paths.get(path, "any")
        if kind not in (*NEVER_NIL, "bool"):
            return Term(self._lookup(node, default=False), kind)
        return state.form("a[b]", kind, Span(node), self.term(outer), self.term(key))

    def _of_the_machine(self, node: Node, key: Node) -> Term:
        """node['fqdn'] and node['hostname'] of Chef, which GitLab's settings are read by."""
        name = self.term(key).literal
        if name in ("fqdn", "hostname"):
            return self.state.form(f"{name}()", "text", Span(node))
        hint = "Write the value itself; there are node['fqdn'] and node['hostname']."
        raise Fault(f"node['{name}'] is not read in a gitlab.rb", Span(node), hint)

    def _taken_out(self, outer: Term, key: Term, node: Node) -> Term:
        """What a variable holds: a key that is not there is nil, an element that is not there is refused."""
        is_key = key.kind == "text" and outer.kind in ("dict", "any")
        return self.state.form("a.get(b)" if is_key else "a[b]", "any", Span(node), outer, key)

    def _lookup(self, node: Node, *, default: bool) -> ast.expr:
        """A setting that may not be given: Ruby takes nil for it."""
        outer, key = _two(node)
        nested = outer.type == "element_reference"
        container = self._lookup(outer, default=True) if nested else self.term(outer).node
        pattern = "a.get(b, {})" if default else "a.get(b)"
        return self.state.form(pattern, "any", Span(node), container, self.term(key)).node

    def target(self, node: Node, ctx: ast.expr_context | None = None) -> ast.expr:
        """A setting or variable as it is given a value. Raises Fault."""
        if node.type == "element_reference":
            if len(self.state.path(node)) > _MAX_DEPTH:
                raise Fault("this is nested too deeply to be read", Span(node))
            outer, key = _two(node)
            container = self.target(outer, ast.Load())
            return at(ast.Subscript(container, self.term(key).node, ctx or ast.Store()), Span(node))
        if node.type not in ("identifier", "constant"):
            return self.term(node).node
        name = self.text(node)
        if name == OLD_VHOST and name not in self.state.kinds:
            return self.state.form('registry["nginx"]', "dict", Span(node)).node
        name = name if self.state.names.foreign(name) else written.name(name)
        return at(ast.Name(name, ctx or ast.Store()), Span(node))

    def _binary(self, node: Node) -> Term:
        sign, (left_node, right_node) = sign_of(node), parts(node, 2)
        if sign in ("&&", "and", "||", "or"):
            return self.choice(node)
        if sign not in (*_ARITHMETIC, *_COMPARISONS, *_LISTS):
            hint = "Compare with ==, start_with?, end_with? or include?." if sign in _MATCHING else ""
            raise Fault(f"the operator {sign} is not read in a gitlab.rb", Span(node), hint)
        left, right = self.term(left_node), self.term(right_node)
        if sign in _COMPARISONS:
            return self._comparison(sign, left, right, node)
        if sign == "|" or (sign == "-" and "list" in (left.kind, right.kind)):
            return self.state.form(_LISTS[sign], "list", Span(node), left, right)
        if sign == "%" and left.kind == "text":
            raise Fault("a format is not read in a gitlab.rb", Span(node), ruby_advice.FILL_IN)
        return self._operation(sign, left, right, node)

    def _operation(self, sign: str, left: Term, right: Term, node: Node) -> Term:
        if sign == "+":
            left, right = (self.state.needed(one, one.node) for one in (left, right))
        is_float = "float" in (left.kind, right.kind)
        pattern = "a / b" if sign == "/" and is_float else _ARITHMETIC[sign]
        kind = "float" if is_float else left.kind if left.kind != "any" else right.kind
        return self.state.form(pattern, kind, Span(node), left, right)

    def _comparison(self, sign: str, left: Term, right: Term, node: Node) -> Term:
        place, state = Span(node), self.state
        if sign in ("==", "!="):
            for one, other in ((left, right), (right, left)):
                if isinstance(other.node, ast.Constant) and (
                    other.literal is None or isinstance(other.literal, bool)
                ):
                    if one.kind in ("int", "float", "text", "list", "dict") or (
                        one.kind == "bool" and other.kind == "None"
                    ):
                        # Never equal in Ruby; in Python True is 1 and False is 0.
                        return state.constant(sign == "!=", "bool", place)
                    return state.form("a is b" if sign == "==" else "a is not b", "bool", place, one, other)
            if {left.kind, right.kind} in ({"bool", "int"}, {"bool", "float"}):
                return state.constant(sign == "!=", "bool", place)
        both = self._or_empty(left, right), self._or_empty(right, left)
        return state.form(_COMPARISONS[sign], "bool", place, *both)

    def _case(self, node: Node) -> Term:
        result = self.state.constant(None, "None", Span(node))
        for one in reversed(named(node)[field(node, "value") is not None :]):
            value = self.branch(field(one, "body") if one.type == "when" else one, node)
            if one.type == "when":
                kind, test = union(value.kind, result.kind), self.arm(node, one)
                value = self.state.form("a if b else c", kind, Span(node), value, test, result)
            result = value
        return result

    def arm(self, case: Node, when: Node) -> Term:
        """The condition of one `when` of a `case`: a value that is equal. Raises Fault."""
        subject, tests = field(case, "value"), list[ast.expr]()
        for one in when.children_by_field_name("pattern"):
            pattern = parts(one, 1)[0]
            if subject is None:
                tests.append(self.condition(pattern).node)
                continue
            wanted = self.term(pattern)
            if wanted.kind not in ("text", "int", "float", "bool", "None"):
                raise refusal(pattern)
            tests.append(self._comparison("==", self.term(subject), wanted, pattern).node)
        if not tests:
            raise Fault("there is no value after `when`", Span(when))
        return Term(tests[0] if len(tests) == 1 else at(ast.BoolOp(ast.Or(), tests), Span(when)), "bool")

    def _or_empty(self, one: Term, other: Term) -> Term:
        """A variable of the environment that is compared with text: "" will do where it is missing."""
        return (
            one if one.env is None or other.kind != "text" or other.literal == "" else self.state.as_text(one)
        )

    def _unary(self, node: Node) -> Term:
        operand, sign = parts(node, 1)[0], self.text(node.children[0])
        if sign in ("!", "not"):
            return self.state.negated(self.condition(operand))
        if sign not in ("-", "+"):
            raise Fault(f"{sign} is not read in a gitlab.rb", Span(node))
        value = self.term(operand)
        if value.kind not in ("int", "float", "any"):
            word = WORDS.get(value.kind, "this")
            raise Fault(f"the sign goes with numbers only, not with {word}", Span(node))
        return self.state.form(f"{sign}a", value.kind, Span(node), value)

    def _parenthesized(self, node: Node) -> Term:
        inner = named(node)
        if len(inner) != 1:
            raise Fault("there must be one expression between parentheses", Span(node))
        return self.term(inner[0])


def _spread(value: ast.expr) -> str:
    return ast.unparse(ast.Dict([None], [value]))[1:-1]


def _two(node: Node) -> tuple[Node, Node]:
    found = named(node)
    if len(found) != 2:
        raise Fault("there must be one key or number between square brackets", Span(node))
    return found[0], found[1]
