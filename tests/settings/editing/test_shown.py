"""The diff of a settings file says what changed, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.settings.editing.masked_diff import masked, masked_diff
from tests.harness.work import at_most

FILE = Path("gitlab.py")

SECRETS = [
    'registry["http_secret"] = "hunter2"',
    "registry['http_secret'] = 'hunter2'  # was \"hunter2\"",
    'registry["http_secret"] = (\n    "hun"  # a\n    "hunter2"\n)',
    'registry["internal_key"] = """\nhunter2\nhunter2"""',
    'registry["storage"] = {"s3": {"bucket": "b", "secretkey": "hunter2"}}',
    'registry["storage"]["s3"]["secretkey"] = "hunter2"',
    'registry["storage"]["gcs"] = {"credentials": {"anything": ["hunter2"]}}',
    'registry["storage"].update({"azure": {"accountkey": "hunter2"}})',
    'registry["env"] = {"MY_TOKEN": "hunter2", "A": "b"}',
    'registry["env"]["MY_TOKEN"] = "hunter2"',
    'registry["notifications"] = [{"name": "n", "headers": {"X-Any": ["hunter2"]}}]',
    'registry["notifications"] = [{"url": "https://user:hunter2@host"}]',
    'registry["redis"] = {"cache": {"password": "hunter2"}}',
    'x = "hunter2"\ny = x + "hunter2"\nregistry["http_secret"] = y',
    'for x in ["hunter2"]:\n    registry["http_secret"] = x',
    'registry["http_secret"] = f"{1}hunter2"',
    'registry["http_secret"] = env("SECRET", "hunter2")',
    'password = "hunter2"',
    '# registry["storage"] = {"s3": {"secretkey": "hunter2"}}',
    '#registry["http_secret"] = "hunter2"',
    '# password: "hunter2"',
    'registry["http_secret"] = "hunter2\nx = 1',
    'if x\n    y = "hunter2"',
    'registry["storage"] = {"s3": {\n  "a": "hunter2",\n',
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_no_secret_is_shown(text: str, newline: str) -> None:
    diff = masked_diff(FILE, "", text.replace("\n", newline) + newline)
    assert "hunter2" not in diff
    assert "********" in diff
    assert len(diff.split("\n")) == 3 + text.count("\n") + 1


def test_an_apostrophe_of_a_word_begins_no_text() -> None:
    text = "## As GitLab's service gives; it's longer here. Example: \"5m\"."
    assert masked(FILE, text) == [text]
    for secret in ("b'hunter2'", "it's 'hunter2'", "'hunter2's", "'x's 'hunter2'"):
        assert "hunter2" not in masked(FILE, f"# password: {secret}")[0]
    for text in ("# password: \"hunter2\", it's 'x'", '# registry["http_secret"] = "hunter2"  # it\'s \'x\''):
        assert "hunter2" not in masked(FILE, text)[0]


RUBY = [
    "registry['http_secret'] = 'hunter2'",
    "registry['storage'] = { 's3' => { 'secretkey' => 'hunter2' } }",
    "# registry['http_secret'] = 'hunter2'",
]


@pytest.mark.parametrize("text", RUBY)
def test_no_secret_of_a_ruby_file_is_shown(text: str) -> None:
    assert "hunter2" not in "".join(masked(Path("gitlab.rb"), text))


def test_a_pem_text_is_hidden_everywhere() -> None:
    lines = ["k = <<~KEY", "-----BEGIN PRIVATE KEY-----", "abc", "-----END PRIVATE KEY-----", "x = 1"]
    assert masked(Path("gitlab.rb"), "\n".join(lines)) == [*lines[:2], "********", *lines[3:]]


PLAIN = [
    'registry["log_level"] = "info"  # "quoted"',
    'registry["http_secret"] = read_file("/run/secrets/x")',
    'registry["http_secret"] = env("REGISTRY_SECRET")',
    'registry["storage"] = {"s3": {"bucket": "b", "region": "eu-west-1"}}',
    "## Default: port of registry_external_url, else 443 for https and 80 for http.",
    'registry["token_realm"] = "https://gitlab.example.com"',
    "# It's GitLab's own, and isn't for users.",
]


@pytest.mark.parametrize("text", PLAIN)
def test_the_rest_is_shown(text: str) -> None:
    assert masked(FILE, text) == [text]


def test_a_changed_secret_is_a_change() -> None:
    diff = masked_diff(FILE, 'registry["http_secret"] = "a"\n', 'registry["http_secret"] = "b"\n')
    line = 'registry["http_secret"] = "********"'
    assert diff.split("\n") == ["--- gitlab.py", "+++ gitlab.py", "@@ -1 +1 @@", f"-{line}", f"+{line}"]
    assert masked_diff(FILE, "same", "same") == ""


def test_long_lines_are_not_shown_and_cost_nothing() -> None:
    with at_most(calls=10_000):
        assert masked(FILE, "# " + "a" * 500_000) == ["(500002 characters)"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in "".join(masked(FILE, 'x = 1  # \x1b[31m\ny = "\x1b"\n'))
