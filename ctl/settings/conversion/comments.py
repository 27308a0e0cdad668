"""Comments: settings that are commented out become commented-out settings in Python; the rest stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ctl.settings.language.names import Names

Convert = Callable[[str], str | None]

_LINE: Final = re.compile(r"(\s*#+ ?)(\s*)(.*)")
_CODE: Final = re.compile(r"([a-z_]\w*)\s*(?:\[\s*['\":]|\(?\s*['\"\[{]|\s*=)")
_PAIR: Final = re.compile(r"(\s*#+\s*)((?:['\"][^'\"]*['\"]\s*=>|[a-z_]\w*:|:\w+\s*=>)\s*\S.*?)(\s*)$")
_MOST_LINES: Final = 60
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
    prefix, bare = found[1], [_bare(line, found[1]) for line in lines]
    for count in range(1, len(lines) + 1):
        if count > 1 and bare[count - 1] is None:
            break
        text = "\n".join(line or "" for line in bare[:count])
        if not _is_closed(text):
            continue
        converted = convert(text)
        if converted is not None:
            return count, [f"{prefix}{line}".rstrip() for line in converted.split("\n")]
        break
    return 1, [lines[0]]


def _is_setting(name: str, names: Names) -> bool:
    return name in names.settings or name in names.sections or names.foreign(name)


def _bare(line: str, prefix: str) -> str | None:
    """A line without its comment sign; None where it has another one than the first line."""
    if line.startswith(prefix):
        return line[len(prefix) :]
    return "" if line.rstrip() == prefix.rstrip() else None


def _is_closed(text: str) -> bool:
    """Whether as many brackets are closed as are opened, as far as can be told by counting."""
    return all(text.count(one) <= text.count(other) for one, other in ("[]", "{}", "()"))


def pair_comment(comment: str, names: Names) -> str:
    """A comment inside a hash or array: a pair that is commented out becomes one in Python."""
    from ctl.settings.conversion.ruby import convert_snippet

    found = _PAIR.fullmatch(comment)
    if found is None:
        return comment
    converted = convert_snippet(f"x = {{ {found[2].rstrip(',')} }}", names)
    if converted is None or "\n" in converted:
        return comment
    comma = "," if found[2].endswith(",") else ""
    return f"{found[1]}{converted.removeprefix('x = { ').removesuffix(' }')}{comma}{found[3]}"
