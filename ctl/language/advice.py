"""What to write instead of what the settings language does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def by_word(table: Mapping[str, str]) -> dict[str, str]:
    """Words separated by blanks, by the advice that they have in common: each with its advice."""
    return {word: text for text, words in table.items() for word in words.split()}


_VARIABLES: Final = "Keep values in variables, and make values that are alike in a for loop."
_ONE_STEP: Final = "Settings are read once, from top to bottom; leave this out."
_FROM_OUTSIDE: Final = (
    'Values from outside come from env("NAME"), read_file("/path") and from_file("/path.py").'
)
_FOR: Final = "Use a for loop over a list or range()."
_IF: Final = "Use if, elif and else."

NODES: Final[dict[str, tuple[str, str]]] = {
    "Import": ("import", _FROM_OUTSIDE),
    "ImportFrom": ("import", _FROM_OUTSIDE),
    "FunctionDef": ("def", _VARIABLES),
    "AsyncFunctionDef": ("async", _VARIABLES),
    "ClassDef": ("class", _VARIABLES),
    "Lambda": ("lambda", "Use a for loop, or a comprehension: [x for x in values if x]."),
    "Return": ("return", _ONE_STEP),
    "Yield": ("yield", _ONE_STEP),
    "YieldFrom": ("yield", _ONE_STEP),
    "Await": ("await", _ONE_STEP),
    "AsyncFor": ("async", _FOR),
    "AsyncWith": ("async", "Read a file with read_file()."),
    "While": ("while", _FOR),
    "With": ("with", "Read a file with read_file()."),
    "Try": ("try", 'Give a default instead: env("NAME", "default"), or values.get("key", "default").'),
    "TryStar": ("try", 'Give a default instead: env("NAME", "default"), or values.get("key", "default").'),
    "Raise": ("raise", "Leave it out: the settings are checked when they are read."),
    "Assert": ("assert", "Leave it out: the settings are checked when they are read."),
    "Global": ("global", "Leave it out: variables are visible everywhere."),
    "Nonlocal": ("nonlocal", "Leave it out: variables are visible everywhere."),
    "Match": ("match", _IF),
    "TypeAlias": ("type", "Leave it out."),
    "TemplateStr": ('a template string (t"…")', 'Use an f-string: f"…{name}…".'),
    "Delete": ("del", "Leave out what should not be set, or assign None, which means not given."),
    "NamedExpr": (":=", "Give the variable its value on a line of its own, with =."),
    "Set": ("a set", 'Write a list: ["a", "b"].'),
    "SetComp": ("a set", "Write a list: [x for x in values]."),
    "Starred": ("a star here", "Use it inside a list, a tuple or a call: [*first, *second]."),
    "Slice": ("a slice here", "Use it inside square brackets: values[1:3]."),
}
"""Syntax nodes that are not in the language: the construct as people call it, and advice in a sentence."""

NAMES: Final = by_word(
    {
        "Write None.": "nil null",
        "Write True.": "true",
        "Write False.": "false",
        "Leave it out: Python shows by indentation where a block ends.": "end",
        "Write: if not …": "unless",
        "Write elif.": "elsif",
        'Write env("NAME"), or env("NAME", "default").': "ENV",
        'An environment variable is env("NAME"); a file is read_file("/path").': "os",
        _FROM_OUTSIDE: "sys require require_relative load import_module importlib __import__",
        'Read a JSON file with read_json("/path.json").': "json JSON",
        "Write the value out as a dictionary, or include a file of settings with from_file().": "yaml",
        'Read a file with read_file("/path").': "Path pathlib File IO open",
        'Include several files with from_file("/folder/*.py").': "Dir glob",
        "The machine's name is hostname(), with its domain fqdn().": "socket platform",
        'Write from_file("/path.py").': "include",
        "Write the value itself.": "eval compile",
        'Include a file of settings with from_file("/path.py").': "exec execfile",
        "Leave it out: ctl show-config shows every value.": "print puts",
        'Take the value from env("NAME") or read_file("/path").': "input",
        'Write values.get("key", default).': "getattr",
        'Write registry["key"] = value.': "setattr",
        'Write: "key" in values.': "hasattr",
        _VARIABLES: "globals locals vars object",
        "Leave it out.": "type isinstance",
        "Use a comprehension: [str(x) for x in values].": "map",
        "Use a comprehension: [x for x in values if x].": "filter",
        "Take the first with values[0].": "next",
        _FOR: "iter",
        "Use str(), or an f-string.": "repr",
        'Use an f-string: f"…{name}…".': "format",
        "Settings are text: use a string.": "bytes bytearray",
        "Use a list, or the keys of a dictionary: {x: True for x in values}.": "set frozenset",
        "The machine's name is hostname(), with its domain fqdn(); write other values themselves.": "node",
        "Write the section's own name.": "default",
    }
)
"""Advice on names that other languages or all of Python know."""

METHODS: Final = by_word(
    {
        'Use an f-string: f"…{name}…".': "format format_map",
        "Settings are text; leave it out.": "encode decode",
        "Use replace().": "translate maketrans",
        "Use sorted(values).": "sort",
        "Use reversed(values).": "reverse",
        "Assign an empty one instead.": "clear",
        'Use pop("key").': "popitem",
        "Leave it out.": "freeze",
        "Use str().": "to_s",
        "Use int().": "to_i",
        "Leave it out: settings use strings.": "to_sym",
        "Use strip(); read_file() drops the last newline itself.": "chomp",
        "Use first | second.": "merge",
        "Use update().": "merge!",
        "Use append().": "push add",
        "Use a comprehension: [str(x) for x in values].": "map",
        _FOR: "each",
        "Write: value is None.": "nil",
        'Read a file with read_file("/path").': "read",
    }
)
"""Advice on methods that are not allowed."""
