"""Statements of a gitlab.rb: what they set, where that was, and what is left to other components."""

from __future__ import annotations

import pytest

from ctl.language import TrackedDict, TrackedList
from ctl.language.source import Severity
from tests.language.ruby.reader import errors, read


def _registry(text: str, environment: dict[str, str] | None = None) -> object:
    return read(text, environment).values.get("registry")


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("registry['nginx']['ssl']['a'] = 1", {"nginx": {"ssl": {"a": 1}}}),
        ("registry[:a] = 1\nregistry['a'] = 2", {"a": 2}),
        ("registry['a'] ||= 1\nregistry['a'] ||= 2", {"a": 1}),
        ("registry['n']['a'] ||= 1", {"n": {"a": 1}}),
        ("registry['a'] = [1]\nregistry['a'] += [2]\nregistry['a'] << 3 << 4", {"a": [1, 2, 3, 4]}),
        ("registry['a'] = 'x'\nregistry['a'] << 'y' << 'z'", {"a": "xyz"}),
        ("registry['a'] = { b: 1 }\nregistry['a'].merge!(c: 2)", {"a": {"b": 1, "c": 2}}),
        ("registry['a'] = 1 if ENV['A']\nregistry['b'] = 2 unless ENV['A']", {"a": 1}),
        ("if !ENV['A']\n  registry['a'] = 1\nelsif ENV['A'] == 'a'\n  registry['a'] = 2\nend", {"a": 2}),
        ("unless ENV['A']\n  registry['a'] = 1\nelse\n  registry['a'] = 2\nend", {"a": 2}),
        ("x = { 'b' => 1 }\nregistry['a'] = x\nx['b'] = 2", {"a": {"b": 1}}),
        ("x = nil if ENV['NO']\nregistry['a'] = x.nil?", {"a": True}),
        ("registry['a'] = 1; registry['b'] = 2", {"a": 1, "b": 2}),
        ("registry['a'] =\n  'b'\nregistry['c'] = ['d',\n # e\n 'f']", {"a": "b", "c": ["d", "f"]}),
        ("registry['a'] = 1 # note\n=begin\nregistry['a'] = 2\n=end\n__END__\nregistry['a'] = 3 (", {"a": 1}),
        ("registry['a'] = nil", {"a": None}),
        ("registry['a'] = 1\r\nregistry['b'] = 2\r\n", {"a": 1, "b": 2}),
        ("\ufeffregistry['a'] = 'é'", {"a": "é"}),
        ("x = 'a'\nregistry['b'] = \"#{x}#{x.upcase}\"", {"b": "aA"}),
        ("registry['a'] = 1 if registry['nginx']['b'].nil?", {"a": 1}),
        (
            "%w[a b].each do |x|\n  y = x if x == 'a'\n  registry[x] = \"<#{y}>\"\nend",
            {"a": "<a>", "b": "<>"},
        ),
        ("x = 'a'\n%w[b c].each { |y| registry[y] = x.upcase; x = y }", {"b": "A", "c": "B"}),
        ("{ 'a' => 1, b: 2 }.each do |k, v|\n  registry[k] = v + 1\nend", {"a": 2, "b": 3}),
        ("registry['a'] = registry['b'] = 1", {"a": 1, "b": 1}),
        (
            '(2..3).each { |n| registry["k#{n}"] = n }\n(0...2).each { |n| registry["t#{n}"] = n }',
            {"k2": 2, "k3": 3, "t0": 0, "t1": 1},
        ),
        ("%w[a b].each_with_index { |x, i| registry[x] = i }", {"a": 0, "b": 1}),
        (
            "case ENV['A']\nwhen 'x' then registry['a'] = 1\nwhen 'a', 'b'\n  registry['a'] = 2\n"
            "else\n  registry['a'] = 3\nend",
            {"a": 2},
        ),
        ("case ENV['NONE']\nwhen 'x' then y = 1\nend\nregistry['a'] = y", {"a": None}),
        (
            "case\nwhen ENV['NONE'] then registry['a'] = 1\nwhen ENV['A'] then registry['a'] = 2\nend",
            {"a": 2},
        ),
        (
            "ENV['NEW'] ||= 'n'\nregistry['a'] = ENV['NEW']\nregistry['b'] = \"<#{ENV['NEW']}>\"",
            {"a": "n", "b": "<n>"},
        ),
        ("ENV['A'] ||= 'n'\nregistry['a'] = ENV['A']", {"a": "a"}),
        ("if true\n  registry['a'] = 1\nelse\n  registry['b'] = 2\nend if ENV['A']", {"a": 1}),
        ("registry['a'] = ENV['A'] || registry['b'].upcase", {"a": "a"}),
        ("registry['a'] = ENV.fetch('A') { File.read('/none') }", {"a": "a"}),
        (
            "registry_nginx['a'] = 1\nregistry['nginx']['b'] = 2\nregistry['c'] = registry_nginx['a']",
            {"nginx": {"a": 1, "b": 2}, "c": 1},
        ),
        ("require 'json'\nregistry['a'] = 1", {"a": 1}),
        ("registry['a'] = Integer(ENV['NONE'] || '5') + Integer('2')", {"a": 7}),
        ("def other\n  x = `ls`\n  x\nend\ngitlab_rails['x'] = other\nregistry['a'] = 1", {"a": 1}),
    ],
)
def test_what_statements_set(text: str, registry: object) -> None:
    assert _registry(text + "\n", {"A": "a"}) == registry


def test_a_text_may_end_with_the_file() -> None:
    assert _registry("registry['a'] = <<~EOS\n  b\n  EOS") == {"a": "b\n"}


def test_settings_with_one_value_are_called() -> None:
    values = read(
        "external_url 'https://a.example.com'\nregistry_external_url(\"#{external_url}:5050\")\n"
    ).values
    assert values == {
        "external_url": "https://a.example.com",
        "registry_external_url": "https://a.example.com:5050",
    }


def test_keys_and_elements_know_their_places() -> None:
    values = read("\nregistry['nginx'] = {\n  'é' => [1,\n    2],\n}\nregistry['nginx']['x'] = 3\n").values
    registry = values["registry"]
    assert isinstance(registry, TrackedDict)
    nginx = registry["nginx"]
    assert isinstance(nginx, TrackedDict)
    array = nginx["é"]
    assert isinstance(array, TrackedList)
    found = [
        registry.location_of("nginx"),
        nginx.location_of("é"),
        array.location_of(1),
        nginx.location_of("x"),
    ]
    assert [f"{one.line}:{one.column}+{one.width}" for one in found if one] == [
        "2:10+7",
        "3:3+3",
        "4:5+1",
        "6:19+3",
    ]


def test_places_after_wide_characters_are_counted_in_characters() -> None:
    (found,) = errors("registry['a'] = 'é😀' + `x`\n")
    assert str(found.location).endswith(":1:24")
    assert str(found).splitlines()[2].index("^") == 4 + 23


def test_included_files_are_read_in_their_place() -> None:
    reading = read(
        "registry['a'] = 1\nx = 'y'\nfrom_file 'more.rb'\nregistry['c'] = registry['b']\n",
        more_rb="registry['a'] = 2\nregistry['b'] = <<~EOS\n  #{x}\nEOS\n",
    )
    assert reading.values["registry"] == {"a": 2, "b": "y\n", "c": "y\n"}
    assert [file.name for file in reading.files] == ["gitlab.rb", "more.rb"]


def test_an_error_in_an_included_file_names_that_file() -> None:
    (found,) = errors("from_file 'more.rb'\n", more_rb="\nregistry['a'] = `ls`\n")
    assert found.location is not None
    assert (found.location.file.name, found.location.line) == ("more.rb", 2)


@pytest.mark.parametrize(
    "statement",
    [
        "postgresql['x'].each { |one| puts one }",
        "sidekiq['queues'] = ['*'].inject { |one, other| one * 3 }",
        "gitlab_rails['ldap_servers'] = YAML.load <<-'EOS'\n  main:\n    label: 'LDAP'\nEOS",
        "gitlab_rails['x'] = JSON.parse(File.read('/none'))",
        "nginx['x'] = node['fqdn'] if true",
        "puma['worker_processes'] = [`nproc`.to_i, 2].max",
        "git_data_dirs({ 'default' => { 'path' => Dir.pwd } })",
        "roles ['a'].sort_by(&:size)",
        "monitoring_role['enable'] = Foo::BAR",
        "mattermost['x'] << foo",
    ],
)
def test_other_components_settings_are_no_errors(statement: str) -> None:
    reading = read(f"registry['a'] = 1\n{statement}\nregistry['b'] = 2\n")
    assert reading.values["registry"] == {"a": 1, "b": 2}
    (note,) = reading.diagnostics
    assert note.severity is Severity.NOTE
    assert "only settings of other components need it" in note.message
    assert note.location is not None
    assert note.location.line == 2


def test_our_own_keys_of_a_section_that_is_shared_are_checked() -> None:
    assert "backticks" in errors("gitlab_rails['registry_host'] = `hostname`\n")[0].message


def test_what_is_read_of_postgresql_is_read() -> None:
    values = read("postgresql['enable'] = true\npostgresql['port'] = 5_433\n").values
    assert values["postgresql"] == {"enable": True, "port": 5433}
