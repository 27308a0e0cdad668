"""How a settings file would change, for people, with nothing in it that is secret.

What a statement gives to a secret setting is hidden, and so are the variables that go into it; of commented-out
statements too. What could not be parsed is hidden line by line. In all other lines texts are hidden that look
like secrets. Where in doubt more is hidden than would be needed.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from ctl.language.faults import LimitReached
from ctl.language.limits import Budget
from ctl.language.parsing import parse as parse_what_can_be
from ctl.language.places import SourceText, shown
from ctl.settings.editing.assignments import path_of
from ctl.settings.editing.document import parse, plain
from ctl.settings.masking import MASK, is_secret, mask_value
from ctl.settings.options import OPTIONS

_LONGEST = 300
"""Comments longer than this are not shown."""
_STARS = re.compile(r"\*{6,}")
_RANDOM = re.compile(r"(?=[A-Za-z+/_=-]*[0-9])[A-Za-z0-9+/_=-]{20,}")
"""A long word with digits in it."""
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])'(?=(?:s|t|d|m|re|ve|ll)\b)")
"""One of a word ("GitLab's"), which begins no text."""
_PEM = re.compile(r"-----(BEGIN|END) ")
_NAMES_ONLY = ("env", "read_file", "from_file")
"""Functions whose first argument is a name."""

_Spans = list[tuple[int, int, int, int]]
"""First line, column in bytes of UTF-8, last line, column: of texts that are hidden."""


def masked_diff(path: Path, old: str, new: str) -> str:
    """A unified diff of two texts of a settings file; changed lines are there also where all they hold is hidden.

    Args:
        path: the file, for the header and for the language that it is in.
        old, new: the texts.

    Returns:
        The diff; "" where the texts are the same.
    """
    # Behind what is shown is the line itself, which is compared too; no line of a text holds a NUL.
    before, after = (
        [f"{shown}\0{line}" for shown, line in zip(masked(path, text), _lines(text), strict=True)]
        for text in (old, new)
    )
    lines = difflib.unified_diff(before, after, str(path), str(path), lineterm="")
    return "\n".join(line.partition("\0")[0] for line in lines)


def _lines(text: str) -> list[str]:
    lines = plain(text).split("\n")
    return lines if lines[-1] else lines[:-1]


def masked(path: Path, text: str) -> list[str]:
    """The lines of a settings file as they may be shown, one for one."""
    lines = _lines(text)
    if path.suffix == ".rb":
        return list(_looked_over(lines))
    whole = "\n".join(lines)
    try:
        return list(_without_pem(_masked(lines, parse(whole), _comments(whole))))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        spans, hidden = _of_what_can_be_parsed(path, whole)
        return list(_looked_over(_without_spans(lines, spans, hidden)))


def _masked(lines: list[str], tree: ast.Module, comments: Mapping[int, int]) -> list[str]:
    """The lines of a text that could be parsed.

    Args:
        lines: them.
        tree: their statements.
        comments: number of each line with a comment, and the column in characters where that begins.
    """
    tails = {number: lines[number - 1][column:] for number, column in comments.items()}
    bare = [line[: comments[number]] if number in comments else line for number, line in enumerate(lines, 1)]
    spans = _spans(tree)
    secret = {number for first, _, last, _ in spans for number in range(first, last + 1)}
    # What is behind a secret may be a former one.
    notes = {number: f"# {MASK}" if number in secret else _comment(tail) for number, tail in tails.items()}
    return [
        _printable(line) + notes.get(number, "")
        for number, line in enumerate(_without_spans(bare, spans, set()), 1)
    ]


def _comments(text: str) -> dict[int, int]:
    """Where the comments of a text are: number of the line, and column from 0. Raises tokenize.TokenError."""
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="\n").readline)
    return {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}


def _comment(text: str) -> str:
    """A comment without what looks like a secret; a commented-out statement without its secrets."""
    statement = text.lstrip("# ")
    hashes = text[: len(text) - len(statement)]
    try:
        line = hashes + "".join(_without_spans([statement], _spans(parse(statement)), set()))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        line = text
    words = _APOSTROPHE.sub("\u02bc", text)
    if line == text != words and "'" in words:  # which of them belong together is not clear
        return _doubtful(text[: text.index("'")]) + MASK
    if len(text) > _LONGEST or (line == text and any(sign in words for sign in "\"'")):
        return _doubtful(words).replace("\u02bc", "'")
    return _RANDOM.sub(MASK, _printable(line))


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in line)


def _doubtful(line: str) -> str:
    """A line without what looks like a secret, as the errors of the settings language show it."""
    return _STARS.sub(MASK, shown(line)) or (f"({len(line)} characters)" if line else "")


def _looked_over(lines: list[str]) -> Iterator[str]:
    return _without_pem([_doubtful(line) for line in lines])


def _without_pem(lines: list[str]) -> Iterator[str]:
    """Lines without the bodies of PEM texts."""
    inside = False
    for line in lines:
        mark = _PEM.search(line)
        hidden = inside and not mark
        if mark:
            inside = mark[1] == "BEGIN" and "-----END " not in line
        yield MASK if hidden else line


def _of_what_can_be_parsed(path: Path, text: str) -> tuple[_Spans, set[int]]:
    """The texts to hide, and the numbers of the lines that no statement explains."""
    try:
        tree = parse_what_can_be(SourceText(path, text), Budget(), lambda _: None).tree
    except LimitReached:
        tree = ast.Module([], [])
    known = {
        line
        for statement in tree.body
        if not isinstance(statement, ast.Pass)
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
    lines = text.split("\n")
    plain = {number for number, line in enumerate(lines, 1) if line.strip()[:1] in ("", "#")}
    return _spans(tree), set(range(1, len(lines) + 1)) - known - plain


def _without_spans(lines: list[str], spans: _Spans, hidden: set[int]) -> list[str]:
    """Lines with the mask in the place of hidden texts; of one of several lines each line is hidden."""
    result = [MASK if number in hidden else line for number, line in enumerate(lines, 1)]
    for first, column, last, end in sorted(spans, reverse=True):
        for number in range(first, last + 1):
            line = result[number - 1].encode()
            start = line[: column if number == first else 0]
            rest = line[end:] if number == last else b""
            quoted = f'"{MASK}"' if first == last else MASK
            result[number - 1] = start.decode(errors="ignore") + quoted + rest.decode(errors="ignore")
    return result


def _spans(tree: ast.Module) -> _Spans:
    """Every text that goes into a secret."""
    secret_names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and is_secret(node.id)}
    while True:
        found = [node for statement in ast.walk(tree) for node in _secret_values(statement, secret_names)]
        names = {one.id for node in found for one in ast.walk(node) if isinstance(one, ast.Name)}
        if names <= secret_names:
            return _outermost([text for node in found for text in _texts(node)])
        secret_names |= names


def _outermost(nodes: list[ast.expr]) -> _Spans:
    spans = {
        (one.lineno, one.col_offset, one.end_lineno or one.lineno, one.end_col_offset or 0) for one in nodes
    }
    return [
        span
        for span in spans
        if not any(one != span and one[:2] <= span[:2] and span[2:] <= one[2:] for one in spans)
    ]


def _secret_values(node: ast.AST, secret_names: set[str]) -> Iterator[ast.expr]:
    """The expressions in a node that are given to a secret, or to a variable that goes into one."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.NamedExpr):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield from _given(target, node.value, secret_names)
    elif isinstance(node, ast.For):
        yield from _given(node.target, node.iter, secret_names)
    elif isinstance(node, ast.Dict):
        yield from _secret_items(node)
    elif isinstance(node, ast.keyword) and node.arg and is_secret(node.arg):
        yield node.value
    elif isinstance(node, ast.Constant) and mask_value(node.value) != node.value:  # credentials in a URL
        yield node


def _given(target: ast.expr, value: ast.expr, secret_names: set[str]) -> Iterator[ast.expr]:
    names = {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
    path, _ = path_of(target)
    if (path and _is_secret(path)) or (not path and names & secret_names):
        yield value
    elif isinstance(value, ast.Dict) and path:
        yield from _secret_items(value, path)


def _secret_items(node: ast.Dict, above: tuple[str, ...] = ()) -> Iterator[ast.expr]:
    """Values in a dictionary whose keys are secret; what is under a key that is computed is not known."""
    for key, value in zip(node.keys, node.values, strict=True):
        text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        if text is None:
            continue
        path = (*above, text)
        if _is_secret(path):
            yield value
        elif isinstance(value, ast.Dict):
            yield from _secret_items(value, path)


def _is_secret(path: tuple[str, ...]) -> bool:
    for length in range(1, len(path) + 1):
        option = OPTIONS.get(".".join(path[:length]))
        key = path[length - 1]
        # Headers are in lists of endpoints, where what they belong to is not seen.
        if (option and option.secret) or key == "headers" or is_secret(key, path[: length - 1]):
            return True
    if path[:2] == ("registry", "env") and len(path) > 2:
        return mask_value({path[2]: "x"}, environment=True) != {path[2]: "x"}
    return False


def _texts(node: ast.expr) -> Iterator[ast.expr]:
    """Texts and numbers in an expression, without names of files, environment variables and keys."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and node.value not in (None, True, False, "")
    ):
        yield node
        return
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMES_ONLY:
        children = children[2:]
    if isinstance(node, ast.Subscript):
        children = [node.value]
    if isinstance(node, ast.Dict):
        children = list(node.values)
    for child in children:
        if isinstance(child, ast.keyword):
            child = child.value
        if isinstance(child, ast.expr):
            yield from _texts(child)
