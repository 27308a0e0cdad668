"""The Python form keeps comments, blank lines and the order of the file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ctl.language.source import SettingsError
from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.options import NAMES
from tests.settings.conversion.both import converted

CASES = {
    "comments": (
        "## Head\n##! Docs\n\nregistry['a'] = 1   # trailing\n\n\n# plain words, 'quoted'\nregistry['b'] = 2\n",
        '## Head\n##! Docs\n\nregistry["a"] = 1  # trailing\n\n\n# plain words, \'quoted\'\nregistry["b"] = 2\n',
    ),
    "commented-out settings": (
        "# registry['a'] = nil\n# external_url 'https://a'\n#registry['b'] = true # note\n# unknown['c'] = nil\n"
        "# registry['internal_key'] should contain the key.\n",
        '# registry["a"] = None\n# external_url("https://a")\n#registry["b"] = True  # note\n# unknown[\'c\'] = nil\n'
        "# registry['internal_key'] should contain the key.\n",
    ),
    "a commented-out hash": (
        "# registry['a'] = {\n#   'b' => true,\n#   'c' => [1, nil]\n# }\n# words\n",
        '# registry["a"] = {\n#   "b": True,\n#   "c": [1, None]\n# }\n# words\n',
    ),
    "a hash with comments": (
        "registry['a'] = { # head\n  # first\n  'b'   => 1, # one\n  # 'c' => nil,\n\n  d: 2\n}\n",
        'registry["a"] = { # head\n  # first\n  "b": 1, # one\n  # "c": None,\n\n  "d": 2\n}\n',
    ),
    "an indented file": (
        "   registry['a'] = {\n     'b' => 1\n   }\n   # note\n   registry['c'] = 2\n",
        'registry["a"] = {\n  "b": 1\n}\n# note\nregistry["c"] = 2\n',
    ),
    "a heredoc": (
        "registry['a'] = <<~EOS # pem\n  one\n    two\nEOS\n\nregistry['b'] = 1\n",
        'registry["a"] = """\\\none\n  two\n"""  # pem\n\nregistry["b"] = 1\n',
    ),
    "conditions": (
        "if ENV['A'] == 'x' # why\n\n  # inside\n  registry['a'] = 1 # one\nelsif ENV['B']\n  # nothing\nelse\n"
        "  registry['a'] = <<~EOS\n    x\n  EOS\n  registry['c'] = 3 unless ENV['C']\nend\n",
        'if env("A", "") == "x":  # why\n\n    # inside\n    registry["a"] = 1  # one\n'
        'elif env("B", None) is not None:\n    # nothing\n    pass\nelse:\n    registry["a"] = "x\\n"\n'
        '    if env("C", None) is None:\n        registry["c"] = 3\n',
    ),
    "values from outside": (
        "registry['a'] = ENV['A'] || 'b'\nregistry['c'] = \"https://#{ENV['H']}:5050\"\n"
        "registry['d'] = ENV.fetch('D', 'e').upcase\nregistry['f'] = File.read('/f').strip\n",
        'registry["a"] = env("A", "b")\nregistry["c"] = f"https://{env(\'H\', \'\')}:5050"\n'
        'registry["d"] = env("D", "e").upper()\nregistry["f"] = read_file("/f").strip()\n',
    ),
    "block comments and the end": (
        "=begin\nold\n=end\nregistry['a'] = 1\n__END__\nrest ( of\nit\n",
        '# old\nregistry["a"] = 1\n# __END__\n# rest ( of\n# it\n',
    ),
    "other components": (
        "sidekiq['a'] = 1\ngitlab_rails['ldap'] = YAML.load <<-E\n  x: y\nE\nregistry['a'] = 1\n",
        "sidekiq[\"a\"] = 1\n# Another component's setting, which has no Python form and is not used:\n"
        "# gitlab_rails['ldap'] = YAML.load <<-E\n#   x: y\n# E\nregistry[\"a\"] = 1\n",
    ),
    "numbers": (
        "registry['a'] = [0755, 1_000, 0d10, 07, -0644, 1.50, 1e5, 0, 0xFF]\n",
        'registry["a"] = [0o755, 1_000, 10, 0o7, -0o644, 1.50, 1e5, 0, 0xFF]\n',
    ),
    "names that Python has": (
        "list = 1\nclass_ = 2\nregistry['a'] = list + class_\n",
        'list_ = 1\nclass_ = 2\nregistry["a"] = list_ + class_\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_layout_is_kept(name: str) -> None:
    ruby, python = CASES[name]
    assert converted(ruby) == python
    ast.parse(python)


DEEP = {
    "alternatives": "registry['a'] = " + " || ".join(["ENV['A']"] * 1_500),
    "texts": "registry['a'] = " + "'a' " * 1_500,
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_to_be_written_is_an_error_with_its_place(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        converted(f"registry['b'] = 1\n{DEEP[name]}\n")
    (found,) = caught.value.diagnostics
    assert "too deeply" in found.message
    assert str(found.location) == "gitlab.rb:2:1"


def test_an_include_must_be_converted_too() -> None:
    result = convert_ruby(Path("gitlab.rb"), "from_file '/etc/gitlab/more.rb'\n", NAMES)
    assert result.text == 'from_file("/etc/gitlab/more.rb")\n'
    assert "more.rb" in result.remarks[0]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("registry['a'] = `ls`", "1:17", "backticks"),
        ("registry['a'] = 1\nregistri['b'] = 2", "2:1", "unknown section"),
        ("external_url = 'x'", "1:1", "local variable"),
        ("registry['a'] = x", "1:17", "unknown name x"),
        ("registry['a'] = 'b", "1:17", "never closed"),
        ("registry['a'] = 09", "1:17", "no whole number"),
        ("[1].each_slice(2) do |x|\nend", "1:5", "`each_slice` with a block"),
        ("registry['a'] = ENV['A'].foo", "1:26", "`foo` is not read"),
    ],
)
def test_what_has_no_python_form_is_an_error_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        converted(text + "\n")
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.location is not None
    assert f"{found.location.line}:{found.location.column}" == place
