"""What to write instead of Ruby: most people who come here have a gitlab.rb in mind."""

from __future__ import annotations

import re
from typing import Final

from ctl.language import advice

_CALL: Final = re.compile(
    r"\s*([A-Za-z_]\w*)[ \t]+(?=[\"'\w\[{:%])(?!(?:and|or|in|is|if|not|else|for)\b)(['\"]?)"
)
_STATEMENTS: Final = re.compile(
    r"(?:if|elif|else|for|while|with|try|def|class|import|from|return|del|assert|raise|global|not|lambda|async"
    r"|await|nonlocal|pass|break|continue|yield|except|finally|match|case|unless|elsif|end|case|when|do)\b"
)

_PATTERNS: Final = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (r"^\s*[A-Za-z_]\w*(?:-[A-Za-z_]\w*)+\s*\[", 'Names have "_" in the place of "-".'),
        (r"=>", 'Python writes {"key": value}, with ":" in place of "=>".'),
        (r"(?<![\w%)\]])%[wWiI]?[\[({|]", 'Python writes a list of words as ["one", "two"].'),
        (r"<<[~-]?[A-Z_'\"]", 'Python writes text of several lines between """ and """.'),
        (r"\bdo\b\s*(?:\||$)", 'Python writes "for name in values:" and indents what belongs to it.'),
        (r"&&", 'Python writes "and".'),
        (r"\|\|", 'Python writes "or"; a default is env("NAME", "default").'),
        (r"(?<![=!<>])!(?!=)", 'Python writes "not".'),
        (r"^\s*(?:if|elsif)\b[^:]*$", 'Python writes "if condition:" and indents what belongs to it.'),
        (r"^\s*elsif\b", 'Python writes "elif condition:".'),
        (r"\bunless\b", 'Python writes "if not condition:" on a line of its own.'),
        (r"\S\s+if\b(?!.*\belse\b)", 'Python writes "if condition:" on a line of its own, before this.'),
        (r"\?[^:]*:", "Python writes: one if condition else other."),
        (r"(?<![\w\])}\"'])\s*:[a-z_]\w*", 'Python has no symbols: write the name in quotes, "name".'),
        (
            r"^\s*\w+(?:\[[^\]]*\])+\s*(?!(?:and|or|in|is|if|for|not|else|unless)\b)['\"\w{]",
            'Write "=" between the setting and its value.',
        ),
        ("[\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]", "Use plain quotes: \" or '."),
        ("[\u00a0\u2007\u202f\u200b\ufeff]", "There is a space here that is not a plain one: type it again."),
    )
)

_LONGEST: Final = 1_000
"""Characters that are looked at; a search for a pattern may take time that grows with the square of this."""

_STRINGS: Final = re.compile(r"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|#[^\n]*")


def hint(statement: str, line: str) -> str:
    """How the thing that is written here as in Ruby (or in a word processor) is written in Python.

    Args:
        statement: the whole statement that is no Python, from its first line on.
        line: the line of it where Python stumbled.

    Returns:
        One sentence, or an empty string where nothing is recognised. Never with text from strings.
    """
    return (
        _missing_parentheses(statement)
        or _pattern(_without_texts(line))
        or _pattern(_without_texts(statement))
    )


def _missing_parentheses(statement: str) -> str:
    found = _CALL.match(statement)
    if found is None or _STATEMENTS.match(found[1]):
        return ""
    name = found[1]
    known = advice.NAMES.get(name)
    if known:
        return known
    value = '"…"' if found[2] else "…"
    assigned = "" if name in ("from_file", "read_file", "env") else f", or {name} = {value}"
    return f"Python needs parentheses: {name}({value}){assigned}."


def _pattern(code: str) -> str:
    return next((advice for pattern, advice in _PATTERNS if pattern.search(code)), "")


def _without_texts(code: str) -> str:
    """The code with nothing in its strings and no comments: only signs outside them are Ruby."""
    return _STRINGS.sub(lambda found: '""' if found[1] else "", code[:_LONGEST])
