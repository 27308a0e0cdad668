"""Reads NGINX configuration into blocks, so that tests ask for directives and not for lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""\s+ | \#[^\n]*
    | (?P<mark> [{};] )
    | "(?P<double> (?: \\. | [^"\\] )* )"
    | '(?P<single> (?: \\. | [^'\\] )* )'
    | (?P<plain> (?: \$\{ | [^\s{};"'] )+ )""",
    re.VERBOSE,
)


@dataclass
class Block:
    """Directives in braces.

    Args:
        name: words before the brace: ("location", "/"); () for the file itself.
        directives: words of each simple directive, in order.
        blocks: inner blocks, in order.
    """

    name: tuple[str, ...] = ()
    directives: list[tuple[str, ...]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def all(self, directive: str) -> list[tuple[str, ...]]:
        """The parameters of every such directive of this block itself."""
        return [words[1:] for words in self.directives if words[0] == directive]

    def one(self, directive: str) -> str:
        """The parameters of the only such directive, joined by blanks."""
        found = self.all(directive)
        assert len(found) == 1, f"{len(found)} directives {directive} in {' '.join(self.name)}"
        return " ".join(found[0])

    def named(self, *name: str) -> list[Block]:
        """Inner blocks, at any depth, whose words begin so."""
        found = [one for one in self.blocks if one.name[: len(name)] == name]
        return found + [deep for one in self.blocks for deep in one.named(*name)]


def parse(text: str) -> Block:
    """Read a configuration file.

    Raises:
        AssertionError: braces do not match, or text remains that is no word.
    """
    top = Block()
    stack, words = [top], list[str]()
    for mark, word in _tokens(text):
        if not mark:
            words.append(word)
            continue
        if mark == ";":
            stack[-1].directives.append(tuple(words))
        elif mark == "{":
            stack.append(Block(tuple(words)))
            stack[-2].blocks.append(stack[-1])
        else:
            stack.pop()
        words.clear()
    assert len(stack) == 1, "braces do not match"
    return top


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match, f"not NGINX configuration: {text[at : at + 40]!r}"
        at = match.end()
        if match["mark"]:
            yield match["mark"], ""
        elif match.lastgroup in ("double", "single"):
            yield "", re.sub(r"\\(.)", r"\1", match[match.lastgroup])
        elif match["plain"]:
            yield "", match["plain"]
