"""What the settings language reports of the Python form, in Ruby's words."""

from __future__ import annotations

import re
from typing import Final

_METHODS: Final = {
    "upper": "upcase", "lower": "downcase", "removeprefix": "delete_prefix", "removesuffix": "delete_suffix",
    "replace": "gsub", "startswith": "start_with?", "endswith": "end_with?", "append": "push",
    "extend": "concat", "insert": "unshift", "update": "merge!", "pop": "delete", "get": "[]",
}  # fmt: skip
"""Methods of the Python form by Ruby's names."""

_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), ruby)
    for pattern, ruby in (
        (r"^.+ is (a whole number|a string|a number|a boolean|None): it has no keys( to assign to)?$",
         r"\1 has no keys\2"),
        (r"the keys of a setting are strings[;,] (?:here one is|not) (.*)",
         r"the keys of settings are strings or symbols, not \1"),
        (r"^Put it in quotes\.$", "Write 'key' or :key."),
        (r"(.*) and (.*) cannot be compared with", r"\1 and \2 do not go together with"),
        (r"^this text is not a whole number$", "this text is not a whole number, and to_i takes no other here"),
        (r"^this text is not a number$", "this text is not a number, and to_f takes no other here"),
        (r'Write (?:int|float)\("[\d.]+"\)\.', "Write the digits alone, or the number itself."),
        (r"^a list of (\d+), counted from 0, has no such element$",
         r"an array of \1 has no such element: write nil, or add the element"),
        (r"Use get\(\) where it may be missing\.", "Give a default: fetch('key', 'default')."),
        (r"^len\(\) is called with the wrong arguments$", "nil or a number has no length"),
        (r"^Write len\(values\)\.$", "A setting that was not given above is nil."),
        (r"is not set above this line", "is nil here, as it is not set above this line"),
        (r'this text holds "#\{…\}", which Python does not fill in: that takes f"\{…\}"',
         'this text holds "#{…}", which is filled in between double quotes only'),
        (r'with an f-string: f"…\{name\}…"', 'with "#{name}"'),
        (r"with str\(\)", "with to_s"),
        (r" in the settings language", " that is read in a gitlab.rb"),
        (r"not part of the settings language", "not read in a gitlab.rb"),
        (r'or give a default: env\("NAME", "…"\)', "or give a default: ENV.fetch('NAME', '…')"),
        (r'\benv\("NAME"\)', "ENV['NAME']"),
        (r'\benv\("NAME", "default"\)', "ENV.fetch('NAME', 'default')"),
        (r"\benv\(\)", "ENV[]"),
        (r'read_file\("/path"\)', "File.read('/path')"),
        (r"\bread_file\(\)", "File.read"),
        (r"\bfrom_file\(\)", "from_file"),
        (r'from_file\("/path\.py"\)', "from_file '/path.rb'"),
        (r"\blists and dictionaries\b", "arrays and hashes"),
        (r"\ba dictionary\b", "a hash"),
        (r"\bthe dictionary\b", "the hash"),
        (r"\ba list\b", "an array"),
        (r"\bthe list\b", "the array"),
        (r"\bNone\b", "nil"),
    )
)  # fmt: skip

_METHOD: Final = re.compile(r"\b(?:method )?(\w+)\(\)(?= (?:of|that|finds|does|cannot)\b|\?|$)")


def in_ruby(message: str) -> str:
    """A message about the Python form as one about the gitlab.rb that it was made from."""
    for pattern, ruby in _PATTERNS:
        message = pattern.sub(ruby, message)
    return _METHOD.sub(_method, message)


def _method(found: re.Match[str]) -> str:
    word = "method " if found[0].startswith("method ") else ""
    return f"{word}`{_METHODS.get(found[1], found[1])}`"
