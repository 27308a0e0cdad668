"""Conditions, and values that depend on one: `a || b`, `a ? b : c`, `if`, `case`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, field, named, parts, statements_in
from ctl.language.ruby.program import refusal
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import BOOL, FLOAT, INT, NIL, WORD, Term, at, union

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


class Choices(Writer):
    """Writes what depends on a condition."""

    def condition(self, node: Node) -> Term:
        """An expression as Python's `if` takes it: Ruby takes all for true but nil and false. Raises Fault."""
        if node.type == "parenthesized_statements" and len(named(node)) == 1:
            return self.condition(parts(node, 1)[0])
        if node.type == "binary" and (sign := sign_of(node)) in (*_EITHER, *_BOTH):
            left, right = (self.condition(part) for part in parts(node, 2))
            return self.state.form("a and b" if sign in _BOTH else "a or b", BOOL, Span(node), left, right)
        if node.type == "unary" and self.text(node.children[0]) in ("!", "not"):
            return self.state.negated(self.condition(parts(node, 1)[0]))
        return self.state.truth(self.term(node))

    def choice(self, node: Node) -> Term:
        """`a || b || c`, `a && b`: from the right, so that each part is written twice at most. Raises Fault."""
        either = sign_of(node) in _EITHER
        signs = _EITHER if either else _BOTH
        chain = [node]
        while chain[-1].children[0].type == "binary" and sign_of(chain[-1].children[0]) in signs:
            chain.append(chain[-1].children[0])
        nodes = [parts(chain[-1], 2)[0], *(parts(one, 2)[1] for one in reversed(chain))]
        terms = [self.term(one) for one in nodes]
        result, safe = terms.pop(), self.is_safe(nodes.pop())
        while terms:
            left, one = terms.pop(), nodes.pop()
            chosen = self._if_so(one, result) if either else None
            result = chosen or self._chosen(either, left, result, Span(node), safe=safe)
            safe = safe and self.is_safe(one)
        return result

    def _if_so(self, node: Node, otherwise: Term) -> Term | None:
        """`condition && value || otherwise`, where the value is never nil; None for anything else."""
        while node.type == "parenthesized_statements" and len(named(node)) == 1:
            node = named(node)[0]
        if node.type != "binary" or sign_of(node) not in _BOTH:
            return None
        test, value = parts(node, 2)
        written = self.term(value)
        if self.state.truth(written).literal is not True:
            return None
        return self._if(written, self.condition(test), otherwise, Span(node))

    def _if(self, one: Term, test: Term, other: Term, place: Span) -> Term:
        return self.state.form("a if b else c", union(one.kind, other.kind), place, one, test, other)

    def _chosen(self, either: bool, left: Term, right: Term, place: Span, *, safe: bool) -> Term:
        form = self.state.form
        if either and left.env is not None and safe:
            return form("env(a, b)", union(WORD, right.kind), left.node, left.env, right)
        if left.kind == right.kind == BOOL:
            return form("a or b" if either else "a and b", BOOL, place, left, right)
        condition = self.state.truth(left)
        if isinstance(condition.literal, bool):
            return left if either is condition.literal else right
        kind = union(left.when_true if either else left.when_false, right.kind)
        one, other = (left, right) if either else (right, left)
        test = self.state.copy(condition.node)
        return form("a if b else c", kind, place, one, test, other)

    def is_safe(self, node: Node) -> bool:
        """Whether an expression may be evaluated although its value is not used: nothing in it can fail."""
        return all(self._is_safe_by_itself(one) for one in self.state.walk(node))

    def _is_safe_by_itself(self, node: Node) -> bool:
        if node.type in ("identifier", "constant"):
            return self.text(node) in self.state.kinds or self.text(node) == "ENV"
        if node.type == "element_reference":
            return self.text(named(node)[0]) == "ENV"
        return node.type in _PLAIN or (node.type == "binary" and sign_of(node) in _EITHER)

    def branches(self, node: Node) -> Term:
        """`a ? b : c`, and the value of `if` or `unless`. Raises Fault."""
        test, one, other = (field(node, name) for name in ("condition", "consequence", "alternative"))
        if test is None:
            raise Fault("there is no condition")
        condition = self.condition(test)
        condition = self.state.negated(condition) if node.type == "unless" else condition
        return self._if(self._branch(one, node), condition, self._branch(other, node), Span(node))

    def case(self, node: Node) -> Term:
        """The value of `case`. Raises Fault."""
        result = self.state.constant(None, NIL, Span(node))
        for when, body in reversed(arms_of(node)):
            value = self._branch(body, node)
            result = value if when is None else self._if(value, self.arm(node, when), result, Span(node))
        return result

    def arm(self, case: Node, when: Node) -> Term:
        """The condition of one `when` of a `case`. Raises Fault."""
        subject = field(case, "value")
        patterns = [parts(one, 1)[0] for one in when.children_by_field_name("pattern")]
        tests = [self._matches(subject, one) for one in patterns]
        if not tests:
            raise Fault("there is no value after `when`", Span(when))
        nodes = [one.node for one in tests]
        return tests[0] if len(tests) == 1 else Term(at(ast.BoolOp(ast.Or(), nodes), Span(when)), BOOL)

    def _matches(self, subject: Node | None, pattern: Node) -> Term:
        if subject is None:
            return self.condition(pattern)
        wanted = self.term(pattern)
        if wanted.kind not in (WORD, INT, FLOAT, BOOL, NIL):
            raise refusal(pattern)
        value = self.term(subject)
        if wanted.kind in (BOOL, NIL):
            return self.state.form("a is b", BOOL, Span(pattern), value, wanted)
        if value.env is not None and wanted.kind == WORD and wanted.literal != "":
            value = self.state.as_text(value)
        return self.state.form("a == b", BOOL, Span(pattern), value, wanted)

    def _branch(self, node: Node | None, whole: Node) -> Term:
        if node is None:
            return self.state.constant(None, NIL, Span(whole))
        if node.type == "elsif":
            return self.branches(node)
        if node.type not in ("then", "else"):
            return self.term(node)
        inside = statements_in(node)
        if len(inside) != 1:
            raise Fault(
                "a branch of several lines has no value in Python", Span(node), "Assign in each branch."
            )
        return self.term(inside[0])


def arms_of(case: Node) -> list[tuple[Node | None, Node | None]]:
    """The `when` of a `case` with what belongs to each; None is `else`."""
    arms: list[tuple[Node | None, Node | None]] = []
    for one in named(case):
        if one.type == "when":
            arms.append((one, field(one, "body")))
        elif one.type == "else":
            arms.append((None, one))
    return arms


def sign_of(node: Node) -> str:
    """The operator of a binary expression."""
    sign = field(node, "operator")
    return sign.type if sign is not None else ""
