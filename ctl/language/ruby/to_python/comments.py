"""Comments: settings that are commented out become commented-out settings in Python; the rest stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Final

from ctl.language.ruby.to_python.written import Comment
from ctl.language.setting_names import Names

Convert = Callable[[str], str | None]

_LINE: Final = re.compile(r"(\s*#+ ?)(\s*)(.*)")
_CODE: Final = re.compile(r"([a-z_]\w*)\s*(?:\[\s*['\":]|\(?\s*['\"\[{]|\s*=)")
_PAIR: Final = re.compile(r"(\s*#+\s*)((?:['\"][^'\"]*['\"]\s*=>|[a-z_]\w*:|:\w+\s*=>)\s*\S.*?)(\s*)$")
_LONGEST_PAIR: Final = 1_000
_MOST_LINES: Final = 40
"""Lines of one setting that is commented out."""


def convert_comments(statements: list[ast.stmt], names: Names, convert: Convert) -> None:
    """Gives the comments of statements, and those inside hashes and arrays, their Python form.

    Args:
        statements: them.
        names: the names of the settings.
        convert: returns the Python form of Ruby, or None where that is no setting.
    """
    for one, following in zip_longest(statements, statements[1:]):
        if isinstance(one, Comment) and isinstance(following, Comment) and one.as_it_is == following.as_it_is:
            one.lines, following.lines = [], one.lines + following.lines
        elif isinstance(one, Comment):
            one.lines = one.lines if one.as_it_is else _converted(one.lines, names, convert)
        elif isinstance(one, ast.If | ast.For):
            convert_comments(one.body, names, convert)
            convert_comments(one.orelse, names, convert)
        else:
            for node in ast.walk(one):
                _convert_inside(node, convert)


def _convert_inside(node: ast.AST, convert: Convert) -> None:
    layout: list[object] = getattr(node, "layout", [])
    for index, part in enumerate(layout):
        if isinstance(part, str) and part.startswith("#"):
            layout[index] = _pair_comment(part, convert)


def _converted(lines: list[str], names: Names, convert: Convert) -> list[str]:
    result: list[str] = []
    index = 0
    while index < len(lines):
        taken, converted = _setting(lines[index : index + _MOST_LINES], names, convert)
        result += converted
        index += taken
    return result


def _setting(lines: list[str], names: Names, convert: Convert) -> tuple[int, list[str]]:
    """How many lines are one setting or comment, and their Python form."""
    found = _LINE.fullmatch(lines[0])
    code = _CODE.match(found[3]) if found else None
    if found is None or code is None or not _is_setting(code[1], names):
        return 1, [lines[0]]
    prefix, bare, open_brackets = found[1], list[str](), 0
    for line in lines:
        text = _bare(line, prefix)
        if text is None or (bare and not text):
            break
        bare.append(text)
        open_brackets += sum(text.count(sign) for sign in "[{(") - sum(text.count(sign) for sign in "]})")
        if open_brackets <= 0:
            converted = convert("\n".join(bare))
            if converted is None:
                break
            return len(bare), [f"{prefix}{one}".rstrip() for one in converted.split("\n")]
    return 1, [lines[0]]


def _is_setting(name: str, names: Names) -> bool:
    return name in names.settings or name in names.sections or names.foreign(name)


def _bare(line: str, prefix: str) -> str | None:
    """A line without its comment sign; None where it has another one than the first line."""
    if line.startswith(prefix):
        return line[len(prefix) :]
    return "" if line.rstrip() == prefix.rstrip() else None


def _pair_comment(comment: str, convert: Convert) -> str:
    """A comment inside a hash or array: a pair that is commented out becomes one in Python."""
    found = _PAIR.fullmatch(comment) if len(comment) < _LONGEST_PAIR else None
    if found is None:
        return comment
    converted = convert(f"x = {{ {found[2].rstrip(',')} }}")
    if converted is None or "\n" in converted:
        return comment
    comma = "," if found[2].endswith(",") else ""
    return f"{found[1]}{converted.removeprefix('x = { ').removesuffix(' }')}{comma}{found[3]}"
