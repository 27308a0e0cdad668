"""Strings, symbols and heredocs as Python has them."""

from __future__ import annotations

import ast
from itertools import zip_longest
from typing import Final

from tree_sitter import Node

from ctl.language.faults import Fault
from ctl.language.ruby import texts
from ctl.language.ruby.grammar import Span, named, statements_in
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import WORDS, Term, at

_MARK: Final = "\ue000"
"""Stands for an interpolation while the indentation of a heredoc is worked out."""


class Strings(Writer):
    """Writes what is between quotes."""

    def word(self, text: str, node: Node) -> Term:
        """A string; one that takes several lines in the gitlab.rb may do so in Python."""
        made = self.state.constant(text, "text", Span(node))
        if node.end_point[0] > node.start_point[0] or node.type == "heredoc_beginning":
            made.node.lines = True  # type: ignore[attr-defined]
        return made

    def string(self, node: Node) -> Term:
        """A string or symbol between quotes of any kind."""
        children = node.children
        opening = self.text(children[0])
        if texts.is_plain(opening):
            return self.word(texts.plain(self.text(children[1]) if len(children) > 2 else "", opening), node)
        return self._with_values(children[1:-1], node)

    def _with_values(self, nodes: list[Node], whole: Node, *, dedent: bool | None = None) -> Term:
        """A string with escapes and interpolations.

        What is wrong in a text of several lines is reported where it begins, as the lines may be a secret.

        Args:
            nodes: its parts.
            whole: the node that they are of.
            dedent: for a heredoc, whether its indentation is taken away.
        """
        last = nodes[-1].end_point[0] if nodes else 0
        try:
            written = self._joined(nodes, whole, dedent=dedent)
        except Fault as fault:
            if fault.node is None or whole.start_point[0] < fault.node.lineno - 1 <= last:
                fault.node = Span(whole)
            raise
        for one in ast.walk(written.node) if last > whole.start_point[0] else ():
            if isinstance(one, ast.expr):
                at(one, Span(whole))
        return written

    def _joined(self, nodes: list[Node], whole: Node, *, dedent: bool | None) -> Term:
        parts = [self._inside(one) for one in nodes if one.type == "interpolation"]
        raw = "".join(_MARK if one.type == "interpolation" else self._raw(one) for one in nodes)
        text = raw if dedent is None else texts.heredoc_text(raw, dedent=dedent)
        chunks = [texts.unescaped(chunk) for chunk in text.split(_MARK)]
        if len(chunks) != len(parts) + 1:
            raise Fault("the text holds characters that cannot be converted")
        place, values = Span(whole), list[ast.expr]()
        for chunk, part in zip_longest(chunks, parts):
            values += [at(ast.Constant(chunk), place)] if chunk else []
            values += [self._value(part)] if part is not None else []
        return Term(at(ast.JoinedStr(values), place), "text") if parts else self.word(chunks[0], whole)

    @staticmethod
    def _inside(interpolation: Node) -> Node:
        inner = statements_in(interpolation)
        if len(inner) != 1:
            raise Fault("there must be one expression in #{ }", Span(interpolation))
        return inner[0]

    def _raw(self, node: Node) -> str:
        return "" if node.type == "heredoc_end" else self.text(node)

    def _value(self, node: Node) -> ast.FormattedValue:
        """What is filled in: a single value."""
        value = self.term(node)
        if value.kind in ("list", "dict"):
            outer = node.parent if node.parent is not None and node.parent.type == "interpolation" else node
            message = f"{WORDS[value.kind]} cannot be turned into text"
            raise Fault(message, Span(outer), "Take a single value out of it.")
        written = self.state.as_text(value)
        made = at(ast.FormattedValue(written.node, -1), Span(node))
        made.is_text = written.kind == "text"  # type: ignore[attr-defined]
        return made

    def chained(self, node: Node) -> Term:
        """Strings that follow each other."""
        first, *others = (self.term(part) for part in named(node))
        for one in others:
            first = self.state.form("a + b", "text", Span(node), first, one)
        return first

    def heredoc(self, node: Node) -> Term:
        """The text that <<EOS begins."""
        body = self.state.program.bodies.get(node.start_byte)
        if body is None or body.children[-1].start_byte == body.children[-1].end_byte:
            raise Fault("the text that this begins is never closed", Span(node))
        dedent, quote = texts.heredoc_form(self.text(node))
        if quote == "`":
            raise Fault("a command in backticks is not read in a gitlab.rb", Span(node), "It is never run.")
        if quote != "'":
            return self._with_values(body.children, node, dedent=dedent)
        return self.word(texts.heredoc_text("".join(map(self._raw, body.children)), dedent=dedent), node)

    def words(self, node: Node) -> Term:
        """A list of words: %w[], %i[] and the like."""
        return Term(at(ast.List([self._bare(part, node).node for part in named(node)]), Span(node)), "list")

    def _bare(self, node: Node, outer: Node) -> Term:
        opening = self.text(outer.children[0])
        if texts.is_plain(opening):
            return self.word(texts.plain(self.text(node), opening).replace("\\ ", " "), node)
        return self._with_values(node.children, node)
