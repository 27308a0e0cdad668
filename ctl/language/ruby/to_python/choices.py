"""Conditions, and values that depend on one: `a || b`, `a ? b : c`, `if`."""

from __future__ import annotations

import ast

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.ruby.grammar import Span, field, named, need, parts, statements_in
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import Term, union

_EITHER = ("||", "or")
_BOTH = ("&&", "and")
_NEVER_FAILS = (ast.Constant, ast.Dict, ast.List, ast.JoinedStr, ast.FormattedValue, ast.expr_context)


class Choices(Writer):
    """Writes what depends on a condition."""

    def condition(self, node: Node) -> Term:
        """An expression as Python's `if` takes it: Ruby takes all for true but nil and false. Raises Fault."""
        if node.type == "parenthesized_statements" and len(named(node)) == 1:
            return self.condition(parts(node, 1)[0])
        if node.type == "binary" and (sign := sign_of(node)) in (*_EITHER, *_BOTH):
            left, right = (self.condition(part) for part in parts(node, 2))
            return self.state.form("a and b" if sign in _BOTH else "a or b", "bool", Span(node), left, right)
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
        *terms, result = [self.term(one) for one in nodes]
        safe = self.is_safe(result)
        for left in reversed(terms):
            result = self._chosen(either, left, result, Span(node), safe=safe)
            safe = safe and self.is_safe(left)
        return result

    def _chosen(self, either: bool, left: Term, right: Term, place: Span, *, safe: bool) -> Term:
        form = self.state.form
        if either and left.env is not None and safe:
            return form("env(a, b)", union("text", right.kind), left.node, left.env, right)
        if left.kind == right.kind == "bool":
            return form("a or b" if either else "a and b", "bool", place, left, right)
        condition = self.state.truth(left)
        if isinstance(condition.literal, bool):
            return left if either is condition.literal else right
        kind = union(left.when_true if either else left.when_false, right.kind)
        one, other = (left, right) if either else (right, left)
        return form("a if b else c", kind, place, one, self.state.copy(condition.node), other)

    def is_safe(self, term: Term) -> bool:
        """Whether a value may be worked out although it is not used: nothing in it can fail."""
        if term.env is not None:
            return True
        return all(
            isinstance(one, _NEVER_FAILS) or (isinstance(one, ast.Name) and one.id in self.state.kinds)
            for one in ast.walk(term.node)
        )

    def branches(self, node: Node) -> Term:
        """`a ? b : c`, and the value of `if` or `unless`. Raises Fault."""
        one, other = field(node, "consequence"), field(node, "alternative")
        condition = self.condition(need(node, "condition"))
        condition = self.state.negated(condition) if node.type == "unless" else condition
        first, second = self.branch(one, node), self.branch(other, node)
        return self.state.form(
            "a if b else c", union(first.kind, second.kind), Span(node), first, condition, second
        )

    def branch(self, node: Node | None, whole: Node) -> Term:
        """The value of a branch of `if` or `case`. Raises Fault."""
        if node is None:
            return self.state.constant(None, "None", Span(whole))
        if node.type == "elsif":
            return self.branches(node)
        if node.type not in ("then", "else"):
            return self.term(node)
        inside = statements_in(node)
        if len(inside) != 1:
            hint = "Assign in each branch."
            raise Fault("a branch of several lines has no value in Python", Span(node), hint)
        return self.term(inside[0])


def sign_of(node: Node) -> str:
    """The operator of a binary expression."""
    sign = field(node, "operator")
    return sign.type if sign is not None else ""
