"""Ruby's expressions as Python writes them. Values that depend on the environment still do afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ctl.settings.conversion import literals
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
    union,
)
from ctl.settings.language.faults import Fault
from ctl.settings.language.setting_names import Names
from ctl.settings.ruby import advice
from ctl.settings.ruby.expressions import MAX_DEPTH, Expressions
from ctl.settings.ruby.grammar import Span, named, parts
from ctl.settings.ruby.targets import path_of

if TYPE_CHECKING:
    from tree_sitter import Node

_SIGNS: Final[dict[str, tuple[str, int]]] = {
    "+": ("+", 8), "-": ("-", 8), "*": ("*", 9), "/": ("//", 9), "%": ("%", 9), "**": ("**", 11),
    "==": ("==", 4), "!=": ("!=", 4), "<": ("<", 4), "<=": ("<=", 4), ">": (">", 4), ">=": (">=", 4),
}  # fmt: skip
"""Ruby's operator to Python's, and how strongly it binds."""

_COMPARISON: Final = 4

_WRITTEN_ALIKE: Final = re.compile("0|[1-9][0-9_]*|0[xb][0-9a-f_]+|0o[0-7_]+|[0-9]+[.][0-9_]+")
"""Numbers that Ruby and Python write in the same way."""


@dataclass
class State:
    """What a conversion knows of the file.

    Args:
        names: the names of the settings.
        reader: gives text, and the bodies of heredocs, of the file.
        kinds: the kind of each local variable.
        paths: the kind of each setting that was given.
        given: paths of settings that were given without a condition so far.
        mentioned: paths of settings that were given, on a condition or not.
        conditional: what is being written is carried out on a condition.
        included: other files may have given settings.
        snippet: returns the Python form of Ruby that is commented out, or None where that has none.
        shift: how far the statement is indented in the file.
        block: the depth of the block that is being written: text of several lines is not indented with it.
    """

    names: Names
    reader: Expressions
    kinds: dict[str, str] = field(default_factory=dict)
    given: set[tuple[str, ...]] = field(default_factory=set)
    paths: dict[tuple[str, ...], str] = field(default_factory=dict)
    mentioned: set[tuple[str, ...]] = field(default_factory=set)
    conditional: bool = False
    included: bool = False
    snippet: Callable[[str], str | None] = lambda _: None
    shift: int = 0
    block: int = 0


class Translator:
    """Writes expressions in Python.

    Args:
        state: what is known of the file.
    """

    def __init__(self, state: State) -> None:
        from ctl.settings.conversion.methods import Methods
        from ctl.settings.conversion.strings import Strings

        self.state = state
        self.text = state.reader.text
        self.methods = Methods(self)
        self.strings = Strings(self)
        self._depth = 0
        self._visits: dict[str, Callable[[Node], Term]] = {
            "string": self.strings.string,
            "chained_string": self.strings.chained,
            "heredoc_beginning": self.strings.heredoc,
            "character": lambda node: self.strings.word(self.text(node)[1:]),
            "simple_symbol": lambda node: self.strings.word(self.text(node)[1:]),
            "hash_key_symbol": lambda node: self.strings.word(self.text(node)),
            "delimited_symbol": self.strings.string,
            "integer": lambda node: Term(self._number(node), ATOM, INT),
            "float": lambda node: Term(self._number(node), ATOM, FLOAT),
            "true": lambda _: Term("True", ATOM, BOOL),
            "false": lambda _: Term("False", ATOM, BOOL),
            "nil": lambda _: Term("None", ATOM, NIL),
            "array": lambda node: Term(self.container(node), ATOM, LIST),
            "hash": lambda node: Term(self.container(node), ATOM, MAP),
            "string_array": self.strings.words,
            "symbol_array": self.strings.words,
            "identifier": self._name,
            "constant": self._name,
            "element_reference": self._element,
            "call": self.methods.call,
            "binary": self._binary,
            "unary": self._unary,
            "conditional": self._conditional,
            "if": self._branches,
            "unless": self._branches,
            "parenthesized_statements": self._parenthesized,
        }

    def term(self, node: Node) -> Term:
        """An expression in Python. Raises Fault where it has no Python form, with its place."""
        visit = self._visits.get(node.type)
        self._depth += 1
        try:
            if visit is None:
                raise self.state.reader.refusal(node)
            if self._depth > MAX_DEPTH:
                raise Fault("this nests expressions too deeply to be converted")
            return visit(node)
        except Fault as fault:
            fault.node = fault.node or Span(node)
            raise
        finally:
            self._depth -= 1

    def condition(self, node: Node) -> Term:
        """An expression as Python's `if` takes it: Ruby takes all for true but nil and false."""
        if node.type == "parenthesized_statements" and len(named(node)) == 1:
            return self.condition(parts(node, 1)[0])
        if node.type == "binary":
            sign = self._sign(node)
            if sign in ("&&", "and", "||", "or"):
                left, right = (self.condition(part) for part in parts(node, 2))
                word, strength = ("and", 2) if sign in ("&&", "and") else ("or", 1)
                return Term(f"{left.at(strength)} {word} {right.at(strength + 1)}", strength, BOOL)
        if node.type == "unary" and self.text(node.children[0]) in ("!", "not"):
            return self.condition(parts(node, 1)[0]).negated()
        return self.term(node).condition()

    def container(self, node: Node) -> str:
        """An array or a hash, with the layout and the comments between its parts."""
        written, end = "", node.start_byte
        for child in node.children:
            gap = self._gap(end, child)
            end = child.end_byte
            if child.type == "heredoc_body":
                continue
            if child.type == "comment":
                written += gap + self._comment(child)
            elif child.is_named:
                written += gap + self._part(child)
            else:
                written += gap + self.text(child)
        return written

    def _gap(self, start: int, child: Node) -> str:
        """The white space before a part; inside an f-string no newline may be."""
        if start >= child.start_byte:
            return ""
        gap = self.state.reader.data[start : child.start_byte].decode().replace("\\\n", "\n")
        return " " if self.strings.inside and "\n" in gap else gap

    def _comment(self, node: Node) -> str:
        from ctl.settings.conversion.comments import pair_comment

        return pair_comment(self.text(node), self.state.snippet)

    def _part(self, node: Node) -> str:
        if node.type == "pair":
            return self.pair(node)
        if node.type in ("splat_argument", "hash_splat_argument"):
            stars = "*" if node.type == "splat_argument" else "**"
            return stars + self.term(parts(node, 1)[0]).at(ATOM)
        return self.term(node).text

    def pair(self, node: Node) -> str:
        """A key with its value."""
        key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        if key is None or value is None:
            raise Fault("the key has no value", Span(node), "Write 'key' => value.")
        return f"{self.term(key).text}: {self.term(value).text}"

    def arguments(self, node: Node) -> list[Term]:
        """What a call is called with; pairs without braces are one dictionary."""
        listed = node.child_by_field_name("arguments")
        parts = named(listed) if listed is not None else []
        terms = [self.term(part) for part in parts if part.type != "pair"]
        pairs = [self.pair(part) for part in parts if part.type == "pair"]
        return [*terms, Term(f"{{{', '.join(pairs)}}}", ATOM, MAP)] if pairs else terms

    def variable(self, name: str) -> bool:
        """Whether a name is that of a local variable."""
        return name in self.state.kinds

    def _number(self, node: Node) -> str:
        number = self.state.reader.evaluate(node)
        text = self.text(node).lower().removeprefix("0d")
        if _WRITTEN_ALIKE.fullmatch(text):
            return text
        octal = text == self.text(node).lower() and text.startswith("0")
        return f"0o{number:o}" if octal and isinstance(number, int) else str(number)

    def _name(self, node: Node) -> Term:
        name = self.text(node)
        if name in self.state.kinds:
            return Term(literals.name(name), ATOM, self.state.kinds[name])
        names = self.state.names
        if name in names.settings:
            return Term(name, ATOM, TEXT)
        if name in names.sections or names.foreign(name):
            return Term(name, ATOM, MAP)
        hint = advice.of_constant(name) or advice.of_call(name)
        raise Fault(
            f"unknown name {name}" if not hint else f"{name} is not read in a gitlab.rb", Span(node), hint
        )

    def _element(self, node: Node) -> Term:
        parts = named(node)
        if len(parts) != 2:
            raise Fault("one key or number stands between square brackets", Span(node))
        if parts[0].type == "constant" and self.text(parts[0]) == "ENV":
            return Term.environment(self.term(parts[1]))
        root, keys = path_of(node, self.text)
        if root and not self.variable(root) and (root, *keys) not in self.state.given:
            return Term(self._lookup(node), ATOM, ANY)
        kind = self.state.paths.get((root, *keys), ANY)
        return Term(f"{self.term(parts[0]).at(ATOM)}[{self.term(parts[1]).text}]", ATOM, kind)

    def _lookup(self, node: Node) -> str:
        """A setting that may not be given: Ruby takes nil for it."""
        outer, key = parts(node, 2)
        if outer.type != "element_reference":
            return f"{self.term(outer).at(ATOM)}.get({self.term(key).text})"
        return f"{self._lookup(outer)[:-1]}, {{}}).get({self.term(key).text})"

    def target(self, node: Node) -> str:
        """A setting or variable as it is given a value."""
        if node.type == "element_reference":
            outer, key = parts(node, 2)
            return f"{self.target(outer)}[{self.term(key).text}]"
        if node.type not in ("identifier", "constant"):
            return self.term(node).at(ATOM)
        name = self.text(node)
        return name if self.state.names.foreign(name) else literals.name(name)

    def _sign(self, node: Node) -> str:
        sign = node.child_by_field_name("operator")
        return sign.type if sign is not None else ""

    def _binary(self, node: Node) -> Term:
        sign, (left_node, right_node) = self._sign(node), parts(node, 2)
        if sign in ("&&", "and", "||", "or"):
            return self._choice(sign in ("||", "or"), left_node, right_node)
        if sign not in _SIGNS:
            raise Fault(f"the operator {sign} is not read in a gitlab.rb", Span(node))
        left, right = self.term(left_node), self.term(right_node)
        python, strength = _SIGNS[sign]
        if sign == "/" and FLOAT in (left.kind, right.kind):
            python = "/"
        if strength == _COMPARISON:
            return self._comparison(python, left, right)
        kind = left.kind if left.kind != ANY else right.kind
        return Term(f"{left.at(strength)} {python} {right.at(strength + 1)}", strength, kind)

    def _comparison(self, python: str, left: Term, right: Term) -> Term:
        if NIL in (left.kind, right.kind) and python in ("==", "!="):
            other = left if right.kind == NIL else right
            return Term(f"{other.at(5)} {'is' if python == '==' else 'is not'} None", _COMPARISON, BOOL)
        if {left.kind, right.kind} in ({BOOL, INT}, {BOOL, FLOAT}) and python in ("==", "!="):
            # Never equal in Ruby; in Python True is 1 and False is 0.
            return Term(str(python == "!="), ATOM, BOOL)
        left, right = _or_empty(left, right), _or_empty(right, left)
        return Term(f"{left.at(5)} {python} {right.at(5)}", _COMPARISON, BOOL)

    def _choice(self, either: bool, left_node: Node, right_node: Node) -> Term:
        left, right = self.term(left_node), self.term(right_node)
        if either and left.env is not None and right.safe:
            return Term(f"env({left.env}, {right.text})", ATOM, union(WORD, right.kind))
        if left.kind == right.kind == BOOL:
            word, strength = ("or", 1) if either else ("and", 2)
            return Term(f"{left.at(strength)} {word} {right.at(strength + 1)}", strength, BOOL)
        condition = left.condition()
        if condition.text in ("True", "False"):
            return left if either is (condition.text == "True") else right
        kind = union(left.when_true if either else left.when_false, right.kind)
        one, other = (left, right) if either else (right, left)
        return Term(f"{one.at(1)} if {condition.at(1)} else {other.at(TERNARY)}", TERNARY, kind)

    def _unary(self, node: Node) -> Term:
        operand, sign = parts(node, 1)[0], self.text(node.children[0])
        if sign in ("!", "not"):
            return self.condition(operand).negated()
        if sign not in ("-", "+"):
            raise Fault(f"{sign} is not read in a gitlab.rb", Span(node))
        value = self.term(operand)
        return Term(f"{sign}{value.at(10)}", 10, value.kind)

    def _conditional(self, node: Node) -> Term:
        parts = [node.child_by_field_name(name) for name in ("condition", "consequence", "alternative")]
        return self._either(*parts, negate=False)

    def _either(self, test: Node | None, one: Node | None, other: Node | None, *, negate: bool) -> Term:
        if test is None:
            raise Fault("there is no condition")
        condition = self.condition(test)
        condition = condition.negated() if negate else condition
        first, second = self._branch(one), self._branch(other)
        kind = union(first.kind, second.kind)
        return Term(f"{first.at(1)} if {condition.at(1)} else {second.at(TERNARY)}", TERNARY, kind)

    def _branch(self, node: Node | None) -> Term:
        if node is None:
            return Term("None", ATOM, NIL)
        if node.type == "elsif":
            return self._branches(node)
        if node.type not in ("then", "else"):
            return self.term(node)
        parts = [part for part in named(node) if part.type != "empty_statement"]
        if len(parts) != 1:
            raise Fault(
                "a branch of several lines has no value in Python", Span(node), "Assign in each branch."
            )
        return self.term(parts[0])

    def _branches(self, node: Node) -> Term:
        fields = [node.child_by_field_name(name) for name in ("condition", "consequence", "alternative")]
        return self._either(*fields, negate=node.type == "unless")

    def _parenthesized(self, node: Node) -> Term:
        parts = named(node)
        if len(parts) != 1:
            raise Fault("one expression stands between parentheses", Span(node))
        inner = self.term(parts[0])
        return inner if inner.strength == ATOM else Term(f"({inner.text})", ATOM, inner.kind)


def _or_empty(one: Term, other: Term) -> Term:
    """A variable of the environment that is compared with text: "" will do where it is missing."""
    if one.env is None or other.kind != WORD or other.text in ("''", '""'):
        return one
    empty = "''" if other.text.startswith("'") else '""'
    return Term(f"env({one.env}, {empty})", ATOM, WORD)
