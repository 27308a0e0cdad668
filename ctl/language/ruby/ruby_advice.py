"""What to write instead of Ruby that is not read, and messages of the settings language in Ruby's words."""

from __future__ import annotations

import re
from typing import Final

from ctl.language.advice import by_word

_ONE_BY_ONE: Final = "Write the settings out one by one."
_OUTSIDE: Final = "Values from outside come from ENV['NAME'], File.read('/path') and from_file '/path.rb'."
_NEVER_RUN: Final = f"It is never run. {_OUTSIDE}"
_IF: Final = "Use if, elsif and else."
_DEFAULT: Final = "Give a default instead: ENV.fetch('NAME', 'default'), or value || 'default'."
_PLAIN: Final = "Write the value itself."
_LEAVE: Final = "Leave it out: settings are read once, from top to bottom."
FILL_IN: Final = 'Put values into text with "#{name}".'

_KEYWORDS: Final = by_word({_LEAVE: "alias break next redo retry return self super undef yield", _IF: "case"})
"""What people call by the name of its node."""

_OTHERS: Final = {
    "assignment": ("an assignment in the midst of an expression", "Write it on a line of its own."),
    "begin": ("a `begin` block", _DEFAULT),
    "begin_block": ("a `BEGIN` block", _LEAVE),
    "block_argument do_block block": ("a block", _ONE_BY_ONE),
    "case_match": ("`case`", _IF),
    "class singleton_class": ("a class definition", _LEAVE),
    "class_variable": ("a class variable", "Use a plain local variable: name = value."),
    "complex": ("an imaginary number", _PLAIN),
    "end_block": ("an `END` block", _LEAVE),
    "for": ("a `for` loop", _ONE_BY_ONE),
    "global_variable": ("a global variable", "Use a local variable, or ENV['NAME']."),
    "instance_variable": ("an instance variable", "Use a plain local variable: name = value."),
    "lambda": ("a lambda", _PLAIN),
    "left_assignment_list": ("an assignment to several names", "Give each its value on a line of its own."),
    "method singleton_method": ("a method definition", "Keep values in local variables: name = value."),
    "module": ("a module definition", _LEAVE),
    "pattern test_pattern": ("a pattern", _IF),
    "range": ("a range", "Write the values out."),
    "rational": ("a rational number", _PLAIN),
    "regex": ("a regular expression", "Methods such as gsub take plain strings here."),
    "rescue_modifier": ("`rescue`", _DEFAULT),
    "right_assignment_list": ("a list without brackets", "Write [one, two]."),
    "scope_resolution": ("a constant", _PLAIN),
    "subshell": ("a command in backticks", _NEVER_RUN),
    "until until_modifier": ("an `until` loop", _ONE_BY_ONE),
    "while while_modifier": ("a `while` loop", _ONE_BY_ONE),
    "file": ("`__FILE__`", _PLAIN),
    "line": ("`__LINE__`", _PLAIN),
    "encoding": ("`__ENCODING__`", _PLAIN),
}
"""Syntax nodes with what people call them, and advice in a sentence."""

CONSTRUCTS: Final = {
    **{node: (f"`{node}`", text) for node, text in _KEYWORDS.items()},
    **{node: known for nodes, known in _OTHERS.items() for node in nodes.split()},
}

_CALLS: Final = by_word(
    {
        _OUTSIDE: "require",
        "Write from_file 'path.rb'.": "require_relative",
        "Write from_file '/path.rb'.": "load include import instance_eval",
        "Include a file of settings with from_file '/path.rb'.": "eval",
        _NEVER_RUN: "system exec spawn",
        "Read a file with File.read('/path').": "open",
        "Leave it out: ctl show-config shows every value.": "puts print p pp",
        "Leave it out.": "warn",
        "Leave it out: the settings are checked when they are read.": "raise fail",
        _ONE_BY_ONE: "loop",
        FILL_IN: "format sprintf printf",
        _PLAIN: "lambda proc node data_bag_item search rand __FILE__ __dir__ __method__",
        "Ruby's environment is ENV['NAME'].": "env",
        "In a gitlab.rb a file is read with File.read('/path').": "read_file",
        _LEAVE: "sleep exit abort",
        "Ruby writes nil.": "null",
    }
)
"""Advice on functions of Ruby's."""

METHODS: Final = by_word(
    {
        _ONE_BY_ONE: "each each_key each_pair each_value each_with_index times upto tap",
        "Write the array out.": "map collect select filter reject",
        _PLAIN: "inject reduce send public_send",
        "Compare with ==, start_with?, end_with? or include?.": "match match?",
        FILL_IN: "format",
        "Write the text out.": "to_json to_yaml",
        "Use merge, level by level.": "deep_merge",
        "Write: !value.nil? && !value.empty?.": "present?",
        "Write: value.nil? || value.empty?.": "blank?",
        "Write: value || 'default'.": "presence",
        _LEAVE: "class is_a? respond_to?",
        "Use strip, and assign the result.": "strip!",
        "Use chomp, and assign the result.": "chomp!",
        "Use gsub, and assign the result.": "gsub!",
        "Use sub, and assign the result.": "sub!",
        "Write the seconds.": "days hours minutes",
        "Write the bytes.": "megabytes gigabytes",
    }
)
"""Advice on methods that are not there."""

CONSTANTS: Final = by_word(
    {
        "Ruby writes true.": "True",
        "Ruby writes false.": "False",
        "Ruby writes nil.": "None Null NULL",
        "Give a default where it is read: ENV.fetch('NAME', 'default').": "ENV",
        _PLAIN: "YAML JSON Time Date Random Base64 OpenSSL Net",
        FILL_IN: "ERB",
        "Read a file with File.read('/path').": "IO",
        "Name each file in a from_file of its own.": "Dir",
        "Write paths as strings.": "Pathname",
        "Write the host's name, or take it from ENV['NAME'].": "Socket",
        "Leave the setting out: secrets are made and kept where none is given.": "SecureRandom",
        _NEVER_RUN: "Process Open3 Mixlib",
        _OUTSIDE: "Kernel",
        _LEAVE: "Chef",
        "Use the setting's own name: registry['key'].": "Gitlab",
    }
)
"""Advice on constants."""

RESERVED: Final = frozenset({
    "alias", "and", "begin", "case", "class", "def", "do", "else", "elsif", "end", "ensure", "for", "if", "in",
    "module", "next", "not", "or", "redo", "rescue", "retry", "return", "super", "then", "undef", "unless",
    "until", "when", "while", "yield",
})  # fmt: skip
"""Words that the grammar takes for a name where they are in the wrong place."""


_QUOTES: Final = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
"""Quotes of a word processor: Ruby takes them for letters."""

_ODD: Final = {
    "\u00a0": "a no-break space",
    "\u2007": "a figure space",
    "\u202f": "a narrow no-break space",
    "\u200b": "a zero-width space",
    "\ufeff": "a byte order mark",
    **dict.fromkeys(_QUOTES, "a smart quote"),
}


def odd_characters(text: str) -> str:
    """What word processors and web pages put in the place of plain spaces and quotes: ", which holds …"; or ""."""
    found = dict.fromkeys(f"{_ODD[letter]} (U+{ord(letter):04X})" for letter in text if letter in _ODD)
    return f", which holds {' and '.join(found)}" if found else ""


def of_call(name: str) -> str:
    """What to write instead of a function of Ruby's; or an empty string."""
    return "Use plain quotes: \" or '." if set(_QUOTES) & set(name) else _CALLS.get(name, "")


_PYTHON_METHODS: Final = {
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
    return f"{word}`{_PYTHON_METHODS.get(found[1], found[1])}`"
