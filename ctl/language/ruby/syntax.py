"""Errors of the text: where it is no Ruby, and how the rest can be read all the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tree_sitter import Node

from ctl.language.limits import Budget
from ctl.language.places import SourceText
from ctl.language.ruby import ruby_advice
from ctl.language.ruby.grammar import parse, tokens
from ctl.language.source import Diagnostic

Report = Callable[[Diagnostic], None]

_MAX_ERRORS: Final = 20
_MAX_REPEATED: Final = 1_000_000
"""Bytes parsed repeatedly to find more than one error."""

_HEREDOC: Final = re.compile(r"<<[~-]?['\"]?([A-Z_]\w*)")

_TOKEN: Final = re.compile(
    r"#(?!\{)[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[\w?!]+|\n|[^\w\s]", re.DOTALL
)
_STATEMENT: Final = re.compile(
    r"(?:registry|gitlab_rails|nginx|[a-z_]\w*)(?:\[['\":][^\]\n]*\])+\s*(?:\|\|)?=(?!=)|[a-z_]\w*\s+['\"]"
    r"|[a-z_]\w*\s*=(?![=>~])|(?:if|unless)\s|from_file\b"
)
_BLOCK: Final = re.compile(
    r"\s*(?:if|unless|def|class|module|begin|case|while|until|for)\b|.*\bdo\b\s*(?:\||$)"
)
_PAIR: Final = re.compile(r"(?:'[^']*'|\"[^\"]*\"|:\w+)\s*=>|\w+:\s")
_STRING: Final = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_LINES_OF_A_HINT: Final = 10
_COMMA: Final = "There must be a comma between two pairs."
_OPENING: Final = {")": "(", "]": "[", "}": "{"}

_HINTS: Final = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (r"^\s*(?:if|elsif|else|unless)\b.*:\s*$", "Ruby has no colon here; the block ends with `end`."),
        (r"^\s*elif\b|^\s*else\s+if\b", "Ruby writes elsif."),
        (r"\bf[\"']", 'Ruby fills values into "…" with #{name}, without f.'),
        (r"[\w'\"\]}]\s+(?:'[^']*'|\"[^\"]*\")\s*(?:=>|:)", _COMMA),
        (r"^\s*(?:'[^']*'|\"[^\"]*\")\s*=(?![=>~])", "Write => between a key and its value."),
        (r"=>\s*(?:,|\}|$)|=\s*$", "Write the value after the sign."),
        (r",\s*,", "There is one comma too many."),
        (r"^=begin\b", "Write =end at the beginning of the line after this comment."),
    )
)


@dataclass(frozen=True)
class Parsed:
    """What could be parsed of a gitlab.rb.

    Args:
        root: the program; None where there is nothing.
        data: the text that it is about, in UTF-8, with blanks in the place of what was left out.
        words: every word of what was left out: what is named there may be missing elsewhere.
        whole: the rest of the file is there.
        unparsed: the first line of each part that is no Ruby, and the line after its last, from 0.
    """

    root: Node | None
    data: bytes
    words: frozenset[str] = frozenset()
    whole: bool = True
    unparsed: tuple[tuple[int, int], ...] = ()


def read_tree(source: SourceText, budget: Budget, report: Report) -> Parsed:
    """Parses a gitlab.rb. A statement that is no Ruby is reported and left out, and the rest is parsed again.

    Args:
        source: the file.
        budget: pays for its words and signs.
        report: takes each error.

    Returns:
        What could be parsed.

    Raises:
        LimitReached: too many words and signs, or a text that is too tangled.
    """
    budget.spend_tokens(tokens(source.text))
    lines, words, whole, checked = source.text.split("\n"), frozenset[str](), True, 0
    unparsed: list[tuple[int, int]] = []
    for attempt in range(1, _MAX_ERRORS + 1):
        # The grammar finds the end of a heredoc only with a newline behind it.
        data = "\n".join([*lines, ""]).encode()
        root = parse(data).root_node
        if not root.has_error:
            return Parsed(root, data, words, whole, tuple(unparsed))
        first, end, culprit = _broken(root, lines, checked)
        if culprit.alone or attempt == 1:
            # Later it may follow from what was left out.
            report(culprit.diagnostic(source, lines))
        if culprit.alone and attempt * len(data) < _MAX_REPEATED and not culprit.open_block:
            end = _next_statement(lines, max(first, culprit.line - 1) + 1, end)
        else:
            end, whole = len(lines), False
        words |= frozenset(re.findall(r"\w+", "\n".join(lines[first:end])))
        lines[first:end] = [""] * (end - first)
        unparsed.append((first, end))
        checked = first
    return Parsed(None, b"", words, whole=False, unparsed=((0, len(lines)),))


@dataclass(frozen=True)
class _Culprit:
    """What makes a text no Ruby.

    Args:
        line, column: where, both from 1.
        message: what is wrong.
        hint: what to do.
        open_block: a block has no end, so that nothing after it can be read.
        alone: the statement is wrong by itself; the rest can be read without it.
    """

    line: int
    column: int
    message: str
    hint: str = ""
    open_block: bool = False
    alone: bool = False

    def diagnostic(self, source: SourceText, lines: list[str]) -> Diagnostic:
        """The error; with a hint taken from the line where it has none."""
        text = lines[self.line - 1] if self.line <= len(lines) else ""
        where = source.location_at(self.line, self.column)
        if odd := ruby_advice.odd_characters(_STRING.sub("", text[:1000])):
            hint = "Type plain spaces, and plain quotes: \" or '."
            return Diagnostic(f"{self.message}; the line{odd.removeprefix(', which')}", where, hint=hint)
        around = lines[self.line - 1 : _next_statement(lines, self.line, self.line + _LINES_OF_A_HINT)]
        hints = (hint for line in around for pattern, hint in _HINTS if pattern.search(line[:1000]))
        hint = self.hint or next(hints, "")
        following = lines[self.line].lstrip() if self.line < len(lines) else ""
        if not hint and _PAIR.match(following) and text.rstrip()[-1:] not in ("", ",", "{", "(", "["):
            hint = _COMMA
        return Diagnostic(self.message, where, hint=hint)


def _broken(root: Node, lines: list[str], checked: int) -> tuple[int, int, _Culprit]:
    """First line, and the line after the last (both from 0), of the first broken statement, and why.

    Args:
        root: the program.
        lines: its lines.
        checked: the line (from 0) up to which every statement is known to be right by itself.
    """
    children = root.children
    index = next((number for number, child in enumerate(children) if child.has_error), 0)
    first = children[index].start_point[0] if children else 0
    # An error node may be after the beginning of its statement on the same line.
    while index > 0 and children[index - 1].end_point[0] == first and children[index - 1].type != "comment":
        index -= 1
        first = children[index].start_point[0]
    # Where the whole program is one error, what is wrong may be before the first broken part.
    alone = _first_alone(lines, checked if root.is_error else max(first, checked))
    return alone or (first, len(lines), _missing(root) or _by_tree(root, lines))


def _first_alone(lines: list[str], first: int) -> tuple[int, int, _Culprit] | None:
    """The first statement from a line on that is broken by itself; the parser may see the error elsewhere."""
    while first < len(lines):
        following = _end_of(lines, first)
        text = "\n".join(lines[first:following])
        root = parse(text.encode()).root_node if text.strip() else None
        if root is not None and root.has_error:
            alone = [""] * first + lines[first:following]
            culprit = _by_signs(alone, first) or _missing(root, first) or _by_tree(root, alone, first)
            return first, following, replace(culprit, alone=True)
        first = following
    return None


def _end_of(lines: list[str], first: int) -> int:
    """The line (from 0) after a statement and the comments that follow it, as far as its text shows."""
    following = max(_next_statement(lines, first + 1, len(lines)), first + 1)
    if _BLOCK.match(lines[first]):
        closed = (number for number in range(first, len(lines)) if lines[number].startswith("end"))
        following = max(following, next(closed, following - 1) + 1)
    for name in _HEREDOC.findall("\n".join(lines[first:following])):
        closed = (number for number in range(first + 1, len(lines)) if lines[number].strip() == name)
        following = max(following, next(closed, following - 1) + 1)
    return following


def _by_signs(lines: list[str], first: int) -> _Culprit | None:
    """A quote or bracket that is never closed, or closes nothing, in the lines of a statement."""
    stack: list[tuple[str, int, int]] = []
    for number in range(first, len(lines)):
        for found in _TOKEN.finditer(lines[number]):
            sign, column = found[0], found.start() + 1
            if sign in ("'", '"'):
                return _Culprit(number + 1, column, "the quote is never closed", "Close it on the same line.")
            if sign in ("(", "[", "{"):
                stack.append((sign, number + 1, column))
            elif sign in _OPENING:
                if not stack or stack[-1][0] != _OPENING[sign]:
                    return _wrong_closing(sign, number + 1, column, stack)
                stack.pop()
    if stack:
        sign, line, column = stack[-1]
        return _Culprit(line, column, f"`{sign}` is never closed")
    return None


def _wrong_closing(sign: str, line: int, column: int, stack: list[tuple[str, int, int]]) -> _Culprit:
    if not stack:
        return _Culprit(line, column, f"`{sign}` closes nothing", "Take it away, or open it above.")
    opened, where, _ = stack[-1]
    return _Culprit(line, column, f"`{sign}` does not close the `{opened}` of line {where}")


def _missing(root: Node, first: int = 0) -> _Culprit | None:
    """What the grammar misses: mostly the `end` of a block, reported at the block's beginning."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_missing and node.parent is not None:
            line, column = node.parent.start_point
            message = f"`{node.type}` is missing for what begins here"
            return _Culprit(first + line + 1, column + 1, message, open_block=node.type == "end")
        stack += [child for child in reversed(node.children) if child.has_error or child.is_missing]
    return None


def _by_tree(root: Node, lines: list[str], first: int = 0) -> _Culprit:
    """The first place where the grammar does not know how to go on."""
    node = root
    while not node.is_error:
        inner = next((child for child in node.children if child.has_error), None)
        if inner is None:
            break
        node = inner
    row, column = node.start_point[0] + first, node.start_point[1]
    text = lines[row] if row < len(lines) else ""
    characters = len(text.encode()[:column].decode(errors="ignore"))
    if node.children and node.children[0].type in ("if", "unless", "def"):
        message = "`end` is missing for what begins here"
        return _Culprit(row + 1, characters + 1, message, open_block=True)
    return _Culprit(row + 1, characters + 1, "this is not Ruby", open_block=_BLOCK.match(text) is not None)


def _next_statement(lines: list[str], start: int, end: int) -> int:
    """The line (from 0) where the next statement begins, as far as is known without a parser."""
    for number in range(start, len(lines)):
        if number >= end or _STATEMENT.match(lines[number]):
            return number
    return len(lines)
