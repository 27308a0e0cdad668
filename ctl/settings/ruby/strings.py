"""The value of strings, symbols and heredocs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctl.settings.language.faults import Fault
from ctl.settings.language.limits import check_elements, check_text
from ctl.settings.language.tracked import TrackedList
from ctl.settings.ruby import texts
from ctl.settings.ruby.grammar import Span, named
from ctl.settings.ruby.words import kind, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from ctl.settings.ruby.expressions import Expressions


class Strings:
    """Evaluates what stands between quotes.

    Args:
        expressions: evaluates what is filled in.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions

    def string(self, node: Node) -> str:
        """A string or symbol between quotes of any kind."""
        children = node.children
        opening = self._expressions.text(children[0])
        if texts.is_plain(opening):
            return texts.plain(self._expressions.text(children[1]) if len(children) > 2 else "", opening)
        return self._joined(self._pieces_of(node, children[1:-1]))

    def words(self, node: Node) -> TrackedList:
        """A list of words: %w[], %i[] and the like. Raises NoValue."""
        opening = self._expressions.text(node.children[0])
        words, places = TrackedList(), self._expressions.place
        plain = texts.is_plain(opening)
        for word in named(node):
            self._expressions.scope.budget.charge(1)
            if plain:
                text = texts.plain(self._expressions.text(word), opening).replace("\\ ", " ")
            else:
                text = self._joined(self._pieces(word.children))
            words.place(len(words), text, places(word))
        check_elements(len(words))
        return words

    def _pieces_of(self, node: Node, parts: list[Node]) -> list[texts.Piece]:
        """The pieces of a text; what is wrong in one of several lines is told where the text begins."""
        expressions = self._expressions
        if not parts or parts[-1].end_point[0] == node.start_point[0] or expressions.anchor is not None:
            return self._pieces(parts)
        expressions.anchor = node
        try:
            return self._pieces(parts)
        except Fault as fault:
            fault.node = Span(node)
            raise
        finally:
            expressions.anchor = None

    def _pieces(self, nodes: list[Node]) -> list[texts.Piece]:
        found: list[texts.Piece] = []
        for node in nodes:
            if node.type == "interpolation":
                found.append(texts.Piece(self._interpolation(node)))
            elif node.type == "escape_sequence":
                found.append(texts.Piece(texts.escape(self._expressions.text(node))))
            elif node.type != "heredoc_end":
                found.append(texts.Piece(self._expressions.text(node), written=True))
        return found

    def _joined(self, pieces: list[texts.Piece]) -> str:
        length = sum(len(piece.text) for piece in pieces)
        check_text(length)
        self._expressions.scope.budget.charge_text(length)
        return texts.whole("".join(piece.text for piece in pieces))

    def _interpolation(self, node: Node) -> str:
        value = self._expressions.block(node)
        text = text_of(value)
        if text is None:
            raise Fault(f"{kind(value)} does not become text", Span(node), "Take a single value out of it.")
        check_text(len(text))
        return text

    def chained(self, node: Node) -> str:
        """Strings that follow each other are one."""
        return self._joined([texts.Piece(str(self._expressions.evaluate(part))) for part in named(node)])

    def heredoc(self, node: Node) -> str:
        """The text that <<EOS begins."""
        body = self._expressions.bodies.get(node.start_byte)
        if body is None:
            raise Fault("the text that this begins is never closed", Span(node))
        dedent, quote = texts.heredoc_form(self._expressions.text(node))
        if quote == "`":
            raise Fault("a command in backticks is not read in a gitlab.rb", Span(node), "It is never run.")
        pieces = self._pieces_of(node, body.children)
        if quote == "'":
            raw = "".join(self._expressions.text(one) for one in body.children if one.type != "heredoc_end")
            pieces = [texts.Piece(raw, written=True)]
        return self._joined([texts.Piece(texts.heredoc_text(pieces, dedent=dedent))])
