"""Ruby's expressions as Python writes them. Values that depend on the environment still do afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import Span, inside, named, parts
from ctl.language.ruby.program import refusal
from ctl.language.ruby.to_python import inlined, python_text
from ctl.language.ruby.to_python.choice_forms import Choices, sign_of
from ctl.language.ruby.to_python.commented_out import pair_comment
from ctl.language.ruby.to_python.formats import formatted
from ctl.language.ruby.to_python.method_forms import Methods
from ctl.language.ruby.to_python.state import OLD_VHOST, State
from ctl.language.ruby.to_python.strings import Strings
from ctl.language.ruby.to_python.terms import (
    ANY,
    ATOM,
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
)
from ctl.language.scope import AS_TEXT, did_you_mean
from ctl.text.nearest import nearest

if TYPE_CHECKING:
    from tree_sitter import Node

_SIGNS: Final[dict[str, tuple[str, int]]] = {
    "+": ("+", 8), "-": ("-", 8), "*": ("*", 9), "/": ("//", 9), "%": ("%", 9), "**": ("**", 11),
    "==": ("==", 4), "!=": ("!=", 4), "<": ("<", 4), "<=": ("<=", 4), ">": (">", 4), ">=": (">=", 4),
}  # fmt: skip
"""Ruby's operator to Python's, and how strongly it binds."""

_LISTS: Final = {
    "-": "[one for one in {0} if one not in {1}]",
    "|": "{0} + [one for one in {1} if one not in {0}]",
}
"""Operators of arrays that Python's lists do not have."""

_COMPARISON: Final = 4
_MATCHING: Final = ("=~", "!~", "===")
_MAX_DEPTH: Final = 80
"""Expressions inside each other."""

_GROWTH: Final = 60
_SMALL: Final = 3_000
"""How many times longer than the Ruby the Python may be, above a length that is allowed."""


class Translator:
    """Writes expressions in Python.

    Args:
        state: what is known of the file.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.text = state.program.text
        self._strings = Strings(self)
        choices = Choices(self)
        self.condition, self.arm, self.filled = choices.condition, choices.arm, self._strings.filled
        self._depth = 0
        self._visits: dict[str, Callable[[Node], Term]] = {
            "string": self._strings.string,
            "chained_string": self._strings.chained,
            "heredoc_beginning": self._strings.heredoc,
            "character": lambda node: self._strings.word(self.text(node)[1:]),
            "simple_symbol": lambda node: self._strings.word(self.text(node)[1:]),
            "hash_key_symbol": lambda node: self._strings.word(self.text(node)),
            "delimited_symbol": self._strings.string,
            "integer": lambda node: Term(python_text.number(self.text(node)), ATOM, INT),
            "float": lambda node: Term(python_text.number(self.text(node)), ATOM, FLOAT),
            "true": lambda _: Term("True", ATOM, BOOL),
            "false": lambda _: Term("False", ATOM, BOOL),
            "nil": lambda _: Term("None", ATOM, NIL),
            "array": lambda node: Term(self.container(node), ATOM, LIST),
            "hash": lambda node: Term(self.container(node), ATOM, MAP),
            "string_array": self._strings.words,
            "symbol_array": self._strings.words,
            "identifier": self._name,
            "constant": self._name,
            "element_reference": self._element,
            "call": Methods(self).call,
            "binary": self._binary,
            "unary": self._unary,
            "conditional": choices.conditional,
            "if": choices.branches,
            "unless": choices.branches,
            "case": choices.case,
            "parenthesized_statements": self._parenthesized,
        }
        self._choice, self.is_safe = choices.choice, choices.is_safe

    def term(self, node: Node) -> Term:
        """An expression in Python. Raises Fault where it has no Python form, with its place."""
        visit = self._visits.get(node.type)
        self._depth += 1
        try:
            if visit is None:
                raise refusal(node)
            if self._depth > _MAX_DEPTH:
                raise Fault(
                    "this nests expressions too deeply to be read", hint="Take it apart with variables."
                )
            found = visit(node)
            if len(found.text) > _SMALL + _GROWTH * (node.end_byte - node.start_byte):
                raise Fault("this is too tangled to be read", hint="Take it apart with variables.")
        except Fault as fault:
            fault.node = fault.node or Span(node)
            raise
        finally:
            self._depth -= 1
        self.state.wrote(found.text, node)
        return found

    def container(self, node: Node) -> str:
        """An array or a hash, with the layout and the comments between its parts. Raises Fault."""
        written, end = "", node.start_byte
        faults: list[Fault] = []
        for child in node.children:
            gap, end = self._gap(end, child), child.end_byte
            try:
                written += self._written(gap, child)
            except Fault as fault:
                faults.append(fault)
        if faults:
            self.state.further += faults[1:]
            raise faults[0]
        return written

    def _written(self, gap: str, child: Node) -> str:
        if child.type == "heredoc_body":
            return ""
        if child.type == "comment":
            return gap + pair_comment(self.text(child), self.state.snippet) if self.state.comments else gap
        return gap + (self._part(child) if child.is_named else self.text(child))

    def _gap(self, start: int, child: Node) -> str:
        """The white space before a part; inside an f-string no newline may be."""
        if start >= child.start_byte:
            return ""
        gap = self.state.program.data[start : child.start_byte].decode().replace("\\\n", "\n")
        return " " if self._strings.inside and "\n" in gap else gap

    def _part(self, node: Node) -> str:
        if node.type == "pair":
            return self.pair(node)
        if node.type in ("splat_argument", "hash_splat_argument"):
            stars = "*" if node.type == "splat_argument" else "**"
            return stars + self.term(parts(node, 1)[0]).at(ATOM)
        return self.term(node).text

    def pair(self, node: Node) -> str:
        """A key with its value. Raises Fault."""
        key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        if key is None or value is None:
            raise Fault("the key has no value", Span(node), "Write 'key' => value.")
        return f"{self.term(key).text}: {self.term(value).text}"

    def arguments(self, node: Node) -> list[Term]:
        """What a call is called with; pairs without braces are one dictionary. Raises Fault."""
        given = inside(node, "arguments")
        pairs = [self._part(part) for part in given if part.type in ("pair", "hash_splat_argument")]
        terms = [self.term(part) for part in given if part.type not in ("pair", "hash_splat_argument")]
        return [*terms, Term(f"{{{', '.join(pairs)}}}", ATOM, MAP)] if pairs else terms

    def _name(self, node: Node) -> Term:
        name, state = self.text(node), self.state
        if name in state.parameters:
            return state.parameters[name]
        if name in state.functions:
            return inlined.called(self, name, [], node)
        if name in state.lost:
            raise state.lost[name]
        if name in state.kinds:
            return Term(python_text.name(name), ATOM, state.kinds[name])
        if name in state.names.settings:
            return Term(name, ATOM, TEXT)
        if name == OLD_VHOST:
            return Term('registry["nginx"]', ATOM, MAP)
        if name in state.names.sections or state.names.foreign(name):
            return Term(name, ATOM, MAP)
        hint = ruby_advice.CONSTANTS.get(name) or ruby_advice.of_call(name)
        if not hint and (state.included or name in state.doubtful):
            return Term(python_text.name(name), ATOM, ANY)
        raise self._unknown(node, name, hint)

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
        odd = ruby_advice.odd_characters(name)
        return Fault(
            f"unknown name {name}{odd}", Span(node), hint or did_you_mean(nearest(name, known)) or AS_TEXT
        )

    def _element(self, node: Node) -> Term:
        outer, key = _two(node)
        if outer.type == "identifier" and self.text(outer) in self.state.functions:
            return inlined.called(self, self.text(outer), [self.term(key)], node)
        if outer.type == "constant" and self.text(outer) == "ENV":
            return self._environment(self.term(key))
        if (
            outer.type in ("identifier", "call")
            and self.text(outer) == "node"
            and "node" not in self.state.kinds
        ):
            return self._of_the_machine(node, key)
        path = self.state.path(node)
        if (
            path[0] in self.state.kinds
            or path[0] in self.state.parameters
            or not self.state.is_setting(path[0])
        ):
            return self._taken_out(self.term(outer), self.term(key))
        if path not in self.state.given:
            return Term(self._lookup(node), ATOM, ANY)
        kind = self.state.paths.get(path, ANY)
        return Term(f"{self.term(outer).at(ATOM)}[{self.term(key).text}]", ATOM, kind)

    def _environment(self, name: Term) -> Term:
        default = self.state.environment.get(name.text.strip("'\""))
        return (
            Term.environment(name)
            if default is None
            else Term(f"env({name.text}, {default.text})", ATOM, WORD)
        )

    def _of_the_machine(self, node: Node, key: Node) -> Term:
        """node['fqdn'] and node['hostname'] of Chef, which GitLab's settings are read by."""
        written = self.term(key).text.strip("'\"")
        if written in ("fqdn", "hostname"):
            return Term(f"{written}()", ATOM, WORD)
        raise Fault(
            f"node['{written}'] is not read in a gitlab.rb",
            Span(node),
            "Write the value itself; there are node['fqdn'] and node['hostname'].",
        )

    @staticmethod
    def _taken_out(outer: Term, key: Term) -> Term:
        """What a variable holds: a key that is not there is nil, an element that is not there is refused."""
        if key.kind == WORD and outer.kind in (MAP, ANY):
            return Term(f"{outer.at(ATOM)}.get({key.text})", ATOM, ANY)
        return Term(f"{outer.at(ATOM)}[{key.text}]", ATOM, ANY)

    def _lookup(self, node: Node) -> str:
        """A setting that may not be given: Ruby takes nil for it."""
        outer, key = _two(node)
        if outer.type != "element_reference":
            return f"{self.term(outer).at(ATOM)}.get({self.term(key).text})"
        return f"{self._lookup(outer)[:-1]}, {{}}).get({self.term(key).text})"

    def target(self, node: Node) -> str:
        """A setting or variable as it is given a value. Raises Fault."""
        if node.type == "element_reference":
            outer, key = _two(node)
            written = f"{self.target(outer)}[{self.term(key).text}]"
        elif node.type not in ("identifier", "constant"):
            return self.term(node).at(ATOM)
        else:
            written = self._target_name(self.text(node))
        self.state.wrote(written, node)
        return written

    def _target_name(self, name: str) -> str:
        if name == OLD_VHOST and name not in self.state.kinds:
            return 'registry["nginx"]'
        return name if self.state.names.foreign(name) else python_text.name(name)

    def _binary(self, node: Node) -> Term:
        sign, (left_node, right_node) = sign_of(node), parts(node, 2)
        if sign in ("&&", "and", "||", "or"):
            return self._choice(node)
        if sign not in _SIGNS and sign not in _LISTS:
            hint = "Compare with ==, start_with?, end_with? or include?." if sign in _MATCHING else ""
            raise Fault(f"the operator {sign} is not read in a gitlab.rb", Span(node), hint)
        left = self.term(left_node)
        if sign == "%" and left.kind == WORD:
            values = named(right_node) if right_node.type == "array" else [right_node]
            return formatted(self, left_node, values, node)
        right = self.term(right_node)
        if sign in _LISTS and LIST in (left.kind, right.kind):
            return Term(_LISTS[sign].format(left.at(9), right.at(9)), 8 if sign == "|" else ATOM, LIST)
        if sign not in _SIGNS:
            raise Fault(f"{sign} is read of arrays only in a gitlab.rb", Span(node))
        return _operation(sign, left, right)

    def _unary(self, node: Node) -> Term:
        operand, sign = parts(node, 1)[0], self.text(node.children[0])
        if sign in ("!", "not"):
            return self.condition(operand).negated()
        if sign not in ("-", "+"):
            raise Fault(f"{sign} is not read in a gitlab.rb", Span(node))
        value = self.term(operand)
        if value.kind not in (INT, FLOAT, ANY):
            word = WORDS.get(value.kind, "this")
            raise Fault(f"the sign goes with numbers only, not with {word}", Span(node))
        return Term(f"{sign}{value.at(10)}", 10, value.kind)

    def _parenthesized(self, node: Node) -> Term:
        inner = named(node)
        if len(inner) != 1:
            raise Fault("there must be one expression between parentheses", Span(node))
        term = self.term(inner[0])
        return term if term.strength == ATOM else Term(f"({term.text})", ATOM, term.kind)


def _operation(sign: str, left: Term, right: Term) -> Term:
    python, strength = _SIGNS[sign]
    if sign == "+":
        left, right = left.needed(), right.needed()
    if sign == "/" and FLOAT in (left.kind, right.kind):
        python = "/"
    if strength == _COMPARISON:
        return _comparison(python, left, right)
    kind = FLOAT if FLOAT in (left.kind, right.kind) else left.kind if left.kind != ANY else right.kind
    return Term(f"{left.at(strength)} {python} {right.at(strength + 1)}", strength, kind)


def _comparison(python: str, left: Term, right: Term) -> Term:
    if python in ("==", "!="):
        for one, other in ((left, right), (right, left)):
            if other.text in ("None", "True", "False"):
                if one.kind in (INT, FLOAT, WORD, LIST, MAP) or (one.kind == BOOL and other.kind == NIL):
                    # Never equal in Ruby; in Python True is 1 and False is 0.
                    return Term(str(python == "!="), ATOM, BOOL)
                return Term(
                    f"{one.at(5)} {'is' if python == '==' else 'is not'} {other.text}", _COMPARISON, BOOL
                )
        if {left.kind, right.kind} in ({BOOL, INT}, {BOOL, FLOAT}):
            return Term(str(python == "!="), ATOM, BOOL)
    left, right = _or_empty(left, right), _or_empty(right, left)
    return Term(f"{left.at(5)} {python} {right.at(5)}", _COMPARISON, BOOL)


def _or_empty(one: Term, other: Term) -> Term:
    """A variable of the environment that is compared with text: "" will do where it is missing."""
    if one.env is None or other.kind != WORD or other.text in ("''", '""'):
        return one
    empty = "''" if other.text.startswith("'") else '""'
    return Term(f"env({one.env}, {empty})", ATOM, WORD)


def _two(node: Node) -> tuple[Node, Node]:
    found = named(node)
    if len(found) != 2:
        raise Fault("there must be one key or number between square brackets", Span(node))
    return found[0], found[1]


def joined(terms: Iterable[Term]) -> str:
    """Terms with commas between them."""
    return ", ".join(term.text for term in terms)
