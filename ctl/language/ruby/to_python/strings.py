"""Strings, symbols and heredocs as Python writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctl.language.faults import Fault
from ctl.language.ruby import texts
from ctl.language.ruby.grammar import Span, named
from ctl.language.ruby.to_python import python_text
from ctl.language.ruby.to_python.state import Writer
from ctl.language.ruby.to_python.terms import ATOM, LIST, MAP, WORD, WORDS, Term

if TYPE_CHECKING:
    from tree_sitter import Node

_MARK: Final = "\ue000"
"""Stands for an interpolation while the indentation of a heredoc is worked out."""


class _NoFString(Exception):
    """An expression cannot be inside an f-string of Python 3.11."""


class Strings:
    """Writes what is between quotes.

    Args:
        writer: writes what is filled in.

    Attributes:
        inside: what is written is in an f-string, when above 0.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.inside = 0

    def word(self, text: str) -> Term:
        """A string; in single quotes inside an f-string."""
        if not self.inside:
            return Term(python_text.quoted(text), ATOM, WORD)
        written = python_text.single(text)
        if written is None:
            raise _NoFString
        return Term(written, ATOM, WORD)

    def string(self, node: Node) -> Term:
        """A string or symbol between quotes of any kind."""
        children = node.children
        opening = self._writer.text(children[0])
        if texts.is_plain(opening):
            text = texts.plain(self._writer.text(children[1]) if len(children) > 2 else "", opening)
            return self._laid_out(text, node)
        return self._filled(children[1:-1], node)

    def _laid_out(self, text: str, node: Node) -> Term:
        several = node.end_point[0] > node.start_point[0] and not self._writer.state.block and not self.inside
        return Term(python_text.lines(text), ATOM, WORD) if several else self.word(text)

    def _filled(self, nodes: list[Node], whole: Node, *, dedent: bool | None = None) -> Term:
        """As below; what is wrong in a text of several lines is reported where it begins: the lines may be a secret."""
        last, known = nodes[-1].end_point[0] if nodes else 0, len(self._writer.state.terms)
        several = last > whole.start_point[0]
        try:
            written = self._filled_in(nodes, whole, dedent=dedent)
        except Fault as fault:
            if several and (fault.node is None or whole.start_point[0] < fault.node.lineno - 1 <= last):
                fault.node = Span(whole)
            raise
        if several:
            terms = self._writer.state.terms
            terms[known:] = [(text, whole) for text, _ in terms[known:]]
        return written

    def _filled_in(self, nodes: list[Node], whole: Node, *, dedent: bool | None = None) -> Term:
        """A string with escapes and interpolations.

        Args:
            nodes: its parts.
            whole: the node that they are of.
            dedent: for a heredoc, whether its indentation is taken away.
        """
        pieces, parts = self._pieces(nodes)
        text = (
            texts.heredoc_text(pieces, dedent=dedent)
            if dedent is not None
            else "".join(p.text for p in pieces)
        )
        chunks = [texts.whole(chunk) for chunk in text.split(_MARK)]
        if len(chunks) != len(parts) + 1:
            raise Fault("the text holds characters that cannot be converted")
        if not parts:
            if dedent is not None and not self._writer.state.block and not self.inside:
                return Term(python_text.lines(chunks[0]), ATOM, WORD)
            return self._laid_out(chunks[0], whole)
        return self.filled(chunks, parts, whole)

    def filled(self, chunks: list[str], parts: list[Node], whole: Node) -> Term:
        """A text with values between its chunks. Raises Fault.

        Args:
            chunks: the text around the values, one more than there are.
            parts: the values.
            whole: what they are in.
        """
        chunks, parts = self._without_constants(chunks, parts)
        if not parts:
            return self.word(chunks[0])
        known = len(self._writer.state.terms)
        try:
            return self._fstring(chunks, parts)
        except _NoFString:
            if self.inside:
                raise
            del self._writer.state.terms[known:]
            return self._sum(chunks, parts)

    def _without_constants(self, chunks: list[str], parts: list[Node]) -> tuple[list[str], list[Node]]:
        """The chunks with what is a text or a number by itself in them."""
        left: list[Node] = []
        whole = chunks[:1]
        for part, after in zip(parts, chunks[1:], strict=True):
            constant = _constant(self._writer.text(part), part.type)
            if constant is None:
                left.append(part)
                whole.append(after)
            else:
                whole[-1] += constant + after
        return whole, left

    def _pieces(self, nodes: list[Node]) -> tuple[list[texts.Piece], list[Node]]:
        pieces: list[texts.Piece] = []
        parts: list[Node] = []
        for node in nodes:
            if node.type == "interpolation":
                inner = [one for one in named(node) if one.type != "empty_statement"]
                if len(inner) != 1:
                    raise Fault("there must be one expression in #{ }", Span(node))
                parts.append(inner[0])
                pieces.append(texts.Piece(_MARK))
            elif node.type == "escape_sequence":
                pieces.append(texts.Piece(texts.escape(self._writer.text(node))))
            elif node.type != "heredoc_end":
                pieces.append(texts.Piece(self._writer.text(node), written=True))
        return pieces, parts

    def _fstring(self, chunks: list[str], parts: list[Node]) -> Term:
        if self.inside:
            raise _NoFString
        self.inside += 1
        try:
            written = [self._value(part).as_text(env_default="''").text for part in parts]
        finally:
            self.inside -= 1
        if any(set('"\\\n{}#') & set(one) for one in written):
            raise _NoFString
        body = "".join(
            python_text.quoted(chunk)[1:-1].replace("{", "{{").replace("}", "}}")
            + (f"{{{one}}}" if one else "")
            for chunk, one in zip(chunks, [*written, ""], strict=True)
        )
        return Term(f'f"{body}"', ATOM, WORD)

    def _sum(self, chunks: list[str], parts: list[Node]) -> Term:
        written = [python_text.quoted(chunks[0])] if chunks[0] else []
        for chunk, part in zip(chunks[1:], parts, strict=True):
            written.append(self._value(part).as_string().at(8))
            written += [python_text.quoted(chunk)] if chunk else []
        return Term(" + ".join(written), 8 if len(written) > 1 else ATOM, WORD)

    def _value(self, node: Node) -> Term:
        """What is filled in: a single value."""
        value = self._writer.term(node)
        if value.kind in (LIST, MAP):
            outer = node.parent if node.parent is not None and node.parent.type == "interpolation" else node
            message = f"{WORDS[value.kind]} cannot be turned into text"
            raise Fault(message, Span(outer), "Take a single value out of it.")
        return value

    def chained(self, node: Node) -> Term:
        """Strings that follow each other."""
        return Term(" + ".join(self._writer.term(part).at(8) for part in named(node)), 8, WORD)

    def heredoc(self, node: Node) -> Term:
        """The text that <<EOS begins."""
        body = self._writer.state.program.bodies.get(node.start_byte)
        if body is None:
            raise Fault("the text that this begins is never closed", Span(node))
        dedent, quote = texts.heredoc_form(self._writer.text(node))
        if quote == "`":
            raise Fault("a command in backticks is not read in a gitlab.rb", Span(node), "It is never run.")
        if quote != "'":
            return self._filled(body.children, node, dedent=dedent)
        raw = "".join(self._writer.text(one) for one in body.children if one.type != "heredoc_end")
        text = texts.heredoc_text([texts.Piece(raw, written=True)], dedent=dedent)
        if self._writer.state.block or self.inside:
            return self.word(text)
        return Term(python_text.lines(text), ATOM, WORD)

    def words(self, node: Node) -> Term:
        """A list of words: %w[], %i[] and the like."""
        return Term(f"[{', '.join(self._bare(part, node).text for part in named(node))}]", ATOM, LIST)

    def _bare(self, node: Node, outer: Node) -> Term:
        opening = self._writer.text(outer.children[0])
        if texts.is_plain(opening):
            return self.word(texts.plain(self._writer.text(node), opening).replace("\\ ", " "))
        return self._filled(node.children, node)


def _constant(written: str, kind: str) -> str | None:
    """A text or number that is written out, without escapes."""
    if kind == "integer":
        return written if written.isdigit() and not written.startswith("0") else None
    plain = kind == "string" and "\\" not in written and "#{" not in written and "\n" not in written
    return written[1:-1] if plain and written[:1] in "'\"" else None
