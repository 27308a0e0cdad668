"""Settings files that are wrong: each error is at its place and says what to write."""

from __future__ import annotations

import pytest

from ctl.language.source import Severity
from tests.language.reader import errors, places

WRONG_NAMES = [
    ('regitry["x"] = 1', "1:1", "unknown section regitry", "Did you mean registry?"),
    ('registry["x"] = regitry["y"]', "1:17", "unknown name regitry", "Did you mean registry?"),
    ('registry_extenal_url("x")', "1:1", "unknown function registry_extenal_url()", "registry_external_url?"),
    ('registry_extenal_url = "x"', "1:1", "unknown setting registry_extenal_url", "registry_external_url?"),
    ('registry_url = "x"', "1:1", "unknown setting registry_url", "Did you mean registry_external_url?"),
    ("something_else = 5", "1:1", "nothing reads it", "_something_else"),
    ('if True:\n    extrenal_url = "x"', "2:5", "unknown setting extrenal_url", "Did you mean external_url?"),
    ('registry-auth["enable"] = True', "1:1", "cannot assign", 'Names have "_" in the place of "-".'),
    (
        'if False:\n    extrenal_url = "x"',
        "2:5",
        "unknown setting extrenal_url",
        "Did you mean external_url?",
    ),
    ("a, (_b, c) = 1, (2, 3)\nexternal_url = a", "1:9", "unknown setting c", ""),
    ('registry["x"] = hots', "1:17", "unknown name hots", "Text is written in quotes"),
    ('host = "a"\nregistry["x"] = hots + host', "2:17", "unknown name hots", "Did you mean host?"),
    ("undefined += 1", "1:1", "unknown name undefined", ""),
    ('registry["x"] = nil', "1:17", "unknown name nil", "Write None."),
    ('registry["x"] = [true]', "1:18", "unknown name true", "Write True."),
    ('registry["x"] = false', "1:17", "unknown name false", "Write False."),
    ('registry["x"] = {name: "y"}', "1:18", "unknown name name", 'Put the key in quotes: "name".'),
    ('registry["x"] = __file__', "1:17", "unknown name __file__", ""),
    ('registry["x"] = ENV["X"]', "1:17", "unknown name ENV", 'Write env("NAME")'),
    ('registry["x"] = os.environ["X"]', "1:17", "attributes are not part", 'env("NAME")'),
    ('registry["x"] = open("x").read()', "1:17", "unknown function open()", 'read_file("/path")'),
    ('registry["x"] = File.read("/x")', "1:17", "unknown name File", 'read_file("/path")'),
    ('registry["x"] = eval("1")', "1:17", "unknown function eval()", "Write the value itself."),
    ('print("x")', "1:1", "unknown function print()", "ctl show-config"),
    ('registry["x"] = map(str, [1])', "1:17", "unknown function map()", "comprehension"),
    ("end", "1:1", "unknown name end", "indentation"),
]

WRONG_TARGETS = [
    ('registry.log_level = "x"', "1:1", "square brackets", 'Write registry["log_level"].'),
    ('registry["nginx"].port = 5', "1:1", "square brackets", 'Write registry["nginx"]["port"].'),
    ("_x = registry.log_level", "1:6", "square brackets", 'Write registry["log_level"].'),
    ("x = 1\nx.y = 2", "2:1", "attributes are not part", ""),
    ('registry("x")', "1:1", "registry is a section, not a function", 'Write registry["key"] = value.'),
    ('registry = "x"', "1:1", "its value is a dictionary, not a string", "registry = {"),
    ("registry = None", "1:1", "its value is a dictionary, not None", "registry = {"),
    ("external_url()", "1:1", "external_url takes one value", "Write external_url(value)."),
    ('external_url("a", "b")', "1:1", "external_url takes one value", ""),
    ('external_url(url="a")', "1:1", "without a name", ""),
    ('external_url["x"] = 1', "1:1", "one value, not keys", "Write external_url = value."),
    ('_x = external_url("a")', "1:6", "external_url() is a statement", "line of its own"),
    ('_x = from_file("a.py")', "1:6", "from_file() is a statement", "line of its own"),
    ("from_file()", "1:1", "from_file() takes one path", 'from_file("/path.py")'),
    ("from_file(5)", "1:1", "from_file() takes one path", ""),
    ('registry["a"]', "1:1", "this line has no effect", 'write registry["a"] = …'),
    ('registry["a"] == 5', "1:1", "this line has no effect", 'write "=", not "=="'),
    ('"a" + "b"', "1:1", "this line has no effect", ""),
    ("5", "1:1", "this line has no effect", ""),
    ('len("a")', "1:1", "this line has no effect", ""),
    ("_x: int = 5", "1:1", 'with "=", not ":"', "Write _x = …"),
    ('registry["x"]: "info"', "1:1", 'with "=", not ":"', 'Write registry["x"] = …'),
    ("nil = 5", "1:1", "nil is not a name", "Write None."),
    ("env = 5", "1:1", "env is a function", "Use another name."),
    ("for registry in [1]: pass", "1:5", "registry is a setting", "Use another name."),
    ('for registry["x"] in [1]: pass', "1:5", "a plain name", ""),
    ("__name__ = 5", "1:1", "two underscores", ""),
    ("registry[5] = 1", "1:10", "the keys of a setting are strings", "Put it in quotes."),
    ('registry["x"] = {"y": {1: 2}}', "1:24", "the keys of a setting are strings", "Put it in quotes."),
    ('registry["a"] = "b"\nregistry["a"]["c"] = 1', "2:1", 'registry["a"] is a string', ""),
    ('registry["a"] = [1]\nregistry["a"][5] = 1', "2:15", "the list of 1 has no such element", "+= [value]"),
    ('registry["a"] = [1]\nregistry["a"][0:1] = [2]', "2:1", "a slice cannot be assigned", ""),
    ('registry["a"] = [1]\nregistry["a"] += "bc"', "2:1", "+= adds a list to a list", "+= [value]"),
    ('registry["a"] += [1]', "1:1", 'registry["a"] is not set above', "defaults are not visible"),
    ('registry["a"].append(1)', "1:1", 'registry["a"] is not set above', ""),
    (
        'registry["a"] = registry["b"]["c"]',
        "1:17",
        'registry["b"] is not set above',
        "defaults are not visible",
    ),
    ('registry["a"] = external_url', "1:17", "external_url is not set above", "defaults are not visible"),
    ('registry["a"] = postgresql["x"]', "1:17", 'postgresql["x"] is not set above', ""),
    ("_a, _b = 1", "1:1", "cannot be looped over", ""),
    ("_a, _b = 1, 2, 3", "1:1", "3 values are given to 2 names", ""),
    ("_a, _b = []", "1:1", "0 values are given to 2 names", ""),
    ("for i in 5: pass", "1:10", "a whole number cannot be looped over", ""),
    ("for i, j in [1]: pass", "1:5", "cannot be looped over", ""),
]

NOT_IN_THE_LANGUAGE = [
    ("import os", "1:1", "import is not part", 'env("NAME")'),
    ("from os import path", "1:1", "import is not part", 'env("NAME")'),
    ("from os import *", "1:1", "import is not part", 'env("NAME")'),
    ("def f(): return 1", "1:1", "def is not part", "variables"),
    ("@f\ndef f(): pass", "2:1", "def is not part", "variables"),
    ("async def f(): pass", "1:1", "async is not part", ""),
    ("class A: pass", "1:1", "class is not part", ""),
    ("while True: pass", "1:1", "while is not part", "for loop"),
    ('with open("x") as f: pass', "1:1", "with is not part", "read_file()"),
    ("try:\n  x = 1\nexcept E:\n  pass", "1:1", "try is not part", 'env("NAME", "default")'),
    ("raise ValueError", "1:1", "raise is not part", "Leave it out"),
    ("assert True", "1:1", "assert is not part", "Leave it out"),
    ("global x", "1:1", "global is not part", "visible everywhere"),
    ("return 1", "1:1", "return is not part", ""),
    ("yield 1", "1:1", "yield is not part", ""),
    ("await x", "1:1", "await is not part", ""),
    ("_x = lambda: 1", "1:6", "lambda is not part", "comprehension"),
    ("match 1:\n  case 1: pass", "1:1", "match is not part", "elif"),
    ("registry['a'] = 1\ndel registry['a']", "2:1", "del is not part", "assign None"),
    ("_x = {1, 2}", "1:6", "a set is not part", 'Write a list: ["a", "b"].'),
    ("_x = {i for i in [1]}", "1:6", "a set is not part", "[x for x in values]"),
    ("_x = set()", "1:6", "unknown function set()", "the keys of a dictionary"),
    ("if (_n := 3) > 2: pass", "1:5", ":= is not part", "line of its own"),
    ('registry.update(**{"a": 1})', "1:17", "** in a call is not part", "{**first, **second}"),
    ("_a, *_b = [1, 2, 3]", "1:5", "a star in an assignment is not part", "others = values[1:]"),
    ("for _a, *_b in [[1]]: pass", "1:9", "a star in an assignment is not part", "slices"),
    ('registry["x"] = [a for a, *b in [[1]]]', "1:27", "a star in an assignment is not part", "slices"),
    ('registry["x"] = dict(a=1, a=2)', "1:27", "a is given twice in one call", "Take one of them away."),
    ("registry.update(a=1, b=2, a=3)", "1:27", "a is given twice in one call", ""),
    ('registry["x"] = env(name="A", name="B")', "1:31", "name is given twice", ""),
    ("monitoring_role(a=1, a=2)\nregistry_external_url(a='x', a='y')", "2:30", "a is given twice", ""),
    ("if 0:\n    _x = dict(a=1, a=2)", "2:20", "a is given twice", ""),
    ("if 0:\n    _x: int = 5", "2:5", 'with "=", not ":"', "Write _x = …"),
    ("if 0:\n    _x = b''", "2:10", "bytes", "Use a string."),
    ('registry["x"] = {(1, 2): 3}', "1:18", "a tuple cannot be a key", "strings or whole numbers"),
    ('registry["x"] = {1.5: 3}', "1:18", "a number cannot be a key", ""),
    ("_x = {2**61: 3}", "1:7", "a whole number this large cannot be a key", "str(number)"),
    ("_x = {}\n_x[-2**61] = 3", "2:4", "a whole number this large cannot be a key", "str(number)"),
    ("_x = {i * (2**61 - 1): 3 for i in range(2)}", "1:7", "this large cannot be a key", ""),
    ("_x = dict([(2**61, 3)])", "1:6", "this large cannot be a key", ""),
    ("_x = {}.setdefault(2**61, 3)", "1:6", "this large cannot be a key", ""),
    ("break", "1:1", "in a for loop only", ""),
    ("continue", "1:1", "in a for loop only", ""),
    ('for i in [1]:\n    from_file("b.py")', "1:1", "in a for loop only", ""),
    ('registry["x"] = b"abc"', "1:17", "bytes", "Use a string."),
    ('registry["x"] = 5j', "1:17", "imaginary", ""),
    ('registry["x"] = ...', "1:17", "... is not part", "None"),
    ('registry["x"] = "a".__class__', "1:17", "two underscores", ""),
    ('registry["x"] = "a".__len__()', "1:17", "two underscores", ""),
    ('registry["x"] = "a".upper', "1:17", "attributes are not part", "Methods are called"),
    ('registry["x"] = [x async for x in [1]]', "1:30", "async is not part", ""),
    ('registry["x"] = (lambda: 1)()', "1:18", "only functions and methods", ""),
]

WRONG_VALUES = [
    ('registry["x"] = 1e999', "1:17", "not a usable number", ""),
    ('registry["x"] = (-1) ** 0.5', "1:17", "not a usable number", ""),
    ('registry["x"] = 1 / 0', "1:17", "divides by zero", ""),
    ('registry["x"] = 1 + "a"', "1:17", "a whole number and a string do not go together with +", "f-string"),
    ('registry["x"] = "a" + 1 + 2', "1:17", "a string and a whole number", "str()"),
    ('registry["x"] = "%s" % 5', "1:17", "do not go together with %", "f-string"),
    ('registry["x"] = -"a"', "1:17", "numbers only, not with a string", ""),
    ('registry["x"] = 1 < "a"', "1:17", "cannot be compared with <", ""),
    ('registry["x"] = 1 in 5', "1:17", "cannot be looked for", ""),
    ('registry["x"] = 5 is 5', "1:17", '"is" compares with None', "Write == or !=."),
    ('registry["x"] = {"abc": 1}["abd"]', "1:28", 'the dictionary has no key "abd"', "Did you mean abc?"),
    ('registry["x"] = {"abc": 1}[env("A", "q")]', "1:28", "the dictionary has no such key", ""),
    ('registry["x"] = [1][1]', "1:21", "a list of 1, counted from 0, has no such element", ""),
    ('registry["x"] = [1]["a"]', "1:21", "a whole number, not a string", ""),
    ('registry["x"] = (5)[0]', "1:17", "a whole number has no elements", ""),
    ('registry["x"] = [1]["a":]', "1:21", "the bounds of a slice", ""),
    ('registry["x"] = [1][::0]', "1:21", "the bounds of a slice", ""),
    ('registry["x"] = {[1]: 2}', "1:18", "a list cannot be a key", ""),
    ('registry["x"] = {**5}', "1:20", "** spreads a dictionary", ""),
    ('registry["x"] = [*5]', "1:18", "cannot be looped over", ""),
    ('registry["x"] = "a".foo()', "1:17", "a string has no method foo()", ""),
    ('registry["x"] = "a".uper()', "1:17", "no method uper()", "Did you mean upper()?"),
    ('registry["x"] = "a".format(1)', "1:17", "no method format()", "f-string"),
    ('registry["x"] = [3].sort()', "1:17", "no method sort()", "Use sorted(values)."),
    ('registry["x"] = "abc".index("x")', "1:17", "does not find what it looks for", ""),
    ('registry["x"] = "abc".split(1)', "1:17", "split() of a string is called with the wrong arguments", ""),
    ('registry["x"] = "abc".upper(x=1)', "1:17", "wrong arguments", ""),
    ('registry["x"] = ",".join([1])', "1:17", "one of these is a whole number", "str()"),
    ('registry["x"] = {"a": 1}.pop("b")', "1:17", "does not find the key", ""),
    ('registry["x"] = [].pop()', "1:17", "finds no element", ""),
    ('registry["x"] = len(5)', "1:17", "len() is called with the wrong arguments", "len(values)"),
    ('registry["x"] = int("abc")', "1:17", "this text is not a whole number", ""),
    ('registry["x"] = float("nan")', "1:17", "not a usable number", ""),
    ('registry["x"] = str([1])', "1:17", "a list cannot be turned into text", "join"),
    ('registry["x"] = f"{[1]}"', "1:17", "a list cannot be turned into text", "join"),
    ('registry["x"] = f"{1:zz}"', "1:17", "format", ""),
    ('registry["x"] = f"{\'a\':d}"', "1:17", "this format does not go with a string", ""),
    ('registry["x"] = sorted([1, "a"])', "1:17", "cannot be sorted or compared", ""),
    ('registry["x"] = sum(["a"])', "1:17", "sum() adds numbers only", ""),
    ('registry["x"] = max([])', "1:17", "nothing to choose from", "default"),
    ('registry["x"] = range("a")', "1:17", "range() is called with the wrong arguments", "range(stop)"),
    ('registry["x"] = env("MISSING")', "1:17", "there is no environment variable MISSING", "default"),
    ('registry["x"] = env()', "1:17", "env() is called with the wrong arguments", 'env("NAME", "default")'),
    ('registry["x"] = read_file("missing")', "1:17", "the file missing does not exist", ""),
    ('registry["x"] = read_file(".")', "1:17", "the file . is a folder", ""),
    ('registry["x"] = read_file("/dev/zero")', "1:17", "/dev/zero is a device", ""),
    ('registry["x"] = read_file("a\\0b")', "1:17", "the name is not usable", ""),
    ('registry["x"] = "\\ud800"', "1:10", "not valid Unicode", ""),
    ('registry["x"] = [1, "\\ud800"]', "1:21", "not valid Unicode", ""),
    ('registry["\\ud800"] = 1', "1:10", "not valid Unicode", ""),
    ('registry["\\ud800"]["x"] = 1', "1:10", "not valid Unicode", ""),
    ('registry["x"] = {}\nregistry["x"].setdefault("\\ud800", 1)', "2:26", "not valid Unicode", ""),
    ('_x = 5\nregistry["x"] = _x()', "2:17", "_x is not a function", ""),
    ('registry["x"] = env', "1:17", "env is a function", "Call it: env(…)."),
]

NOT_PYTHON = [
    (
        "registry_external_url 'https://x'",
        "1:23",
        "not Python",
        'registry_external_url("…"), or registry_ext',
    ),
    ('from_file "/x"', "1:11", "not Python", 'Python needs parentheses: from_file("…").'),
    ("registry['enable'] true", "1:20", "not Python", 'Write "=" between'),
    ("registry['a'] 'b'", "1:15", "not Python", 'Write "=" between'),
    ("require 'x'", "1:9", "not Python", 'env("NAME")'),
    ('registry["a"] = {"b" => "c"}', "1:22", "not Python", 'with ":" in place of "=>"'),
    ("registry['a'] = {\n  'b' => 'c',\n  'd' => 'e'\n}", "2:7", "not Python", 'with ":" in place of "=>"'),
    ("x = %w(a b)", "1:5", "not Python", '["one", "two"]'),
    ("x = :sym", "1:5", "not Python", "no symbols"),
    ("x = a && b", "1:8", "not Python", 'Python writes "and".'),
    ("x = a || b", "1:8", "not Python", 'Python writes "or"'),
    ("x = !a", "1:5", "not Python", 'Python writes "not".'),
    ("x = a ? 1 : 2", "1:7", "not Python", "one if condition else other"),
    ("x = 1 if a", "1:5", "expected 'else'", '"if condition:" on a line of its own'),
    ("x = 1 unless a", "1:7", "not Python", '"if not condition:"'),
    ('if env("A")\n  registry["a"] = 1\nend', "1:12", "expected ':'", '"if condition:"'),
    ("[1].each do |x|\n  y\nend", "1:10", "not Python", '"for name in values:"'),
    ("x = “a”", "1:5", "invalid character", "plain quotes"),
    ("x\u00a0= 1", "1:2", "non-printable", "a space here that is not a plain one"),
    ('print "a"', "1:1", "print is not part", "ctl show-config"),
    ('x = "abc', "1:5", "unterminated string", "Close the quotes"),
    ('x = """abc\ny = 1', "1:5", "unterminated triple-quoted", "Close the quotes"),
    ("x = (1,\ny = 2", "1:5", "never closed", ""),
    ("x = 1)", "1:6", "unmatched ')'", ""),
    ("x = (1]", "1:7", "does not match", ""),
    ("if 1:\nx = 1", "2:1", "expected an indented block", ""),
    ("x = 1\n  y = 2", "2:2", "unexpected indent", ""),
    ("if 1:\n\tx = 1\n        y = 2", "3:1", "inconsistent use of tabs", ""),
    ("x = 0777", "1:5", "leading zeros", ""),
    ("x = " + "9" * 5000, "1:1", "too many digits", ""),
    ('x = "\\x"', "1:6", "not complete", "backslash"),
    ("x =", "1:4", "not Python", ""),
    ('x = {"b": 1 "c": 2}', "1:11", "Perhaps you forgot a comma?", ""),
    ("5 = x", "1:1", "cannot assign to literal", ""),
    ("x = " + "(" * 300 + ")" * 300, "1:205", "too many nested parentheses", ""),
    ("x = " + "-" * 10_000 + "1", "1:1", "nests expressions too deeply", ""),
    ("x = \0", "1:5", "holds a NUL byte", "Remove it; if there is one after every letter"),
    ("x = 1\n".encode("utf-16-le"), "1:2", "holds a NUL byte", "save the file in UTF-8 instead of UTF-16"),
    (b"x = 1\ny = '\xe9'", "2:6", "is not UTF-8 text", "Save it in UTF-8."),
]

ALL = WRONG_NAMES + WRONG_TARGETS + NOT_IN_THE_LANGUAGE + WRONG_VALUES + NOT_PYTHON


@pytest.mark.parametrize(("text", "place", "message", "hint"), ALL, ids=[str(case[0])[:50] for case in ALL])
def test_one_error_at_its_place_with_advice(text: str | bytes, place: str, message: str, hint: str) -> None:
    (error,) = errors(text, b_py="break\n")
    assert message in error.message
    assert hint in error.hint
    assert places([error]) == [place]
    assert error.severity is Severity.ERROR


def test_an_f_string_that_is_not_python() -> None:
    (error,) = errors('\nregistry["x"] = f"{a b}"\n')
    assert "f-string" in error.message or "not Python" in error.message  # Python 3.12 names no f-string
    assert error.location
    assert error.location.line == 2
    assert error.location.column >= 17


def test_a_file_that_is_still_ruby_is_reported_line_by_line() -> None:
    found = errors(
        """\
external_url 'https://gitlab.example.com'
registry_external_url 'https://registry.example.com'
registry['enable'] = true
registry['storage'] = {
  's3' => {
    'bucket' => 'b'
  }
}
registry['token_realm'] = nil
if registry['enable']
  registry['x'] = 1
end
"""
    )
    assert places(found) == ["1:14", "2:23", "3:22", "5:8", "9:27", "10:22"]


def test_statements_around_one_that_is_not_python_are_read() -> None:
    found = errors(
        "host 'a'\nregistry['x'] = nowhere\nregistry['y'] = host\nregistry['z'] = 1 +\n_x = registry.z\n"
    )
    assert places(found) == ["1:6", "2:17", "4:20", "5:6"]


def test_a_name_given_by_a_statement_that_is_not_python_is_not_called_unknown() -> None:
    assert places(
        errors('host = "a" "b" c\nexternal_url = host\nport = 5\nregistry["x"] = 1 + port +\n')
    ) == [
        "1:16",
        "4:27",
    ]


def test_no_more_errors_than_a_person_reads() -> None:
    found = errors('registry["x"] = a\n' * 1000)
    assert len(found) == 51
    assert found[-1].message == "there are more than 50 errors"
