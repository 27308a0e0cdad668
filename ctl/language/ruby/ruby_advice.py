"""The names of Ruby's constructs that are not read, and what to write instead."""

from __future__ import annotations

from typing import Final

_ONE_BY_ONE: Final = "Write the settings out one by one."
_OUTSIDE: Final = "Values from outside come from ENV['NAME'], File.read('/path') and from_file '/path.rb'."
_IF: Final = "Use if, elsif and else."
_DEFAULT: Final = "Give a default instead: ENV.fetch('NAME', 'default'), or value || 'default'."
_PLAIN: Final = "Write the value itself."
_LEAVE: Final = "Leave it out: settings are read once, from top to bottom."

CONSTRUCTS: Final[dict[str, tuple[str, str]]] = {
    "assignment": ("an assignment in the midst of an expression", "Write it on a line of its own."),
    "alias": ("`alias`", _LEAVE),
    "begin": ("a `begin` block", _DEFAULT),
    "begin_block": ("a `BEGIN` block", _LEAVE),
    "block_argument": ("a block", _ONE_BY_ONE),
    "break": ("`break`", _LEAVE),
    "case": ("`case`", _IF),
    "case_match": ("`case`", _IF),
    "class": ("a class definition", _LEAVE),
    "class_variable": ("a class variable", "Use a plain local variable: name = value."),
    "complex": ("an imaginary number", _PLAIN),
    "do_block": ("a block", _ONE_BY_ONE),
    "block": ("a block", _ONE_BY_ONE),
    "end_block": ("an `END` block", _LEAVE),
    "for": ("a `for` loop", _ONE_BY_ONE),
    "global_variable": ("a global variable", "Use a local variable, or ENV['NAME']."),
    "instance_variable": ("an instance variable", "Use a plain local variable: name = value."),
    "lambda": ("a lambda", _PLAIN),
    "left_assignment_list": ("an assignment to several names", "Give each its value on a line of its own."),
    "method": ("a method definition", "Keep values in local variables: name = value."),
    "module": ("a module definition", _LEAVE),
    "next": ("`next`", _LEAVE),
    "pattern": ("a pattern", _IF),
    "range": ("a range", "Write the values out."),
    "rational": ("a rational number", _PLAIN),
    "redo": ("`redo`", _LEAVE),
    "regex": ("a regular expression", "Methods such as gsub take plain strings here."),
    "rescue_modifier": ("`rescue`", _DEFAULT),
    "retry": ("`retry`", _LEAVE),
    "return": ("`return`", _LEAVE),
    "right_assignment_list": ("a list without brackets", "Write [one, two]."),
    "scope_resolution": ("a constant", _PLAIN),
    "self": ("`self`", _LEAVE),
    "singleton_class": ("a class definition", _LEAVE),
    "singleton_method": ("a method definition", "Keep values in local variables: name = value."),
    "subshell": ("a command in backticks", f"It is never run. {_OUTSIDE}"),
    "super": ("`super`", _LEAVE),
    "test_pattern": ("a pattern", _IF),
    "undef": ("`undef`", _LEAVE),
    "until": ("an `until` loop", _ONE_BY_ONE),
    "until_modifier": ("an `until` loop", _ONE_BY_ONE),
    "while": ("a `while` loop", _ONE_BY_ONE),
    "while_modifier": ("a `while` loop", _ONE_BY_ONE),
    "yield": ("`yield`", _LEAVE),
    "file": ("`__FILE__`", _PLAIN),
    "line": ("`__LINE__`", _PLAIN),
    "encoding": ("`__ENCODING__`", _PLAIN),
}
"""Syntax node to what people call it, and advice in a sentence."""

_CALLS: Final[dict[str, str]] = {
    "require": _OUTSIDE,
    "require_relative": "Write from_file 'path.rb'.",
    "load": "Write from_file '/path.rb'.",
    "include": "Write from_file '/path.rb'.",
    "import": "Write from_file '/path.rb'.",
    "eval": "Include a file of settings with from_file '/path.rb'.",
    "instance_eval": "Write from_file '/path.rb'.",
    "system": f"It is never run. {_OUTSIDE}",
    "exec": f"It is never run. {_OUTSIDE}",
    "spawn": f"It is never run. {_OUTSIDE}",
    "open": "Read a file with File.read('/path').",
    "puts": "Leave it out: ctl show-config shows every value.",
    "print": "Leave it out: ctl show-config shows every value.",
    "p": "Leave it out: ctl show-config shows every value.",
    "pp": "Leave it out: ctl show-config shows every value.",
    "warn": "Leave it out.",
    "raise": "Leave it out: the settings are checked when they are read.",
    "fail": "Leave it out: the settings are checked when they are read.",
    "loop": _ONE_BY_ONE,
    "format": 'Put values into text with "#{name}".',
    "sprintf": 'Put values into text with "#{name}".',
    "printf": 'Put values into text with "#{name}".',
    "lambda": _PLAIN,
    "proc": _PLAIN,
    "env": "Ruby's environment is ENV['NAME'].",
    "read_file": "In a gitlab.rb a file is read with File.read('/path').",
    "node": _PLAIN,
    "data_bag_item": _PLAIN,
    "search": _PLAIN,
    "rand": _PLAIN,
    "sleep": _LEAVE,
    "exit": _LEAVE,
    "abort": _LEAVE,
    "null": "Ruby writes nil.",
    "__FILE__": _PLAIN,
    "__dir__": _PLAIN,
    "__method__": _PLAIN,
}

_METHODS: Final[dict[str, str]] = {
    "each": _ONE_BY_ONE,
    "each_with_index": _ONE_BY_ONE,
    "each_pair": _ONE_BY_ONE,
    "times": _ONE_BY_ONE,
    "upto": _ONE_BY_ONE,
    "map": "Write the array out.",
    "collect": "Write the array out.",
    "select": "Write the array out.",
    "reject": "Write the array out.",
    "inject": _PLAIN,
    "reduce": _PLAIN,
    "tap": _ONE_BY_ONE,
    "send": _PLAIN,
    "public_send": _PLAIN,
    "match": "Compare with ==, start_with?, end_with? or include?.",
    "match?": "Compare with ==, start_with?, end_with? or include?.",
    "format": 'Put values into text with "#{name}".',
    "to_json": "Write the text out.",
    "to_yaml": "Write the text out.",
    "deep_merge": "Use merge, level by level.",
    "present?": "Write: !value.nil? && !value.empty?.",
    "blank?": "Write: value.nil? || value.empty?.",
    "presence": "Write: value || 'default'.",
    "class": _LEAVE,
    "is_a?": _LEAVE,
    "respond_to?": _LEAVE,
    "strip!": "Use strip, and assign the result.",
    "chomp!": "Use chomp, and assign the result.",
    "gsub!": "Use gsub, and assign the result.",
    "sub!": "Use sub, and assign the result.",
    "days": "Write the seconds.",
    "hours": "Write the seconds.",
    "minutes": "Write the seconds.",
    "megabytes": "Write the bytes.",
    "gigabytes": "Write the bytes.",
}

_CONSTANTS: Final[dict[str, str]] = {
    "True": "Ruby writes true.",
    "False": "Ruby writes false.",
    "None": "Ruby writes nil.",
    "Null": "Ruby writes nil.",
    "NULL": "Ruby writes nil.",
    "YAML": _PLAIN,
    "JSON": _PLAIN,
    "ERB": 'Put values into text with "#{name}".',
    "IO": "Read a file with File.read('/path').",
    "Dir": "Name each file in a from_file of its own.",
    "Pathname": "Write paths as strings.",
    "Socket": "Write the host's name, or take it from ENV['NAME'].",
    "Time": _PLAIN,
    "Date": _PLAIN,
    "SecureRandom": "Leave the setting out: secrets are made and kept where none is given.",
    "Random": _PLAIN,
    "Base64": _PLAIN,
    "OpenSSL": _PLAIN,
    "Net": _PLAIN,
    "Process": f"It is never run. {_OUTSIDE}",
    "Kernel": _OUTSIDE,
    "Open3": f"It is never run. {_OUTSIDE}",
    "Mixlib": f"It is never run. {_OUTSIDE}",
    "Chef": _LEAVE,
    "Gitlab": "Use the setting's own name: registry['key'].",
}

_QUOTES: Final = frozenset("\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb")
"""Quotes of a word processor: Ruby takes them for letters."""

RESERVED: Final = frozenset({
    "alias", "and", "begin", "case", "class", "def", "do", "else", "elsif", "end", "ensure", "for", "if", "in",
    "module", "next", "not", "or", "redo", "rescue", "retry", "return", "super", "then", "undef", "unless",
    "until", "when", "while", "yield",
})  # fmt: skip
"""Words that the grammar takes for a name where they are in the wrong place."""


_ODD: Final = {
    "\u00a0": "a no-break space",
    "\u2007": "a figure space",
    "\u202f": "a narrow no-break space",
    "\u200b": "a zero-width space",
    "\ufeff": "a byte order mark",
    "\u201c": "a smart quote",
    "\u201d": "a smart quote",
    "\u201e": "a smart quote",
    "\u2018": "a smart quote",
    "\u2019": "a smart quote",
    "\u00ab": "a smart quote",
    "\u00bb": "a smart quote",
}


def odd_characters(text: str) -> str:
    """What word processors and web pages put in the place of plain spaces and quotes: ", which holds …"; or ""."""
    found = dict.fromkeys(f"{_ODD[letter]} (U+{ord(letter):04X})" for letter in text if letter in _ODD)
    return f", which holds {' and '.join(found)}" if found else ""


def of_node(kind: str) -> tuple[str, str] | None:
    """What people call the construct of a syntax node, and what to use instead; None for one that is read."""
    return CONSTRUCTS.get(kind)


def of_call(name: str) -> str:
    """What to write instead of a function of Ruby's; or an empty string."""
    return "Use plain quotes: \" or '." if _QUOTES & set(name) else _CALLS.get(name, "")


def of_method(name: str) -> str:
    """What to write instead of a method that is not there; or an empty string."""
    return _METHODS.get(name, "")


def of_constant(name: str) -> str:
    """What to write instead of a constant; or an empty string."""
    return _CONSTANTS.get(name, "")
