"""Calls of Ruby's methods as Python has them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.functions import INCLUDE
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, field, inside
from ctl.language.ruby.to_python import outside
from ctl.language.ruby.to_python.state import State
from ctl.language.ruby.to_python.strings import Strings
from ctl.language.ruby.to_python.terms import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    LIST,
    MAP,
    NIL,
    TEXT,
    WORD,
    WORDS,
    Term,
    at,
)
from ctl.language.scope import did_you_mean
from ctl.text.nearest import nearest

if TYPE_CHECKING:
    from tree_sitter import Node

_SAME: Final = frozenset({"freeze", "to_sym", "to_str", "dup", "clone", "itself", "to_a", "to_h", "to_hash"})

_FORMS: Final[dict[str, tuple[int, str, str]]] = {
    # method: (how many arguments, Python, kind); a is the receiver, b and c are arguments
    "strip": (0, "a.strip()", WORD),
    "lstrip": (0, "a.lstrip()", WORD),
    "rstrip": (0, "a.rstrip()", WORD),
    "upcase": (0, "a.upper()", WORD),
    "downcase": (0, "a.lower()", WORD),
    "capitalize": (0, "a.capitalize()", WORD),
    "gsub": (2, "a.replace(b, c)", WORD),
    "sub": (2, "a.replace(b, c, 1)", WORD),
    "delete_prefix": (1, "a.removeprefix(b)", WORD),
    "delete_suffix": (1, "a.removesuffix(b)", WORD),
    "length": (0, "len(a)", INT),
    "size": (0, "len(a)", INT),
    "first": (0, "a[0]", ANY),
    "last": (0, "a[-1]", ANY),
    "sort": (0, "sorted(a)", LIST),
    "keys": (0, "list(a)", LIST),
    "values": (0, "list(a.values())", LIST),
    "push": (1, "a.append(b)", ANY),
    "append": (1, "a.append(b)", ANY),
    "concat": (1, "a.extend(b)", ANY),
    "unshift": (1, "a.insert(0, b)", ANY),
    "prepend": (1, "a.insert(0, b)", ANY),
    "merge!": (1, "a.update(b)", ANY),
    "update": (1, "a.update(b)", ANY),
    "store": (2, "a.update({b: c})", ANY),
    "delete": (1, "a.pop(b, None)", ANY),
    "compact": (0, "[one for one in a if one is not None]", LIST),
    "uniq": (0, "list(dict([[one, 1] for one in a]))", LIST),
    "to_f": (0, "float(a)", FLOAT),
    "nil?": (0, "a is None", BOOL),
    "empty?": (0, "len(a) == 0", BOOL),
    "zero?": (0, "a == 0", BOOL),
    "any?": (0, "len(a) > 0", BOOL),
    "include?": (1, "b in a", BOOL),
    "key?": (1, "b in a", BOOL),
    "has_key?": (1, "b in a", BOOL),
}

_AS_IT_IS: Final = frozenset({
    "nil?", "empty?", "zero?", "any?", "include?", "key?", "has_key?", "compact", "uniq", "to_f", "store", "to_s",
    "to_i", "join", "merge", "fetch", "dig",
})  # fmt: skip
"""Methods for which a variable of the environment need not be there; none of the others would be there for nil."""

_OF_TEXT: Final = frozenset({
    "strip", "lstrip", "rstrip", "chomp", "upcase", "downcase", "capitalize", "gsub", "sub", "delete_prefix",
    "delete_suffix", "split", "start_with?", "end_with?",
})  # fmt: skip
"""Methods that only strings have."""

_CONVERSIONS: Final = {"Integer": "to_i", "Float": "to_f", "String": "to_s"}


class Methods(Strings):
    """Writes calls."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._special: dict[str, Callable[[Term, list[Term], Span], Term]] = {
            "chomp": self._chomp,
            "to_s": self._to_s,
            "to_i": self._to_i,
            "split": self._split,
            "join": self._join,
            "start_with?": lambda value, given, place: self._starts("a.startswith(b)", value, given, place),
            "end_with?": lambda value, given, place: self._starts("a.endswith(b)", value, given, place),
            "merge": self._merge,
            "fetch": self._fetch,
            "dig": self._dig,
        }

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
        if field(node, "block") is not None:
            hint = ruby_advice.METHODS.get(name) or "Write the value out."
            raise Fault(f"`{name}` with a block is not read in a gitlab.rb", Span(method), hint)
        self._refuse_attribute(node, receiver, name, method)
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
        kind = TEXT if result.kind == WORD else ANY
        return self.state.form(
            "a if b is not None else None", kind, Span(node), result, self.state.copy(value.node)
        )

    def _applied(self, name: str, value: Term, given: list[Term], place: Span, method: Node) -> Term:
        """A method of a value; what is wrong with it is reported at the method's name. Raises Fault."""
        if name in _SAME and not given:
            return value
        here = Span(method)
        if name in ("strip", "rstrip") and value.file is not None:
            value = self.state.form("read_file(a)", WORD, value.node, value.file)
        if not _has(name, value.kind) or name not in {*self._special, *_FORMS, *_SAME}:
            raise _no_method(name, value, here, [*self._special, *_FORMS, *_SAME])
        value = value if name in _AS_IT_IS else self.state.needed(value, here)
        try:
            special = self._special.get(name)
            result = special(value, given, place) if special else self._form(name, value, given, place)
        except IndexError:
            message = f"{name} of {WORDS.get(value.kind, 'a value')} is called with the wrong arguments"
            raise Fault(message, here) from None
        _move(result.node, here)
        return result

    def _form(self, name: str, value: Term, given: list[Term], place: Span) -> Term:
        count, pattern, kind = _FORMS.get(name, (-1, "", ""))
        if len(given) != count:
            raise IndexError
        return self.state.form(pattern, kind, place, value, *given)

    def _chomp(self, value: Term, given: list[Term], place: Span) -> Term:
        if value.file is not None and not given:
            return self.state.form("read_file(a)", WORD, place, value.file)
        end = given[0] if given else self.state.constant("\n", WORD, place)
        return self.state.form("a.removesuffix(b)", WORD, place, value, end)

    def _to_s(self, value: Term, _: list[Term], place: Span) -> Term:
        if value.kind in (WORD, BOOL, TEXT, NIL, ANY):
            return self.state.as_text(value)
        return self.state.form("str(a)", WORD, place, value)

    def _to_i(self, value: Term, _: list[Term], place: Span) -> Term:
        if value.env is not None:
            return self.state.form('int(env(a, "0"))', INT, place, value.env)
        if value.kind == NIL:
            return self.state.constant(0, INT, place)
        return value if value.kind == INT else self.state.form("int(a)", INT, place, value)

    def _split(self, value: Term, given: list[Term], place: Span) -> Term:
        """Ruby leaves out empty parts at the end, and makes nothing of an empty text."""
        sign = given[0].literal if given else " "
        if sign == " ":
            return self.state.form("a.split()", LIST, place, value)
        if isinstance(sign, str) and len(sign) == 1:
            pattern = "a.rstrip(b).split(b) if a.rstrip(b) else []"
            return self.state.form(pattern, LIST, place, value, given[0])
        return self.state.form("[one for one in a.split(b) if one]", LIST, place, value, given[0])

    def _join(self, value: Term, given: list[Term], place: Span) -> Term:
        sign = given[0] if given else self.state.constant("", WORD, place)
        return self.state.form("a.join([str(one) for one in b])", WORD, place, sign, value)

    def _starts(self, pattern: str, value: Term, given: list[Term], place: Span) -> Term:
        wanted = (
            given[0].node
            if len(given) == 1
            else at(ast.Tuple([one.node for one in given], ast.Load()), place)
        )
        return self.state.form(pattern, BOOL, place, value, wanted)

    def _merge(self, value: Term, given: list[Term], place: Span) -> Term:
        for one in given:
            value = self.state.form("a | b", MAP, place, value, one)
        return Term(value.node, MAP)

    def _fetch(self, value: Term, given: list[Term], place: Span) -> Term:
        pattern = "a[b]" if len(given) == 1 else "a.get(b, c)"
        return self.state.form(pattern, ANY, place, value, given[0], *given[1:2])

    def _dig(self, value: Term, given: list[Term], place: Span) -> Term:
        for one in given[:-1]:
            value = self.state.form("a.get(b, {})", ANY, place, value, one)
        return self.state.form("a.get(b)", ANY, place, value, given[-1])


def _move(node: ast.expr, place: Span) -> None:
    """Puts the name of a method that is called, or the length that is asked for, at its place in the gitlab.rb."""
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Call):
        at(node.left, place)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        at(node.func, place)


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


def _has(name: str, kind: str) -> bool:
    """Whether a value of this kind may have a method; nil may be where it is never called."""
    if name in _OF_TEXT:
        return kind in (WORD, TEXT, ANY, NIL)
    if name in ("empty?", "length", "size"):
        return kind in (WORD, TEXT, LIST, MAP, ANY, NIL)
    return True


def _no_method(name: str, value: Term, place: Span, known: list[str]) -> Fault:
    hint = ruby_advice.METHODS.get(name) or did_you_mean(nearest(name, known))
    if value.kind == NIL and not hint:
        hint = "A setting that was not given above is nil."
    what = WORDS.get(value.kind)
    if what is None:
        return Fault(f"the method `{name}` is not read in a gitlab.rb", place, hint)
    return Fault(f"{what} has no method `{name}` that is read in a gitlab.rb", place, hint)
