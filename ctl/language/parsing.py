"""From the text of a settings file to its syntax tree, or to errors that show how to write it in Python."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ctl.language.limits import MAX_BRACES, Budget
from ctl.language.places import SourceText
from ctl.language.source import Diagnostic, Location, Severity

Report = Callable[[Diagnostic], None]

_TOKEN: Final = re.compile(
    r"#[^\n]*"
    r"|[rRbBfFuU]{0,2}(?:\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*(?:\"\"\")?|'''(?:[^'\\]|\\.|'(?!''))*(?:''')?"
    r"|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?)"
    r"|\w+|\\?\n|[^\w\s]",
    re.DOTALL,
)
_BLOCKS: Final = re.compile(
    r"\s*(?:if|elif|else|for|while|with|try|except|finally|def|class|async|match|case|@)\b"
)
_BACKSLASH: Final = 'Write "\\\\" for a backslash, or put r before the quotes: r"…".'
_WORDS: Final = (
    ("Exceeds the limit", "the number has too many digits", ""),
    ("unicode error", "a backslash in this text begins something that is not complete", _BACKSLASH),
    ("Missing parentheses", "print is not part of the settings language", ""),
)
_TOO_MUCH: Final = (MemoryError, RecursionError, ValueError, OverflowError)
_MAX_SYNTAX_ERRORS: Final = 20
_MAX_REPEATED_TEXT: Final = 1_000_000
"""Characters parsed repeatedly to find more than one syntax error in a file."""


@dataclass(frozen=True)
class Parsed:
    """What could be parsed of a settings file.

    Args:
        tree: the statements.
        words: every word of the statements that are not in the tree: what is named there may be missing elsewhere.
        whole: the rest of the file is there, apart from those statements.
    """

    tree: ast.Module
    words: frozenset[str] = frozenset()
    whole: bool = True


_NOTHING: Final = Parsed(ast.Module([], []), whole=False)


def parse(source: SourceText, budget: Budget, report: Report) -> Parsed:
    """Parses a settings file.

    A statement that is no Python is reported and dropped, and the rest is parsed again, so that all errors
    are found at once.

    Args:
        source: the file.
        budget: pays for its words and signs.
        report: takes each error and warning.

    Returns:
        What could be parsed.

    Raises:
        LimitReached: too many words and signs in the files read so far.
    """
    budget.spend_tokens(len(_TOKEN.findall(source.text)))
    if source.text.count("{") > MAX_BRACES:
        report(Diagnostic(f"the file has more than {MAX_BRACES:,} opening braces", Location(source.path, 1)))
        return _NOTHING
    statements = _Statements(source)
    text, last, words = source.text, 0, frozenset[str]()
    for attempt in range(1, _MAX_SYNTAX_ERRORS + 1):
        try:
            return Parsed(_parse(text, source, report), words)
        except SyntaxError as error:
            span = statements.span(error.lineno or 0)
            if not isinstance(error, IndentationError) or not statements.is_next(span, last):
                report(_diagnostic(error, source, statements))
            if attempt * len(text) > _MAX_REPEATED_TEXT or not statements.can_be_dropped(error, span, last):
                return _beginning(text, span)
            text, last, words = statements.without(text, span), span[1], words | statements.words(span)
        except _TOO_MUCH:
            message = "the file nests expressions too deeply to be read"
            report(Diagnostic(message, Location(source.path, 1), hint="Take it apart with variables."))
            return _NOTHING
    return _NOTHING


def _beginning(text: str, span: tuple[int, int]) -> Parsed:
    """The statements before one after which nothing can be parsed, if they are Python."""
    try:
        with warnings.catch_warnings(record=True):
            return Parsed(ast.parse("\n".join(text.split("\n")[: span[0] - 1])), whole=False)
    except (SyntaxError, *_TOO_MUCH):
        return _NOTHING


def _parse(text: str, source: SourceText, report: Report) -> ast.Module:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tree = ast.parse(text, str(source.path))
    message = "a backslash in this text is before a character that needs none"
    for warning in caught[:_MAX_SYNTAX_ERRORS]:
        if "escape" in str(warning.message):
            where = source.location_at(warning.lineno, 1, len(text))
            report(Diagnostic(message, where, hint=_BACKSLASH, severity=Severity.WARNING))
    return tree


def _diagnostic(error: SyntaxError, source: SourceText, statements: _Statements) -> Diagnostic:
    # Imported here because it compiles many patterns, which only a file with errors needs.
    from ctl.language import ruby_hints

    line, column = error.lineno or 1, max(1, error.offset or 1)
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    if str(error.msg).startswith("f-string") and sys.version_info < (3, 12):
        column = _column_of(r"(?<!\w)[rR]?[fF][rR]?[\"']", text)
    if "unicode error" in str(error.msg):
        column = _column_of(r"\\", text)
    same_line = error.end_lineno == line and (error.end_offset or 0) > column
    where = source.location_at(line, column, (error.end_offset or 0) - column if same_line else 1)
    first, last = statements.span(line)
    message, hint = _in_words(str(error.msg))
    statement = "\n".join(source.lines[first - 1 : last])
    return Diagnostic(message, where, hint=hint or ruby_hints.hint(statement, text))


def _column_of(pattern: str, text: str) -> int:
    """The column of what an error is about, where Python does not say it."""
    found = re.search(pattern, text)
    return (found.start() if found else len(text) - len(text.lstrip())) + 1


def _in_words(message: str) -> tuple[str, str]:
    """What Python says of an error in plain words, and a hint or ""."""
    for part, words, hint in _WORDS:
        if part in message:
            return words, hint
    hint = 'Close the quotes; text of several lines is written between """ and """.'
    message = re.sub(r" \(detected at line \d+\)| here\. Maybe you meant '==' .*", "", message)
    message = re.sub(r"(?<!f-string: )invalid syntax", "this is not Python", message)
    return message[:1].lower() + message[1:], hint if message.startswith("unterminated") else ""


class _Statements:
    """The statements of a file that may not be Python, separated by brackets, strings and newlines.

    Args:
        source: the file.
    """

    def __init__(self, source: SourceText) -> None:
        self._source = source

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return list(_spans(self._source.text))

    def span(self, line: int) -> tuple[int, int]:
        """The first and last line of the statement that a line is part of."""
        return next((span for span in self._spans if span[0] <= line <= span[1]), (line, line))

    def can_be_dropped(self, error: SyntaxError, span: tuple[int, int], last: int) -> bool:
        """Whether the rest of the file means the same without a statement that is in error.

        It does not where a bracket stays open, where indentation is wrong, or where a block belongs to it.
        """
        if isinstance(error, IndentationError) or "never closed" in str(error.msg) or span[0] <= last:
            return False
        text = self._source.lines[span[0] - 1] if 0 < span[0] <= len(self._source.lines) else ""
        return bool(text.strip()) and not _BLOCKS.match(text)

    def is_next(self, span: tuple[int, int], last: int) -> bool:
        """Whether a statement is the first after one that was dropped."""
        line = span[0]
        return 0 < last < line and not any(text.strip() for text in self._source.lines[last : line - 1])

    def words(self, span: tuple[int, int]) -> frozenset[str]:
        """Every word of a statement."""
        return frozenset(re.findall(r"\w+", "\n".join(self._source.lines[span[0] - 1 : span[1]])))

    def without(self, text: str, span: tuple[int, int]) -> str:
        """The text with `pass` in the place of a statement, every other line at its place."""
        lines = text.split("\n")
        first = lines[span[0] - 1]
        indentation = first[: len(first) - len(first.lstrip())]
        lines[span[0] - 1 : span[1]] = [indentation + "pass"] + [""] * (span[1] - span[0])
        return "\n".join(lines)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    line, start, depth = 1, 1, 0
    for token in _TOKEN.findall(text):
        if token in ("(", "[", "{"):
            depth += 1
        elif token in (")", "]", "}"):
            depth = max(0, depth - 1)
        elif token == "\n":  # noqa: S105 - a token of the language, no password
            if depth == 0:
                yield start, line
                start = line + 1
            line += 1
        else:
            line += token.count("\n")
    yield start, line
