"""Random text is read or refused: nothing but SettingsError comes out, in either direction."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctl.language.source import SettingsError
from ctl.settings.conversion.gitlab_rb import convert_ruby
from ctl.settings.options import NAMES
from tests.language.ruby.reader import read
from tests.language.ruby.test_expressions import VALUES
from tests.language.ruby.test_wrong_files import CASES

quickly = settings(suppress_health_check=list(HealthCheck))

FRAGMENTS = [
    "registry", "['a']", "[:b]", "external_url ", "registry_external_url", " = ", " ||= ", " += ", " << ",
    "'text'", '"a#{', "}", '"', "'", "{", "[", "]", "(", ")", "{ 'a' => 1 }", "{ b: 2 }", "=>", ", ", "\n",
    "\n  ", ";", "# note\n", "if ENV['A']\n", "unless x\n", "elsif 1\n", "else\n", "end\n", " if ",
    " unless ", " ? ", " : ", "x", "y", "nil", "true", "false", "1_000", "0x1f", "1.5", "-", "!", " && ",
    " || ", " and ", " not ", "==", "<<~EOS\n", "<<-'EOS'\n", "EOS\n", "%w[", "%q(", ":sym", ".strip",
    ".gsub('a', 'b')", ".to_s", ".to_i", ".each do |z|\n", "&.", "ENV['A']", "ENV.fetch('B', 'c')",
    "File.read('/none')", "from_file 'x.rb'\n", "=begin\n", "\n=end\n", "__END__\n", "sidekiq['a'] = ",
    "gitlab_rails['ldap']", "roles ['a']", "\\", "\\u00e9", "“", "é", "\t", "def ", "`", "$x", "@y", "*",
    "**", "|", "/", "%", "?", "\x00", "\r\n",
]  # fmt: skip
programs = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)
statements = st.lists(
    st.one_of(
        st.sampled_from([f"registry['x'] = {expression}" for expression, _ in VALUES]),
        st.sampled_from([case[0] for case in CASES]),
        programs,
    ),
    max_size=6,
).map("\n".join)


def placed(reading: Callable[[], object]) -> bool:
    """Whether it goes well, or each error has a place and words."""
    try:
        reading()
    except SettingsError as error:
        return bool(error.diagnostics) and all(one.location and one.message for one in error.diagnostics)
    return True


@quickly
@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
)
def test_bytes(data: bytes) -> None:
    assert placed(lambda: read(data))


@quickly
@given(st.one_of(programs, statements))
def test_pieces_of_ruby(text: str) -> None:
    assert placed(lambda: read(text, {"A": "a"}))


@quickly
@given(st.one_of(programs, statements))
def test_what_is_converted_is_python(text: str) -> None:
    converted = convert_ruby(Path("gitlab.rb"), text.replace("\0", ""), NAMES)
    assert isinstance(ast.parse(converted.text), ast.Module)
