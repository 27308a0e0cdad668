"""Wrong gitlab.rb files, each with what is reported and where. All errors of a file are reported together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.options import NAMES
from tests.language.ruby.reader import errors

Case = tuple[str, str, str, str]

CASES: list[Case] = [
    # the file; line:column of the first error; a part of its message; a part of its hint
    ("load '/x.rb'", "1:1", "`load` is not read", "from_file"),
    ("puts 'x'", "1:1", "`puts` is not read", "show-config"),
    ("raise 'x'", "1:1", "`raise` is not read", "Leave it out"),
    ("system('rm -rf /')", "1:1", "`system` is not read", "never run"),
    ("eval 'x'", "1:1", "`eval` is not read", "from_file"),
    ("registry['a'] = `ls`", "1:17", "a command in backticks", "never run"),
    ("registry['a'] = %x(ls)", "1:17", "a command in backticks", "never run"),
    ("registry['a'] = <<`EOS`\nls\nEOS", "1:17", "a command in backticks", "never run"),
    ("1.upto(3) { |x| registry['a'] = x }", "1:3", "`upto` with a block", "one by one"),
    ("registry['a'] = %w[a b].inject { |x, y| x + y }", "1:25", "`inject` with a block", "value itself"),
    ("registry['a'] = %w[a b].sort_by(&:upcase)", "1:33", "a block", "one by one"),
    ("%w[a b].each do |x|\n  registry['a'] = `ls`\nend", "2:19", "a command in backticks", "never run"),
    ("%w[a b].each do |x, y|\n  registry['a'] = x\nend", "1:1", "values are given to", ""),
    ("def helper\n  x = 1\n  x\nend", "1:1", "a method definition", "local variables"),
    (
        "def helper\n  x = 1\n  x\nend\nregistry['a'] = helper",
        "1:1",
        "a method definition",
        "local variables",
    ),
    ("def f(x) = x\nregistry['a'] = f(1)", "1:1", "a method definition", "local variables"),
    (
        "def up(x)\n  x.upcase\nend\nregistry['a'] = up 'b'\nup 'c'",
        "1:1",
        "a method definition",
        "local variables",
    ),
    ("def five = 5\nregistry['a'] = five", "1:1", "a method definition", "local variables"),
    ("f = ->(x) { x }\nregistry['a'] = f.call(1)\nregistry['b'] = f[2]", "1:5", "a lambda", "value itself"),
    ("f = lambda { |x| x + 1 }\nregistry['a'] = f.(2)", "1:5", "`lambda` is not read", "value itself"),
    ("2.times { |n| registry['a'] = n }", "1:3", "`times` with a block", "one by one"),
    ("%w[a b].each { registry['a'] = 1 }", "1:1", "the block takes other values", "|name|"),
    ("registry['a'] = 1\nregistry['a'] &&= 2", "2:1", "&&= is not read", "Write it out"),
    ("ENV['A'] and registry['a'] = 1", "1:14", "an assignment in the midst", "line of its own"),
    ("registry['a'] = (registry['b'] = 1) + 1", "1:18", "an assignment in the midst", "line of its own"),
    ("registry['a'] = {\n  'b' => 1\n  'c' => 2\n}", "2:", "this is not Ruby", "comma"),
    ("registry['a'] = {\n  'b' = 1,\n}", "1:", "this is not Ruby", "Write => between"),
    ("class Foo\nend", "1:1", "a class definition", "Leave it out"),
    ("module Foo\nend", "1:1", "a module definition", "Leave it out"),
    ("while true\nend", "1:1", "a `while` loop", "one by one"),
    ("for x in [1] do\nend", "1:1", "a `for` loop", "one by one"),
    ("case ENV['A']\nwhen /a/ then registry['a'] = 1\nend", "2:6", "a regular expression", ""),
    ("case ENV['A']\nwhen 'a' then 1\nend", "2:15", "this line has no effect", ""),
    ("begin\n  1\nrescue\n  2\nend", "1:1", "a `begin` block", "default"),
    ("registry['a'] = File.read('/x') rescue nil", "1:17", "`rescue` is not read", "default"),
    ("registry['a'] = lambda { 1 }", "1:17", "`lambda` is not read", "value itself"),
    ("registry['a'] = -> { 1 }", "1:17", "a lambda", "value itself"),
    ("registry['a'] = /x/", "1:17", "a regular expression", "plain strings"),
    ("registry['a'] = 'b'.gsub(/x/, 'y')", "1:26", "a regular expression", "plain strings"),
    ("registry['a'] = ENV['A'] =~ /x/", "1:17", "the operator =~", "start_with?"),
    ("registry['a'] = (1..5)", "1:18", "a range", "Write the values out"),
    ("$x = 1", "1:1", "a global variable", "local variable"),
    ("@x = 1", "1:1", "an instance variable", "local variable"),
    ("a, b = 1, 2", "1:1", "an assignment to several names", "line of its own"),
    ("registry['a'] = Foo::BAR", "1:17", "a constant", "value itself"),
    ("registry['a'] = Socket.gethostname", "1:17", "`Socket.gethostname`", "host's name"),
    ("registry['a'] = SecureRandom.hex(64)", "1:17", "`SecureRandom.hex`", "secrets are made"),
    ("registry['a'] = JSON.parse('{}')", "1:17", "`JSON.parse` reads files only", "value itself"),
    ("registry['a'] = File.stat('/x')", "1:17", "`File.stat`", "File.read"),
    ("registry['a'] = node['platform']", "1:17", "node['platform'] is not read", "node['fqdn']"),
    ("registry['a'] = node", "1:17", "unknown name node", "value itself"),
    ("registry['a'] = True", "1:17", "the constant True", "Ruby writes true"),
    ("registry['a'] = None", "1:17", "the constant None", "Ruby writes nil"),
    ("registry['a'] = null", "1:17", "unknown name null", "Ruby writes nil"),
    ("registry['a'] = env('X')", "1:17", "`env` is not read", "ENV['NAME']"),
    ("registry['a'] = read_file('/x')", "1:17", "`read_file` is not read", "File.read"),
    ("registry['a'] = ENV", "1:17", "ENV is no value by itself", "ENV['NAME']"),
    ("registry['a'] = ENV.fetch('NONE')", "1:17", "no environment variable NONE", "ENV.fetch('NAME', '…')"),
    ("registry['a'] = ENV.to_h", "1:21", "called with the wrong arguments", "ENV['NAME']"),
    ("registry['a'] = ENV['NONE'].strip", "1:29", "no environment variable NONE", "ENV.fetch"),
    ("registry['a'] = File.read('/none')", "1:17", "the file /none does not exist", ""),
    ("registry['a'] = File.read('/')", "1:17", "is a folder", "Name a file"),
    ("from_file '/none.rb'", "1:1", "the settings file /none.rb does not exist", ""),
    ("from_file", "1:1", "unknown name from_file", ""),
    ("from_file 'a', 'b'", "1:1", "from_file takes one path", "/path.rb"),
    ("external_url = 'https://a'", "1:1", "`external_url = …` makes a local variable", "without the sign"),
    ("registry = {}", "1:1", "registry is a section", "registry['key']"),
    ("registry 'a'", "1:1", "registry is a section", "registry['key']"),
    ("registry.log_level = 'info'", "1:10", "square brackets", "registry['log_level'] = …"),
    ("registry['a'] = registry.log_level", "1:26", "square brackets", "registry['log_level']"),
    ("external_url 'a', 'b'", "1:1", "external_url takes one value", ""),
    ("external_url['a'] = 1", "1:1", "external_url has one value, not keys", "external_url 'value'"),
    ("registri['a'] = 1", "1:1", "unknown section registri", "Did you mean registry?"),
    ("registry_extrnal_url 'https://a'", "1:1", "unknown function or setting", "registry_external_url"),
    ("registry_extrnal_url = 'https://a'", "1:1", "unknown setting", "registry_external_url"),
    ("registry['a'] == 1", "1:1", "this line has no effect", "write =, not =="),
    ("registry['a']", "1:1", "this line has no effect", "registry['a'] = …"),
    ("'text'", "1:1", "this line has no effect", ""),
    ("'a'.upcase", "1:1", "this line has no effect", ""),
    ("registry[:a] = { 1 => 2 }", "1:18", "keys of settings are strings or symbols", ""),
    ("registry[1] = 2", "1:10", "keys of settings are strings or symbols", ""),
    ("registry['a'] = 1\nregistry['a']['b'] = 2", "2:1", "a whole number has no keys", ""),
    ("registry['a'] << 'b'", "1:1", "no array yet", "= []"),
    ("x = 5\nx << 'b'", "2:1", "<< adds to an array or a string", ""),
    ("registry['a'] = 'a' + 1", "1:17", "a string and a whole number do not go together with +", "to_s"),
    ("registry['a'] = 1 + nil", "1:17", "do not go together", ""),
    ("registry['a'] = '%s' % 5", "1:17", "a format is not read", "#{name}"),
    ("registry['a'] = format('%s %s', 'x', 1)", "1:17", "`format` is not read", "#{name}"),
    ("registry['a'] = '12abc'.to_i", "1:17", "not a whole number", "number itself"),
    ("registry['a'] = 'abc'.to_i", "1:17", "not a whole number", "number itself"),
    ("registry['a'] = '1.5x'.to_f", "1:17", "not a number", "number itself"),
    ("registry['a'] = [1, 2][7]", "1:24", "an array of 2 has no such element", ""),
    ("registry['a'] = 1 / 0", "1:17", "divides by zero", ""),
    ("registry['a'] = -'x'", "1:17", "goes with numbers only", ""),
    ("registry['a'] = 1 <=> 2", "1:17", "the operator <=>", ""),
    ("registry['a'] = 'x'.upcas", "1:21", "a string has no method `upcas`", "Did you mean upcase?"),
    ("registry['a'] = 'x'.strip(1)", "1:21", "wrong arguments", ""),
    ("registry['a'] = 30.days", "1:20", "no method `days`", "seconds"),
    ("registry['a'] = \"#{[1]}\"", "1:18", "an array cannot be turned into text", ""),
    ("registry['a'] = \"#{x}\"", "1:20", "unknown name x", ""),
    ("registry['a'] = \"\\xff\"", "1:17", "not valid Unicode", ""),
    ("registry['a'] = 2r", "1:17", "a rational number", ""),
    ("registry['a'] = defined?(x)", "1:17", "not read", ""),
    ("registry['a'] = __FILE__", "1:17", "__FILE__", "value itself"),
    ("return if ENV['A']", "1:1", "`return`", "Leave it out"),
    ("registry['a'] = 1 if ENV['A']\nyield", "2:1", "`yield`", ""),
    ("if ENV['A']\n  registry['a'] = `ls`\nend", "2:19", "a command in backticks", ""),
    ("end", "1:1", "`end` belongs to nothing", "one missing above"),
    # no Ruby at all
    ("registry['a'] = 'b", "1:17", "the quote is never closed", "Close it"),
    ("registry['a'] = \"b", "1:17", "the quote is never closed", "Close it"),
    ("registry['a'] = {\n  'b' => 1,\nregistry['c'] = 2", "1:17", "`{` is never closed", ""),
    ("registry['a'] = [1, 2\nregistry['c'] = 2", "1:17", "`[` is never closed", ""),
    ("registry['a'] = (1", "1:17", "`(` is never closed", ""),
    ("registry['a'] = 1]", "1:18", "`]` closes nothing", "Take it away"),
    ("registry['a'] = {\n  'b' => [1,\n}", "3:1", "`}` does not close the `[` of line 2", ""),
    ("registry['a'] = { 'b' => 1 'c' => 2 }", "1:26", "this is not Ruby", "comma"),
    ("if ENV['A']\n  registry['a'] = 1\n", "1:1", "`end` is missing", ""),
    ("registry['a'] = “b”", "1:17", "which holds a smart quote (U+201C)", "plain quotes"),
    ("registry['a']\u00a0= 1", "1:", "a no-break space (U+00A0)", "plain spaces"),
    (
        "registry['a'] = {\n  'b'\u00a0=> \u2018c',\n}",
        "",
        "a no-break space (U+00A0) and a smart quote (U+2018)",
        "",
    ),
    ("registry['a\u00a0b'] = 'c", "1:19", "the quote is never closed", "Close it"),
    ("registry['a'] => 1 =>", "1:", "", ""),
    ("registry['a'] = ", "1:", "this is not Ruby", "value after the sign"),
    ("registry['a'] = <<~EOS\n  b\n", "1:17", "never closed", ""),
    ("registry['a'] = <<EOS", "1:17", "never closed", ""),
    ("registry['a'] = <<~A + <<~B\nx\nA\ny\n", "1:24", "never closed", ""),
    ("=begin\nregistry['a'] = 1\n", "1:1", "this is not Ruby", "=end at the beginning"),
    ("registry['a'] = nil.empty?", "1:21", "no length", "is nil"),
    ("registry['a'] = 0.strip", "1:19", "a whole number has no method `strip`", ""),
    ("registry['a'] = [0x1F.upcase]", "1:23", "a whole number has no method `upcase`", ""),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), CASES, ids=[case[0][:50] for case in CASES])
def test_a_wrong_file(text: str, place: str, message: str, hint: str) -> None:
    found = errors(text)
    first = found[0]
    assert first.location is not None
    assert f"{first.location.line}:{first.location.column}".startswith(place), str(first)
    assert message in first.message
    assert hint in first.hint, str(first)
    assert len(found) == 1, "\n".join(map(str, found))


def test_all_errors_are_reported_at_once_in_their_order() -> None:
    found = errors("".join(f"registry['{name}'] = `{name}`\n" for name in "abcdefghij"))
    assert [one.location.line for one in found if one.location] == list(range(1, 11))


def test_after_fifty_errors_it_is_enough() -> None:
    found = errors("registry['a'] = `ls`\n" * 100)
    assert len(found) == 51
    assert "more than 50 errors" in found[-1].message
    assert found[-1].location is not None
    assert found[-1].location.line == 51


def test_a_file_that_is_not_text_names_the_place() -> None:
    found = errors(b"registry['a'] = 1\nregistry['b'] = '\xff'\n")
    assert "is not UTF-8 text" in found[0].message
    assert str(found[0].location).endswith(":2:18")


def test_what_follows_from_an_error_is_not_reported() -> None:
    text = "x = `ls`\nregistry['a'] = x\nregistry['b'] = \"#{x}\"\nregistry['c'] = registry['a'] + 'x'\n"
    assert len(errors(text)) == 1


def test_syntax_errors_do_not_hide_each_other_nor_other_errors() -> None:
    text = "registry['a'] = 'b\nregistry['c'] = { 'd' => 1\nregistry['e'] = 5\nregistry['f'] = `ls`\n"
    assert [one.location.line for one in errors(text) if one.location] == [1, 2, 4]


def test_a_secret_is_in_no_message() -> None:
    text = "registry['http_secret'] = 'hunter2secret' + 1\nregistry['internal_key'] = \"hunter2secret#{x}\"\n"
    text += "registry['a'] = ENV.fetch('hunter2' + 'secret')\nx = { 'hunter2secret' => 1 }.fetch(5)\n"
    assert all("hunter2secret" not in f"{one.message}{one.hint}" for one in errors(text))
    assert "hunter2secret" not in str(errors(text)[0])


@pytest.mark.parametrize(
    "text",
    ["<<~EOS\n  hunter2 #{nowhere}\nEOS", '"\nhunter2 #{[nowhere, 1].join}\n"', "%Q(\nhunter2 #{`x`})"],
)
def test_the_lines_of_a_text_are_not_shown(text: str) -> None:
    (found,) = errors(f"registry['a'] = {text}\n")
    assert found.location is not None
    assert found.location.line == 1
    assert "hunter2" not in str(found)
    (problem,) = convert_ruby(Path("gitlab.rb"), f"registry['a'] = {text}\n", NAMES).problems
    assert "hunter2" not in str(problem)
