"""Names, numbers, texts and other plain values as Python writes them."""

from __future__ import annotations

import json
import keyword
import re
from typing import Final
from unicodedata import normalize

from ctl.language.faults import Fault
from ctl.language.functions import NAMES
from ctl.language.limits import check_number

_PLAIN_CONTROL: Final = frozenset("\n\t")
_LONGEST_LINE: Final = 100
_LONGEST_NUMBER: Final = 400
_WRITTEN_ALIKE: Final = re.compile("0|[1-9][0-9_]*|0[xb][0-9a-f_]+|0o[0-7_]+|[0-9]+[.][0-9_]+")
"""Numbers that Ruby and Python write in the same way."""


def quoted(text: str) -> str:
    """A string in double quotes, on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def single(text: str) -> str | None:
    """A string in single quotes, as it may be inside an f-string; None where it cannot."""
    if not text.isprintable() or set("'\"\\{}#") & set(text):
        return None
    return f"'{text}'"


def lines(text: str) -> str:
    """A string of several lines between three quotes; on one line where that would not show what it is."""
    odd = any(not letter.isprintable() and letter not in _PLAIN_CONTROL for letter in text)
    if odd or "\n" not in text or any(line != line.rstrip() for line in text.split("\n")):
        return quoted(text)
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    return f'"""\\\n{escaped}"""'


def name(ruby: str) -> str:
    """A local variable's name in Python: that of Ruby, unless Python or the settings language have it already."""
    if keyword.iskeyword(ruby) or ruby in NAMES or ruby in ("nil", "null", "true", "false"):
        return f"{ruby}_"
    if ruby.isascii() and ruby.isidentifier():
        return ruby
    # Python takes "ﬁ" and "fi" for one name, and many characters for none at all.
    if ruby.isidentifier() and normalize("NFKC", ruby) == ruby:
        return ruby
    return re.sub("[^0-9A-Za-z_]", lambda found: f"u{ord(found[0]):04x}", ruby)


def number(ruby: str) -> str:
    """A number of Ruby. Raises Fault for one that is none, or too large."""
    if len(ruby) > _LONGEST_NUMBER:
        raise Fault("the number has too many digits")
    text = ruby.lower().removeprefix("0d")
    octal = text == ruby.lower() and len(text) > 1 and text[0] == "0" and text[1] in "0123456789_"
    try:
        found = _number(text.replace("_", ""), octal=octal and "." not in text and "e" not in text)
    except ValueError:
        raise Fault("this is no whole number") from None
    check_number(found)
    if _WRITTEN_ALIKE.fullmatch(text):
        return text
    return f"0o{found:o}" if isinstance(found, int) and text[:1] == "0" and octal else str(found)


def _number(text: str, *, octal: bool) -> int | float:
    if octal:
        return int(text, 8)
    if text[:2] in ("0x", "0b", "0o"):
        return int(text, 0)
    return float(text) if "." in text or "e" in text else int(text)


def value(given: object, depth: int = 0) -> str:
    """A plain value, laid out over several lines where it is long.

    Args:
        given: a value of strings, numbers, booleans, None, lists and dictionaries.
        depth: how many containers it is in.
    """
    if isinstance(given, str):
        return quoted(given)
    if not isinstance(given, (dict, list)):
        return repr(given)
    opening, closing = "{}" if isinstance(given, dict) else "[]"
    if isinstance(given, dict):
        parts = [f"{value(str(key))}: {value(one, depth + 1)}" for key, one in given.items()]
    else:
        parts = [value(one, depth + 1) for one in given]
    flat = f"{opening}{', '.join(parts)}{closing}"
    if (
        "\n" not in flat
        and len(flat) + 4 * depth < _LONGEST_LINE - 30
        and not (depth == 0 and _is_deep(given))
    ):
        return flat
    inner, outer = "    " * (depth + 1), "    " * depth
    body = "".join(f"{inner}{part},\n" for part in parts)
    return f"{opening}\n{body}{outer}{closing}"


def _is_deep(given: object) -> bool:
    """Whether there are containers with something in them inside a container."""
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    return any(isinstance(one, (dict, list)) and one for one in inner)
