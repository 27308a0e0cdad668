"""Conditions, and values that depend on one: `a || b`, `a ? b : c`, `if`, `case`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, named, parts
from ctl.language.ruby.program import refusal
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import ATOM, BOOL, FLOAT, INT, NIL, TERNARY, WORD, Term, union

if TYPE_CHECKING:
    from tree_sitter import Node

_EITHER = ("||", "or")
_BOTH = ("&&", "and")
_PLAIN = frozenset({
    "string", "string_content", "escape_sequence", "interpolation", "simple_symbol", "hash_key_symbol", "character",
    "integer", "float", "true", "false", "nil", "array", "hash", "pair", "string_array", "symbol_array",
    "bare_string", "bare_symbol", "parenthesized_statements", "block_body", "body_statement",
})  # fmt: skip
"""Nodes of the tree whose evaluation cannot fail."""


class Choices:
    """Writes what depends on a condition.

    Args:
        writer: writes the parts.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def condition(self, node: Node) -> Term:
        """An expression as Python's `if` takes it: Ruby takes all for true but nil and false. Raises Fault."""
        if node.type == "parenthesized_statements" and len(named(node)) == 1:
            return self.condition(parts(node, 1)[0])
        if node.type == "binary":
            sign = sign_of(node)
            if sign in (*_EITHER, *_BOTH):
                left, right = (self.condition(part) for part in parts(node, 2))
                word, strength = ("and", 2) if sign in _BOTH else ("or", 1)
                return Term(f"{left.at(strength)} {word} {right.at(strength + 1)}", strength, BOOL)
        if node.type == "unary" and self._writer.text(node.children[0]) in ("!", "not"):
            return self.condition(parts(node, 1)[0]).negated()
        return self._writer.term(node).condition()

    def choice(self, node: Node) -> Term:
        """`a || b || c`, `a && b`: from the right, so that each part is written twice at most. Raises Fault."""
        either = sign_of(node) in _EITHER
        signs = _EITHER if either else _BOTH
        chain = [node]
        while chain[-1].children[0].type == "binary" and sign_of(chain[-1].children[0]) in signs:
            chain.append(chain[-1].children[0])
        first, *others = [parts(chain[-1], 2)[0], *(parts(one, 2)[1] for one in reversed(chain))]
        nodes = [first, *others]
        terms = [self._writer.term(one) for one in nodes]
        result, safe = terms.pop(), self.is_safe(nodes.pop())
        while terms:
            left, node = terms.pop(), nodes.pop()
            chosen = self._if_so(node, result) if either else None
            result = chosen or _chosen(either, left, result, safe=safe)
            safe = safe and self.is_safe(node)
        return result

    def _if_so(self, node: Node, otherwise: Term) -> Term | None:
        """`condition && value || otherwise`, where the value is never nil; None for anything else."""
        while node.type == "parenthesized_statements" and len(named(node)) == 1:
            node = named(node)[0]
        if node.type != "binary" or sign_of(node) not in _BOTH:
            return None
        test, value = parts(node, 2)
        written = self._writer.term(value)
        if written.condition().text != "True":
            return None
        kind = union(written.kind, otherwise.kind)
        text = f"{written.at(1)} if {self.condition(test).at(1)} else {otherwise.at(TERNARY)}"
        return Term(text, TERNARY, kind)

    def is_safe(self, node: Node) -> bool:
        """Whether an expression may be evaluated although its value is not used: nothing in it can fail."""
        kinds, text = self._writer.state.kinds, self._writer.text
        for one in self._writer.state.walk(node):
            if one.type in ("identifier", "constant"):
                safe = text(one) in kinds or text(one) == "ENV"
            elif one.type == "element_reference":
                safe = text(named(one)[0]) == "ENV"
            else:
                safe = one.type in _PLAIN or (one.type == "binary" and sign_of(one) in _EITHER)
            if not safe:
                return False
        return True

    def conditional(self, node: Node) -> Term:
        """`a ? b : c`. Raises Fault."""
        fields = [node.child_by_field_name(name) for name in ("condition", "consequence", "alternative")]
        return self._either(*fields, negate=False)

    def branches(self, node: Node) -> Term:
        """The value of `if` or `unless`. Raises Fault."""
        fields = [node.child_by_field_name(name) for name in ("condition", "consequence", "alternative")]
        return self._either(*fields, negate=node.type == "unless")

    def case(self, node: Node) -> Term:
        """The value of `case`. Raises Fault."""
        arms = arms_of(node)
        result = Term("None", ATOM, NIL)
        for when, body in reversed(arms):
            value = self._branch(body)
            if when is None:
                result = value
                continue
            test = self.arm(node, when)
            kind = union(value.kind, result.kind)
            result = Term(f"{value.at(1)} if {test.at(1)} else {result.at(TERNARY)}", TERNARY, kind)
        return result

    def arm(self, case: Node, when: Node) -> Term:
        """The condition of one `when` of a `case`. Raises Fault."""
        subject = case.child_by_field_name("value")
        patterns = [parts(one, 1)[0] for one in when.children_by_field_name("pattern")]
        tests = [self._matches(subject, one) for one in patterns]
        if not tests:
            raise Fault("there is no value after `when`", Span(when))
        if len(tests) == 1:
            return tests[0]
        return Term(" or ".join(one.at(2) for one in tests), 1, BOOL)

    def _matches(self, subject: Node | None, pattern: Node) -> Term:
        if subject is None:
            return self.condition(pattern)
        wanted = self._writer.term(pattern)
        if wanted.kind not in (WORD, INT, FLOAT, BOOL, NIL):
            raise refusal(pattern)
        value = self._writer.term(subject)
        if wanted.kind in (BOOL, NIL):
            return Term(f"{value.at(5)} is {wanted.at(5)}", 4, BOOL)
        if value.env is not None and wanted.kind == WORD and wanted.text != '""':
            value = value.as_text()
        return Term(f"{value.at(5)} == {wanted.at(5)}", 4, BOOL)

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
            return self.branches(node)
        if node.type not in ("then", "else"):
            return self._writer.term(node)
        inside = [part for part in named(node) if part.type != "empty_statement"]
        if len(inside) != 1:
            raise Fault(
                "a branch of several lines has no value in Python", Span(node), "Assign in each branch."
            )
        return self._writer.term(inside[0])


def _chosen(either: bool, left: Term, right: Term, *, safe: bool) -> Term:
    if either and left.env is not None and safe:
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


def arms_of(case: Node) -> list[tuple[Node | None, Node | None]]:
    """The `when` of a `case` with what belongs to each; None is `else`."""
    arms: list[tuple[Node | None, Node | None]] = []
    for one in named(case):
        if one.type == "when":
            arms.append((one, one.child_by_field_name("body")))
        elif one.type == "else":
            arms.append((None, one))
    return arms


def sign_of(node: Node) -> str:
    """The operator of a binary expression."""
    sign = node.child_by_field_name("operator")
    return sign.type if sign is not None else ""
