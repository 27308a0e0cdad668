"""Comments: settings that are commented out become commented-out settings in Python; the rest stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ctl.language.setting_names import Names

Convert = Callable[[str], str | None]

_LINE: Final = re.compile(r"(\s*#+ ?)(\s*)(.*)")
_CODE: Final = re.compile(r"([a-z_]\w*)\s*(?:\[\s*['\":]|\(?\s*['\"\[{]|\s*=)")
_PAIR: Final = re.compile(r"(\s*#+\s*)((?:['\"][^'\"]*['\"]\s*=>|[a-z_]\w*:|:\w+\s*=>)\s*\S.*?)(\s*)$")
_LONGEST_PAIR: Final = 1_000
_MOST_LINES: Final = 40
"""Lines of one setting that is commented out."""


def convert_comments(lines: list[str], names: Names, convert: Convert) -> list[str]:
    """A block of comment lines in its Python form.

    Args:
        lines: comments that follow each other, each with its sign.
        names: the names of the settings.
        convert: returns the Python form of Ruby, or None where that is no setting.
    """
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


def pair_comment(comment: str, convert: Convert) -> str:
    """A comment inside a hash or array: a pair that is commented out becomes one in Python."""
    found = _PAIR.fullmatch(comment) if len(comment) < _LONGEST_PAIR else None
    if found is None:
        return comment
    converted = convert(f"x = {{ {found[2].rstrip(',')} }}")
    if converted is None or "\n" in converted:
        return comment
    comma = "," if found[2].endswith(",") else ""
    return f"{found[1]}{converted.removeprefix('x = { ').removesuffix(' }')}{comma}{found[3]}"
