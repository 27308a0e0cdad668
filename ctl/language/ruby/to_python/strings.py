"""Strings, symbols, heredocs and formats as Python has them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import texts
from ctl.language.ruby.grammar import Span, field, named, statements_in
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import LIST, MAP, WORD, WORDS, Term, at

if TYPE_CHECKING:
    from tree_sitter import Node

_MARK: Final = "\ue000"
"""Stands for an interpolation while the indentation of a heredoc is worked out."""

_FIELD: Final = re.compile(r"%(?:%|s|d|<(\w+)>[sd]|\{(\w+)\})")
_FIELDS: Final = 'There are %s, %d, %{name} and %%; or put values into text with "#{name}".'


class Strings(Writer):
    """Writes what is between quotes."""

    def word(self, text: str, node: Node) -> Term:
        """A string; one that takes several lines in the gitlab.rb may do so in Python."""
        made = self.state.constant(text, WORD, Span(node))
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
        pieces, parts = self._pieces(nodes)
        plain = "".join(piece.text for piece in pieces)
        text = plain if dedent is None else texts.heredoc_text(pieces, dedent=dedent)
        chunks = [texts.whole(chunk) for chunk in text.split(_MARK)]
        if len(chunks) != len(parts) + 1:
            raise Fault("the text holds characters that cannot be converted")
        return self.filled(chunks, parts, whole)

    def filled(self, chunks: list[str], parts: list[Node], whole: Node) -> Term:
        """A text with values between its chunks. Raises Fault.

        Args:
            chunks: the text around the values, one more than there are.
            parts: the values.
            whole: what they are in.
        """
        place, text, values = Span(whole), chunks[0], list[ast.expr]()
        for part, after in zip(parts, chunks[1:], strict=True):
            constant = _constant(self.text(part), part.type)
            if constant is None:
                values += [at(ast.Constant(text), place)] if text else []
                values.append(self._value(part))
                text = after
            else:
                text += constant + after
        if not values:
            return self.word(text, whole)
        return Term(
            at(ast.JoinedStr([*values, at(ast.Constant(text), place)] if text else values), place), WORD
        )

    def _pieces(self, nodes: list[Node]) -> tuple[list[texts.Piece], list[Node]]:
        pieces: list[texts.Piece] = []
        parts: list[Node] = []
        for node in nodes:
            if node.type == "interpolation":
                inner = statements_in(node)
                if len(inner) != 1:
                    raise Fault("there must be one expression in #{ }", Span(node))
                parts.append(inner[0])
                pieces.append(texts.Piece(_MARK))
            elif node.type == "escape_sequence":
                pieces.append(texts.Piece(texts.escape(self.text(node))))
            elif node.type != "heredoc_end":
                pieces.append(texts.Piece(self.text(node), written=True))
        return pieces, parts

    def _value(self, node: Node) -> ast.FormattedValue:
        """What is filled in: a single value."""
        value = self.term(node)
        if value.kind in (LIST, MAP):
            outer = node.parent if node.parent is not None and node.parent.type == "interpolation" else node
            message = f"{WORDS[value.kind]} cannot be turned into text"
            raise Fault(message, Span(outer), "Take a single value out of it.")
        written = self.state.as_text(value)
        made = at(ast.FormattedValue(written.node, -1), Span(node))
        made.is_text = written.kind == WORD  # type: ignore[attr-defined]
        return made

    def chained(self, node: Node) -> Term:
        """Strings that follow each other."""
        first, *others = (self.term(part) for part in named(node))
        for one in others:
            first = self.state.form("a + b", WORD, Span(node), first, one)
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
        raw = "".join(self.text(one) for one in body.children if one.type != "heredoc_end")
        return self.word(texts.heredoc_text([texts.Piece(raw, written=True)], dedent=dedent), node)

    def words(self, node: Node) -> Term:
        """A list of words: %w[], %i[] and the like."""
        return Term(at(ast.List([self._bare(part, node).node for part in named(node)]), Span(node)), LIST)

    def _bare(self, node: Node, outer: Node) -> Term:
        opening = self.text(outer.children[0])
        if texts.is_plain(opening):
            return self.word(texts.plain(self.text(node), opening).replace("\\ ", " "), node)
        return self._with_values(node.children, node)

    def formatted(self, form: Node, values: list[Node], whole: Node) -> Term:
        """`format('%s', value)` and `'%s' % value`: a text with values in the place of its fields.

        Args:
            form: the text, which must be written out.
            values: what is filled in, in order; or one hash for fields with names.
            whole: the expression.

        Raises:
            Fault: the text is not written out, or its fields are not those that are read, or other than the values.
        """
        written, chunks, end, given = self.text(form), [""], 0, list(values)
        parts: list[Node] = []
        plain = form.type == "string" and len(written) > 1 and "#{" not in written
        if not plain or (written[0] != "'" and "\\" in written):
            raise Fault("the text of a format must be written out", Span(form), _FIELDS)
        text = texts.plain(written[1:-1], written[0])
        for found in _FIELD.finditer(text):
            chunks[-1] += text[end : found.start()]
            end = found.end()
            if found[0] == "%%":
                chunks[-1] += "%"
                continue
            name = found[1] or found[2]
            parts.append(self._value_of(values, name, whole) if name else _next(given, whole))
            chunks.append("")
        chunks[-1] += text[end:]
        if "%" in _FIELD.sub("", text):
            raise Fault("this field of a format is not read in a gitlab.rb", Span(form), _FIELDS)
        return self.filled(chunks, parts, whole)

    def _value_of(self, values: list[Node], name: str, whole: Node) -> Node:
        pairs = named(values[0]) if len(values) == 1 and values[0].type == "hash" else values
        for pair in pairs:
            key, value = field(pair, "key"), field(pair, "value")
            if key is not None and value is not None and self.text(key).strip(":'\"") == name:
                return value
        raise Fault(f"there is no value for %{{{name}}} in this format", Span(whole), _FIELDS)


def _next(given: list[Node], whole: Node) -> Node:
    if not given:
        raise Fault("there are fewer values than fields in this format", Span(whole), _FIELDS)
    return given.pop(0)


def _constant(written: str, kind: str) -> str | None:
    """A text or number that is written out, without escapes."""
    if kind == "integer":
        return written if written.isdigit() and not written.startswith("0") else None
    plain = kind == "string" and "\\" not in written and "#{" not in written and "\n" not in written
    return written[1:-1] if plain and written[:1] in "'\"" else None
