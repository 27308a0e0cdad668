"""A gitlab.rb as a tree with its text, and its Python form as the text that is read in its place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ctl.language.faults import Fault
from ctl.language.places import Positioned, SourceText
from ctl.language.ruby import ruby_advice, wording
from ctl.language.ruby.grammar import Span, heredocs
from ctl.language.source import Location

if TYPE_CHECKING:
    from tree_sitter import Node


class Program:
    """A gitlab.rb that has been parsed.

    Args:
        root: its tree.
        data: its text in UTF-8.

    Attributes:
        bodies: the bodies of its heredocs, by the offset of their beginnings.
    """

    def __init__(self, root: Node, data: bytes) -> None:
        self.root = root
        self.data = data
        self.bodies: dict[int, Node] = heredocs(root, data)

    def text(self, node: Node) -> str:
        """A node as it is written."""
        return self.data[node.start_byte : node.end_byte].decode()


def refusal(node: Node) -> Fault:
    """The failure of a construct that is not read."""
    name, hint = ruby_advice.CONSTRUCTS.get(node.type) or (f"this ({node.type.replace('_', ' ')})", "")
    return Fault(f"{name} is not read in a gitlab.rb", Span(node), hint)


@dataclass(frozen=True)
class Origin:
    """The statement that lines of Python come from.

    Args:
        node: the statement.
        terms: each piece of Python that was written for it, and the node that this is the form of.
    """

    node: Node
    terms: list[tuple[str, Node]] = field(default_factory=list)


class PythonForm(SourceText):
    """The Python form of a gitlab.rb: all that is reported about it has its place in the gitlab.rb.

    Args:
        ruby: the gitlab.rb.
        text: the Python form.
        origins: for each line the statement that it comes from, or None.
    """

    __slots__ = ("_firsts", "_origins", "_ruby")

    def __init__(self, ruby: SourceText, text: str, origins: Sequence[Origin | None]) -> None:
        super().__init__(ruby.path, text)
        self._ruby = ruby
        self._firsts: list[int] = []
        self._origins: list[Origin] = []
        for number, origin in enumerate(origins, 1):
            if origin is not None and (not self._origins or self._origins[-1] is not origin):
                self._firsts.append(number)
                self._origins.append(origin)

    def location(self, node: Positioned) -> Location:
        """The place in the gitlab.rb of a node of the Python form."""
        found = bisect_right(self._firsts, node.lineno) - 1
        if found < 0:
            return Location(self.path, 1)
        return self._ruby.location(Span(self._origin_of(node, self._origins[found], self._firsts[found])))

    def location_at(self, line: int, column: int, width: int = 1) -> Location:
        """The place in the gitlab.rb of the statement that a line of the Python form comes from."""
        found = bisect_right(self._firsts, line) - 1
        return self._ruby.location(Span(self._origins[max(found, 0)].node))

    def worded(self, message: str) -> str:
        """A message of the settings language in Ruby's words."""
        return wording.in_ruby(message)

    def _origin_of(self, node: Positioned, origin: Origin, first: int) -> Node:
        """The part of a statement that a node of its Python form comes from: the same text, in the same order.

        Lines after the first of a statement are those of the gitlab.rb, so that most are found by their line.
        """
        written = self._written(node)
        found = [one for text, one in origin.terms if text == written]
        found.sort(key=lambda one: one.start_byte)
        if not found:
            return self._around(written, origin)
        row = node.lineno - first + origin.node.start_point[0]
        here = [one for one in found if one.start_point[0] == row]
        before = self._before(node, node.lineno if here else first)
        return (here or found)[min(before.count(written), len(here or found) - 1)]

    def _around(self, written: str, origin: Origin) -> Node:
        """The smallest part whose Python form holds a text, but for indentation; else the whole statement."""
        plain = "".join(written.split())
        around = [(len(text), one) for text, one in origin.terms if plain and plain in "".join(text.split())]
        return min(around, key=lambda pair: pair[0])[1] if around else origin.node

    def _written(self, node: Positioned) -> str:
        lines = [line.encode() for line in self.lines[node.lineno - 1 : node.end_lineno]]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode(errors="replace")

    def _before(self, node: Positioned, first: int) -> str:
        """What is written before a node, from a line on."""
        lines = self.lines[first - 1 : node.lineno]
        lines[-1] = lines[-1].encode()[: node.col_offset].decode(errors="replace")
        return "\n".join(lines)
