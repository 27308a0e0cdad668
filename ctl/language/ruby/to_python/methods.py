"""Calls of Ruby's methods as Python has them."""

from __future__ import annotations

import ast
from typing import Any, Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.functions import INCLUDE
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, inside, named
from ctl.language.ruby.to_python import outside
from ctl.language.ruby.to_python.loops import LISTS, list_of
from ctl.language.ruby.to_python.state import State, arity
from ctl.language.ruby.to_python.strings import Strings
from ctl.language.ruby.to_python.terms import WORDS, Term, at, union
from ctl.language.scope import did_you_mean
from ctl.text.nearest import nearest

_SAME: Final = frozenset({"freeze", "to_sym", "to_str", "dup", "clone", "itself", "to_a", "to_h", "to_hash"})

_FORMS: Final[dict[str, tuple[Any, ...]]] = {
    # method: kind of the result, and Python for each number of arguments; a is the receiver, the others follow
    "strip": ("text", "a.strip()"),
    "lstrip": ("text", "a.lstrip()"),
    "rstrip": ("text", "a.rstrip()"),
    "chomp": ("text", r'a.removesuffix("\n")', "a.removesuffix(b)"),
    "upcase": ("text", "a.upper()"),
    "downcase": ("text", "a.lower()"),
    "capitalize": ("text", "a.capitalize()"),
    "gsub": ("text", "a.replace(b, c)"),
    "sub": ("text", "a.replace(b, c, 1)"),
    "delete_prefix": ("text", "a.removeprefix(b)"),
    "delete_suffix": ("text", "a.removesuffix(b)"),
    "start_with?": ("bool", "a.startswith(b)", "a.startswith((b, c))"),
    "end_with?": ("bool", "a.endswith(b)", "a.endswith((b, c))"),
    "join": ("text", '"".join([str(one) for one in a])', "b.join([str(one) for one in a])"),
    "length": ("int", "len(a)"),
    "size": ("int", "len(a)"),
    "first": ("any", "a[0]"),
    "last": ("any", "a[-1]"),
    "sort": ("list", "sorted(a)"),
    "keys": ("list", "list(a)"),
    "values": ("list", "list(a.values())"),
    "fetch": ("any", "a[b]", "a.get(b, c)"),
    "dig": ("any", "a.get(b)", "a.get(b, {}).get(c)"),
    "merge": ("dict", "a | b", "a | b | c"),
    "push": ("any", "a.append(b)"),
    "append": ("any", "a.append(b)"),
    "concat": ("any", "a.extend(b)"),
    "unshift": ("any", "a.insert(0, b)"),
    "prepend": ("any", "a.insert(0, b)"),
    "merge!": ("any", "a.update(b)"),
    "update": ("any", "a.update(b)"),
    "store": ("any", "a.update({b: c})"),
    "delete": ("any", "a.pop(b, None)"),
    "compact": ("list", "[one for one in a if one is not None]"),
    "uniq": ("list", "list(dict([[one, 1] for one in a]))"),
    "to_f": ("float", "float(a)"),
    "nil?": ("bool", "a is None"),
    "empty?": ("bool", "len(a) == 0"),
    "zero?": ("bool", "a == 0"),
    "any?": ("bool", "len(a) > 0"),
    "include?": ("bool", "b in a"),
    "key?": ("bool", "b in a"),
    "has_key?": ("bool", "b in a"),
}

_AS_IT_IS: Final = frozenset({
    "nil?", "empty?", "zero?", "any?", "include?", "key?", "has_key?", "compact", "uniq", "to_f", "store", "to_s",
    "to_i", "join", "merge", "fetch", "dig",
})  # fmt: skip
"""Methods for which a variable of the environment need not be there; none of the others would be there for nil."""

_SPECIAL: Final = ("to_s", "to_i", "split")
_KNOWN: Final = (*_SPECIAL, *_FORMS, *_SAME)
_CONVERSIONS: Final = {"Integer": "to_i", "Float": "to_f", "String": "to_s"}


class Methods(Strings):
    """Writes calls."""

    def call(self, node: Node) -> Term:
        """A call with a value. Raises Fault where it has no Python form."""
        receiver, method, state = field(node, "receiver"), field(node, "method"), self.state
        first = receiver or method
        if first is not None and self.text(first) in state.lost:
            return self.term(first)
        if method is None:
            raise Fault("a call without a name is not read in a gitlab.rb", Span(node))
        name = self.text(method)
        if receiver is None:
            return self._function(node, name, method)
        if receiver.type == "constant" and self.text(receiver) not in state.kinds:
            return outside.call(self, self.text(receiver), name, node)
        if field(node, "block") is not None and name in LISTS:
            return list_of(self, node, name)
        if field(node, "block") is not None:
            hint = ruby_advice.METHODS.get(name) or "Write the value out."
            raise Fault(f"`{name}` with a block is not read in a gitlab.rb", Span(method), hint)
        self._refuse_attribute(node, receiver, name, method)
        if name in ("map", "collect") and (symbol := _symbol_of(node)) is not None:
            one = Term(at(ast.Name("one", ast.Load()), Span(symbol)))
            each = self._applied(self.text(symbol)[1:], one, [], Span(symbol), symbol)
            return self.state.form("[a for one in b]", "list", Span(symbol), each, self.term(receiver))
        return self._method(node, receiver, name, method)

    def _function(self, node: Node, name: str, method: Node) -> Term:
        given = inside(node, "arguments")
        if name in _CONVERSIONS and len(given) == 1:
            return self._applied(_CONVERSIONS[name], self.term(given[0]), [], Span(node), method)
        raise no_function(self.state, name, method)

    def _refuse_attribute(self, node: Node, receiver: Node, name: str, method: Node) -> None:
        """registry.log_level is no setting: it is registry['log_level']."""
        if receiver.type == "identifier" and field(node, "arguments") is None:
            root, state = self.text(receiver), self.state
            if root in state.names.sections and root not in state.kinds and not name.endswith(("?", "!")):
                hint = f"Write {root}['{name}']."
                raise Fault("settings are written with square brackets", Span(method), hint)

    def _method(self, node: Node, receiver: Node, name: str, method: Node) -> Term:
        value, given = self.term(receiver), self.arguments(node)
        sign = field(node, "operator")
        result = self._applied(name, value, given, Span(node), method)
        if sign is None or sign.type != "&.":
            return result
        test, kind = self.state.copy(value.node), union(result.kind, "None")
        return self.state.form("a if b is not None else None", kind, Span(node), result, test)

    def _applied(self, name: str, value: Term, given: list[Term], place: Span, method: Node) -> Term:
        """A method of a value; what is wrong with it is reported at the method's name. Raises Fault."""
        if name in _SAME and not given:
            return value
        here = Span(method)
        if value.file is not None and name in ("strip", "rstrip", "chomp"):
            value = self.state.form("read_file(a)", "text", value.node, value.file)
            if name == "chomp":
                return value
        if name not in _KNOWN:
            raise _no_method(name, value, here)
        value = value if name in _AS_IT_IS else self.state.needed(value, here)
        made = self._made(name, value, given, place)
        if made is None:
            of = WORDS.get(value.kind, "a value")
            raise Fault(f"{name} of {of} is called with the wrong arguments", here)
        _move(made.node, here)
        return made

    def _made(self, name: str, value: Term, given: list[Term], place: Span) -> Term | None:
        """The Python form of a method's value; None for a wrong number of arguments."""
        if name in _SPECIAL:
            return {"to_s": self._to_s, "to_i": self._to_i, "split": self._split}[name](value, given, place)
        kind, *patterns = _FORMS.get(name, ("any",))
        pattern = next((one for one in patterns if arity(one) == len(given) + 1), None)
        return self.state.form(pattern, kind, place, value, *given) if pattern else None

    def _to_s(self, value: Term, _: list[Term], place: Span) -> Term:
        if value.kind in ("text", "bool", "text or None", "None", "any"):
            return self.state.as_text(value)
        return self.state.form("str(a)", "text", place, value)

    def _to_i(self, value: Term, _: list[Term], place: Span) -> Term:
        if value.env is not None:
            return self.state.form('int(env(a, "0"))', "int", place, value.env)
        if value.kind == "None":
            return self.state.constant(0, "int", place)
        return value if value.kind == "int" else self.state.form("int(a)", "int", place, value)

    def _split(self, value: Term, given: list[Term], place: Span) -> Term:
        """Ruby leaves out empty parts at the end, and makes nothing of an empty text."""
        sign = given[0].literal if given else " "
        if sign == " ":
            return self.state.form("a.split()", "list", place, value)
        if isinstance(sign, str) and len(sign) == 1:
            pattern = "a.rstrip(b).split(b) if a.rstrip(b) else []"
            return self.state.form(pattern, "list", place, value, given[0])
        return self.state.form("[one for one in a.split(b) if one]", "list", place, value, given[0])


def _move(node: ast.expr, place: Span) -> None:
    """Puts the name of a method that is called, or the length that is asked for, at its place in the gitlab.rb."""
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
        at(node.left, place)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        at(node.func, place)


def _symbol_of(node: Node) -> Node | None:
    """The symbol of `map(&:name)`; None where there is none."""
    given = inside(node, "arguments")
    inner = named(given[0]) if len(given) == 1 and given[0].type == "block_argument" else []
    return inner[0] if inner and inner[0].type == "simple_symbol" else None


def no_function(state: State, name: str, node: Node) -> Fault:
    """The failure of calling what is no function."""
    names, span = state.names, Span(node)
    if name == INCLUDE or name in names.settings or names.foreign(name):
        return Fault(f"{name} with a value is a statement", span, "Write it on a line of its own.")
    if name in names.sections:
        return Fault(f"{name} is a section", span, f"Write {name}['key'] = value.")
    if hint := ruby_advice.of_call(name):
        return Fault(f"`{name}` is not read in a gitlab.rb", span, hint)
    hint = did_you_mean(nearest(name, sorted(names.settings | names.sections)))
    return Fault(f"unknown function or setting {name}{ruby_advice.odd_characters(name)}", span, hint)


def _no_method(name: str, value: Term, place: Span) -> Fault:
    hint = ruby_advice.METHODS.get(name) or did_you_mean(nearest(name, _KNOWN))
    if value.kind == "None" and not hint:
        hint = "A setting that was not given above is nil."
    what = WORDS.get(value.kind)
    if what is None:
        return Fault(f"the method `{name}` is not read in a gitlab.rb", place, hint)
    return Fault(f"{what} has no method `{name}` that is read in a gitlab.rb", place, hint)
