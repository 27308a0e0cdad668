"""Calls of Ruby's methods as Python writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, inside, named
from ctl.language.ruby.targets_of import INCLUDE
from ctl.language.ruby.to_python import inlined, outside_forms
from ctl.language.ruby.to_python.formats import formatted
from ctl.language.ruby.to_python.loops import each_of
from ctl.language.ruby.to_python.state import State, Writer
from ctl.language.ruby.to_python.terms import (
    ANY,
    ATOM,
    BOOL,
    FLOAT,
    INT,
    LIST,
    MAP,
    NIL,
    TERNARY,
    TEXT,
    WORD,
    WORDS,
    Term,
)
from ctl.language.scope import did_you_mean
from ctl.text.nearest import nearest

if TYPE_CHECKING:
    from tree_sitter import Node

_SAME: Final = frozenset({"freeze", "to_sym", "to_str", "dup", "clone", "itself", "to_a", "to_h", "to_hash"})

_FORMS: Final[dict[str, tuple[int, str, str]]] = {
    # method: (how many arguments, Python, kind); {0} is the receiver, {1} and {2} are arguments
    "strip": (0, "{0}.strip()", WORD),
    "lstrip": (0, "{0}.lstrip()", WORD),
    "rstrip": (0, "{0}.rstrip()", WORD),
    "upcase": (0, "{0}.upper()", WORD),
    "downcase": (0, "{0}.lower()", WORD),
    "capitalize": (0, "{0}.capitalize()", WORD),
    "gsub": (2, "{0}.replace({1}, {2})", WORD),
    "sub": (2, "{0}.replace({1}, {2}, 1)", WORD),
    "delete_prefix": (1, "{0}.removeprefix({1})", WORD),
    "delete_suffix": (1, "{0}.removesuffix({1})", WORD),
    "length": (0, "len({0})", INT),
    "size": (0, "len({0})", INT),
    "first": (0, "{0}[0]", ANY),
    "last": (0, "{0}[-1]", ANY),
    "sort": (0, "sorted({0})", LIST),
    "keys": (0, "list({0})", LIST),
    "values": (0, "list({0}.values())", LIST),
    "push": (1, "{0}.append({1})", ANY),
    "append": (1, "{0}.append({1})", ANY),
    "concat": (1, "{0}.extend({1})", ANY),
    "unshift": (1, "{0}.insert(0, {1})", ANY),
    "prepend": (1, "{0}.insert(0, {1})", ANY),
    "merge!": (1, "{0}.update({1})", ANY),
    "update": (1, "{0}.update({1})", ANY),
    "delete": (1, "{0}.pop({1}, None)", ANY),
}

_TESTS: Final[dict[str, tuple[int, str, int]]] = {
    # method: (how many arguments, Python, how strongly it binds)
    "nil?": (0, "{0} is None", 4),
    "empty?": (0, "len({0}) == 0", 4),
    "zero?": (0, "{0} == 0", 4),
    "any?": (0, "len({0}) > 0", 4),
    "include?": (1, "{1} in {0}", 4),
    "key?": (1, "{1} in {0}", 4),
    "has_key?": (1, "{1} in {0}", 4),
}

_OF_TEXT: Final = frozenset({
    "strip", "lstrip", "rstrip", "chomp", "upcase", "downcase", "capitalize", "gsub", "sub", "delete_prefix",
    "delete_suffix", "split", "start_with?", "end_with?",
})  # fmt: skip
"""Methods that only strings have."""

_CONVERSIONS: Final = {"Integer": "to_i", "Float": "to_f", "String": "to_s"}
_FORMATS: Final = ("format", "sprintf")


class Methods:
    """Writes calls in Python.

    Args:
        writer: writes what is called, and the arguments.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._special: dict[str, Callable[[Term, list[Term]], Term]] = {
            "chomp": _chomp,
            "to_s": lambda receiver, _: receiver.as_string(),
            "to_i": _to_i,
            "to_f": lambda receiver, _: Term(f"float({receiver.text})", ATOM, FLOAT),
            "split": _split,
            "join": _join,
            "start_with?": lambda receiver, given: _starts("startswith", receiver, given),
            "end_with?": lambda receiver, given: _starts("endswith", receiver, given),
            "merge": _merge,
            "fetch": _get,
            "dig": _dig,
            "store": lambda receiver, given: Term(
                f"{receiver.at(ATOM)}.update({{{given[0].text}: {given[1].text}}})", ATOM, ANY
            ),
            "compact": lambda receiver, _: Term(
                f"[one for one in {receiver.at(1)} if one is not None]", ATOM, LIST
            ),
            "uniq": lambda receiver, _: Term(
                f"list(dict([[one, 1] for one in {receiver.at(1)}]))", ATOM, LIST
            ),
        }

    def call(self, node: Node) -> Term:
        """A call with a value. Raises Fault where it has no Python form."""
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        state = self._writer.state
        name = self._writer.text(method) if method is not None else inlined.CALLS[0]
        if receiver is not None and name in inlined.CALLS and self._writer.text(receiver) in state.functions:
            return inlined.called(
                self._writer, self._writer.text(receiver), self._writer.arguments(node), node
            )
        if method is None:
            raise Fault("a call without a name is not read in a gitlab.rb", Span(node))
        if receiver is None:
            return self._function(node, name, method)
        if receiver.type == "constant" and self._writer.text(receiver) not in state.kinds:
            return outside_forms.call(self._writer, self._writer.text(receiver), name, node)
        if node.child_by_field_name("block") is not None:
            return each_of(self._writer, node, receiver, name)
        self._refuse_attribute(node, receiver, name, method)
        if name in ("map", "collect") and (symbol := _of_each(node)) is not None:
            return self._mapped(receiver, symbol)
        return self._method(node, receiver, name, method)

    def _function(self, node: Node, name: str, method: Node) -> Term:
        given, state = inside(node, "arguments"), self._writer.state
        if name in state.functions:
            return inlined.called(self._writer, name, self._writer.arguments(node), node)
        if name in _CONVERSIONS and len(given) == 1:
            return self._special[_CONVERSIONS[name]](self._writer.term(given[0]), [])
        if name in _FORMATS and given:
            form, *values = given
            return formatted(self._writer, form, values, node)
        raise no_function(state, name, method)

    def _refuse_attribute(self, node: Node, receiver: Node, name: str, method: Node) -> None:
        """registry.log_level is no setting: it is registry['log_level']."""
        if receiver.type == "identifier" and node.child_by_field_name("arguments") is None:
            root, state = self._writer.text(receiver), self._writer.state
            if root in state.names.sections and root not in state.kinds and not name.endswith(("?", "!")):
                hint = f"Write {root}['{name}']."
                raise Fault("settings are written with square brackets", Span(method), hint)

    def _mapped(self, receiver: Node, symbol: Node) -> Term:
        """`values.map(&:upcase)`."""
        values, one = self._writer.term(receiver), Term("one", ATOM, ANY)
        try:
            each = self._applied(self._writer.text(symbol)[1:], one, [])
        except Fault as fault:
            raise fault.at(Span(symbol)) from None
        return Term(f"[{each.at(1)} for one in {values.at(1)}]", ATOM, LIST)

    def _method(self, node: Node, receiver: Node, name: str, method: Node) -> Term:
        value, given = self._writer.term(receiver), self._writer.arguments(node)
        sign = node.child_by_field_name("operator")
        try:
            result = self._applied(name, value, given)
        except IndexError:
            raise _wrong_arguments(name, value, method) from None
        except Fault as fault:
            fault.node = fault.node or Span(method)
            raise
        if value.env is not None:
            self._writer.state.wrote(f"env({value.env})", method)
        self._writer.state.wrote(result.text.partition("(")[0], method)
        if name in ("empty?", "any?"):
            self._writer.state.wrote(result.text.rpartition(")")[0] + ")", method)
        if sign is None or sign.type != "&.":
            return result
        kind = TEXT if result.kind == WORD else ANY
        return Term(f"{result.at(1)} if {value.at(5)} is not None else None", TERNARY, kind)

    def _applied(self, name: str, value: Term, given: list[Term]) -> Term:
        if name in _SAME and not given:
            return value
        if name in ("strip", "rstrip") and value.text.endswith(outside_forms.NEWLINE):
            value = replace(value, text=value.text.removesuffix(outside_forms.NEWLINE), strength=ATOM)
        if not _has(name, value.kind) or not self._known(name):
            raise _no_method(name, value, [*self._special, *_TESTS, *_FORMS, *_SAME])
        if name in self._special:
            return self._special[name](value, given)
        if name in _TESTS and len(given) == _TESTS[name][0]:
            _, form, strength = _TESTS[name]
            return Term(form.format(value.at(5), *(one.at(5) for one in given)), strength, BOOL)
        if name in _FORMS and len(given) == _FORMS[name][0]:
            _, form, kind = _FORMS[name]
            return Term(form.format(_text_at(value), *(one.text for one in given)), ATOM, kind)
        raise Fault(f"{name} of {WORDS.get(value.kind, 'a value')} is called with the wrong arguments")

    def _known(self, name: str) -> bool:
        return name in self._special or name in _TESTS or name in _FORMS or name in _SAME


def _of_each(node: Node) -> Node | None:
    """The symbol of `map(&:name)`; None where there is none."""
    given = inside(node, "arguments")
    if len(given) != 1 or given[0].type != "block_argument":
        return None
    inner = named(given[0])
    return inner[0] if len(inner) == 1 and inner[0].type == "simple_symbol" else None


def no_function(state: State, name: str, node: Node) -> Fault:
    """The failure of calling what is no function."""
    names, span = state.names, Span(node)
    if name in state.lost:
        return state.lost[name]
    if name == INCLUDE or name in names.settings or names.foreign(name):
        return Fault(f"{name} with a value is a statement", span, "Write it on a line of its own.")
    if name in names.sections:
        return Fault(f"{name} is a section", span, f"Write {name}['key'] = value.")
    if hint := ruby_advice.of_call(name):
        return Fault(f"`{name}` is not read in a gitlab.rb", span, hint)
    near = nearest(name, sorted(names.settings | names.sections))
    return Fault(
        f"unknown function or setting {name}{ruby_advice.odd_characters(name)}", span, did_you_mean(near)
    )


def _has(name: str, kind: str) -> bool:
    """Whether a value of this kind may have a method; nil may be where it is never called."""
    if name in _OF_TEXT:
        return kind in (WORD, TEXT, ANY, NIL)
    if name in ("empty?", "length", "size"):
        return kind in (WORD, TEXT, LIST, MAP, ANY, NIL)
    return True


def _no_method(name: str, value: Term, known: list[str]) -> Fault:
    hint = ruby_advice.METHODS.get(name) or did_you_mean(nearest(name, known))
    if value.kind == NIL and not hint:
        hint = "A setting that was not given above is nil."
    what = WORDS.get(value.kind)
    if what is None:
        return Fault(f"the method `{name}` is not read in a gitlab.rb", hint=hint)
    return Fault(f"{what} has no method `{name}` that is read in a gitlab.rb", hint=hint)


def _wrong_arguments(name: str, value: Term, method: Node) -> Fault:
    what = WORDS.get(value.kind, "a value")
    return Fault(f"{name} of {what} is called with the wrong arguments", Span(method))


def _text_at(value: Term) -> str:
    """A receiver; an environment variable that is missing would have no methods in Ruby either."""
    return value.needed().at(ATOM)


def _chomp(receiver: Term, given: list[Term]) -> Term:
    if given:
        return Term(f"{_text_at(receiver)}.removesuffix({given[0].text})", ATOM, WORD)
    if receiver.text.startswith("read_file(") and receiver.text.endswith(outside_forms.NEWLINE):
        return Term(receiver.text.removesuffix(outside_forms.NEWLINE), ATOM, WORD)
    return Term(f'{_text_at(receiver)}.removesuffix("\\n")', ATOM, WORD)


def _to_i(receiver: Term, _: list[Term]) -> Term:
    if receiver.env is not None:
        return Term(f'int(env({receiver.env}, "0"))', ATOM, INT)
    if receiver.kind == NIL:
        return Term("0", ATOM, INT)
    return (
        replace(receiver, strength=ATOM) if receiver.kind == INT else Term(f"int({receiver.text})", ATOM, INT)
    )


def _split(receiver: Term, given: list[Term]) -> Term:
    """Ruby leaves out empty parts at the end, and makes nothing of an empty text."""
    if not given or given[0].text.strip("'\"") == " ":
        return Term(f"{_text_at(receiver)}.split()", ATOM, LIST)
    sign = given[0].text
    text = f"{_text_at(receiver)}.rstrip({sign})"
    if len(sign) == 3 and given[0].kind == WORD:
        return Term(f"{text}.split({sign}) if {text} else []", TERNARY, LIST)
    return Term(f"[one for one in {_text_at(receiver)}.split({sign}) if one]", ATOM, LIST)


def _join(receiver: Term, given: list[Term]) -> Term:
    sign = given[0].at(ATOM) if given else '""'
    return Term(f"{sign}.join([str(one) for one in {receiver.at(1)}])", ATOM, WORD)


def _starts(python: str, receiver: Term, given: list[Term]) -> Term:
    wanted = given[0].text if len(given) == 1 else f"({', '.join(one.text for one in given)})"
    return Term(f"{_text_at(receiver)}.{python}({wanted})", ATOM, BOOL)


def _merge(receiver: Term, given: list[Term]) -> Term:
    return Term(
        " | ".join([receiver.at(5), *(one.at(6) for one in given)]), 5 if given else receiver.strength, MAP
    )


def _get(receiver: Term, given: list[Term]) -> Term:
    if len(given) == 1:
        return Term(f"{receiver.at(ATOM)}[{given[0].text}]", ATOM, ANY)
    return Term(f"{receiver.at(ATOM)}.get({given[0].text}, {given[1].text})", ATOM, ANY)


def _dig(receiver: Term, given: list[Term]) -> Term:
    text = receiver.at(ATOM)
    for one in given[:-1]:
        text = f"{text}.get({one.text}, {{}})"
    return Term(f"{text}.get({given[-1].text})" if given else text, ATOM, ANY)
