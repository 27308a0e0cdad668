"""What to write instead of what the settings language does not have."""

from __future__ import annotations

import ast
from typing import Final

_VARIABLES: Final = "Keep values in variables, and make values that are alike in a for loop."
_ONE_STEP: Final = "Settings are read once, from top to bottom; leave this out."
_FROM_OUTSIDE: Final = (
    'Values from outside come from env("NAME"), read_file("/path") and from_file("/path.py").'
)
_FOR: Final = "Use a for loop over a list or range()."
_IF: Final = "Use if, elif and else."

_NODES: Final[dict[str, tuple[str, str]]] = {
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

_NAMES: Final[dict[str, str]] = {
    "nil": "Write None.",
    "null": "Write None.",
    "true": "Write True.",
    "false": "Write False.",
    "end": "Leave it out: Python shows by indentation where a block ends.",
    "unless": "Write: if not …",
    "elsif": "Write elif.",
    "ENV": 'Write env("NAME"), or env("NAME", "default").',
    "os": 'An environment variable is env("NAME"); a file is read_file("/path").',
    "sys": _FROM_OUTSIDE,
    "json": 'Read a JSON file with read_json("/path.json").',
    "JSON": 'Read a JSON file with read_json("/path.json").',
    "yaml": "Write the value out as a dictionary, or include a file of settings with from_file().",
    "Path": 'Read a file with read_file("/path").',
    "pathlib": 'Read a file with read_file("/path").',
    "File": 'Read a file with read_file("/path").',
    "IO": 'Read a file with read_file("/path").',
    "open": 'Read a file with read_file("/path").',
    "Dir": 'Include several files with from_file("/folder/*.py").',
    "glob": 'Include several files with from_file("/folder/*.py").',
    "socket": "The machine's name is hostname(), with its domain fqdn().",
    "platform": "The machine's name is hostname(), with its domain fqdn().",
    "require": _FROM_OUTSIDE,
    "require_relative": _FROM_OUTSIDE,
    "load": _FROM_OUTSIDE,
    "include": 'Write from_file("/path.py").',
    "import_module": _FROM_OUTSIDE,
    "importlib": _FROM_OUTSIDE,
    "__import__": _FROM_OUTSIDE,
    "eval": "Write the value itself.",
    "exec": 'Include a file of settings with from_file("/path.py").',
    "execfile": 'Include a file of settings with from_file("/path.py").',
    "compile": "Write the value itself.",
    "print": "Leave it out: ctl show-config shows every value.",
    "puts": "Leave it out: ctl show-config shows every value.",
    "input": 'Take the value from env("NAME") or read_file("/path").',
    "getattr": 'Write values.get("key", default).',
    "setattr": 'Write registry["key"] = value.',
    "hasattr": 'Write: "key" in values.',
    "globals": _VARIABLES,
    "locals": _VARIABLES,
    "vars": _VARIABLES,
    "type": "Leave it out.",
    "isinstance": "Leave it out.",
    "map": "Use a comprehension: [str(x) for x in values].",
    "filter": "Use a comprehension: [x for x in values if x].",
    "next": "Take the first with values[0].",
    "iter": _FOR,
    "repr": "Use str(), or an f-string.",
    "format": 'Use an f-string: f"…{name}…".',
    "bytes": "Settings are text: use a string.",
    "bytearray": "Settings are text: use a string.",
    "set": "Use a list, or the keys of a dictionary: {x: True for x in values}.",
    "frozenset": "Use a list, or the keys of a dictionary: {x: True for x in values}.",
    "object": _VARIABLES,
    "node": "The machine's name is hostname(), with its domain fqdn(); write other values themselves.",
    "default": "Write the section's own name.",
}

_METHODS: Final[dict[str, str]] = {
    "format": 'Use an f-string: f"…{name}…".',
    "format_map": 'Use an f-string: f"…{name}…".',
    "encode": "Settings are text; leave it out.",
    "decode": "Settings are text; leave it out.",
    "translate": "Use replace().",
    "maketrans": "Use replace().",
    "sort": "Use sorted(values).",
    "reverse": "Use reversed(values).",
    "clear": "Assign an empty one instead.",
    "popitem": 'Use pop("key").',
    "freeze": "Leave it out.",
    "to_s": "Use str().",
    "to_i": "Use int().",
    "to_sym": "Leave it out: settings use strings.",
    "chomp": "Use strip(); read_file() drops the last newline itself.",
    "merge": "Use first | second.",
    "merge!": "Use update().",
    "push": "Use append().",
    "map": "Use a comprehension: [str(x) for x in values].",
    "each": _FOR,
    "nil": "Write: value is None.",
    "add": "Use append().",
    "read": 'Read a file with read_file("/path").',
}


def of_node(node: ast.AST) -> tuple[str, str] | None:
    """The construct that a syntax node stands for, and what to use instead; None for nodes that are allowed.

    Args:
        node: any node.

    Returns:
        The construct as people call it ("import", "lambda"), and advice in a sentence.
    """
    return _NODES.get(type(node).__name__)


def of_name(name: str) -> str:
    """What to write instead of a name that other languages or all of Python know; or an empty string."""
    return _NAMES.get(name, "")


def of_method(name: str) -> str:
    """What to write instead of a method that is not allowed; or an empty string."""
    return _METHODS.get(name, "")
