"""Calls of Ruby's methods as Python writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ctl.settings.conversion.terms import (
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
    Term,
)
from ctl.settings.language.faults import Fault
from ctl.settings.ruby import advice
from ctl.settings.ruby.grammar import Span, parts

if TYPE_CHECKING:
    from tree_sitter import Node

    from ctl.settings.conversion.expressions import Translator

_NEWLINE: Final = ' + "\\n"'
"""What is added to read_file() where File.read stands: the last newline."""

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


class Methods:
    """Writes calls in Python.

    Args:
        translator: writes what is called, and the arguments.
    """

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
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
            "fetch": lambda receiver, given: _get(receiver, given),
            "dig": _dig,
            "compact": lambda receiver, _: Term(
                f"[one for one in {receiver.at(ATOM)} if one is not None]", ATOM, LIST
            ),
            "uniq": lambda receiver, _: Term(
                f"list(dict([[one, 1] for one in {receiver.at(ATOM)}]))", ATOM, LIST
            ),
        }

    def call(self, node: Node) -> Term:
        """A call with a value. Raises Fault where it has no Python form."""
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        if method is None:
            raise Fault("a call without a name is not read in a gitlab.rb", Span(node))
        name = self._translator.text(method)
        if receiver is None:
            hint = advice.of_call(name)
            raise Fault(f"`{name}` is not read in a gitlab.rb", Span(method), hint)
        if receiver.type == "constant" and not self._translator.variable(self._translator.text(receiver)):
            return self._constant(self._translator.text(receiver), name, node)
        if node.child_by_field_name("block") is not None:
            hint = advice.of_method(name) or "Write the value out."
            raise Fault(f"`{name}` with a block is not read in a gitlab.rb", Span(method), hint)
        return self._method(node, receiver, name)

    def _method(self, node: Node, receiver: Node, name: str) -> Term:
        value, given = self._translator.term(receiver), self._translator.arguments(node)
        sign = node.child_by_field_name("operator")
        result = self._applied(name, value, given, node)
        if sign is None or sign.type != "&.":
            return result
        kind = TEXT if result.kind == WORD else ANY
        return Term(f"{result.at(1)} if {value.at(5)} is not None else None", TERNARY, kind)

    def _applied(self, name: str, value: Term, given: list[Term], node: Node) -> Term:
        if name in _SAME and not given:
            return value
        if name in ("strip", "rstrip") and value.text.endswith(_NEWLINE):
            value = replace(value, text=value.text.removesuffix(_NEWLINE), strength=ATOM)
        if name in self._special:
            return self._special[name](value, given)
        if name in _TESTS and len(given) == _TESTS[name][0]:
            _, form, strength = _TESTS[name]
            return Term(form.format(value.at(5), *(one.at(5) for one in given)), strength, BOOL)
        if name in _FORMS and len(given) == _FORMS[name][0]:
            _, form, kind = _FORMS[name]
            return Term(form.format(_text_at(value), *(one.text for one in given)), ATOM, kind)
        raise Fault(f"`{name}` cannot be converted", Span(node), advice.of_method(name))

    def _constant(self, constant: str, name: str, node: Node) -> Term:
        given = self._translator.arguments(node)
        if constant == "ENV" and given:
            return self._environment(name, given, node)
        if constant in ("File", "IO") and name == "read" and len(given) == 1:
            # File.read keeps the last newline, read_file() drops it.
            return Term(f'read_file({given[0].text}) + "\\n"', 8, WORD, safe=False)
        hint = advice.of_constant(constant)
        raise Fault(f"`{constant}.{name}` is not read in a gitlab.rb", Span(node), hint)

    def _environment(self, name: str, given: list[Term], node: Node) -> Term:
        variable = given[0].text
        if name in ("key?", "has_key?", "include?", "member?"):
            return Term(f"env({variable}, None) is not None", 4, BOOL)
        if name not in ("fetch", "[]"):
            raise Fault(f"`ENV.{name}` is not read in a gitlab.rb", Span(node), "Write ENV['NAME'].")
        if len(given) == 2:
            kind = WORD if given[1].kind == WORD else TEXT if given[1].kind == NIL else ANY
            return Term(f"env({variable}, {given[1].text})", ATOM, kind, safe=given[1].safe)
        block = node.child_by_field_name("block")
        body = block.child_by_field_name("body") if block is not None else None
        if body is not None:
            default = self._translator.term(parts(body, 1)[0])
            return Term(f"env({variable}, {default.text})", ATOM, WORD if default.kind == WORD else ANY)
        return Term(f"env({variable})", ATOM, WORD, safe=False)


def _text_at(value: Term) -> str:
    """A receiver; an environment variable that is missing would have no methods in Ruby either."""
    return f"env({value.env})" if value.env is not None else value.at(ATOM)


def _chomp(receiver: Term, given: list[Term]) -> Term:
    if given:
        return Term(f"{_text_at(receiver)}.removesuffix({given[0].text})", ATOM, WORD)
    if receiver.text.startswith("read_file(") and receiver.text.endswith(_NEWLINE):
        return Term(receiver.text.removesuffix(_NEWLINE), ATOM, WORD, safe=False)
    return Term(f'{_text_at(receiver)}.removesuffix("\\n")', ATOM, WORD)


def _to_i(receiver: Term, _: list[Term]) -> Term:
    if receiver.env is not None:
        return Term(f'int(env({receiver.env}, "0"))', ATOM, INT)
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
    return Term(f"{receiver.at(ATOM)}.get({', '.join(one.text for one in given)})", ATOM, ANY)


def _dig(receiver: Term, given: list[Term]) -> Term:
    text = receiver.at(ATOM)
    for one in given[:-1]:
        text = f"{text}.get({one.text}, {{}})"
    return Term(f"{text}.get({given[-1].text})" if given else text, ATOM, ANY)
