"""No error, and no source line shown with one, shows what may be a secret."""

from __future__ import annotations

import pytest

from ctl.language.places import shown
from tests.language.reader import errors

SECRET = "hunter2"

FAILING = [
    "{} + 1",
    "1 + {}",
    "-{}",
    "{} < 1",
    "1 in [{}.foo]",
    "{}.foo()",
    '"a".index({})',
    "int({})",
    "float({})",
    "int({}, 16)",
    '{{"a": 1}}[{}]',
    "[1][{}]",
    "{}[99]",
    '{{{}: 1}}["x"]',
    "len(5, {})",
    "env({})",
    "read_file({})",
    'f"{{{}:d}}"',
    'f"{{1:{{{}}}}}"',
    "{}()",
    "[{}, 1 / 0]",
    "sorted([{}, 1])",
    "dict([{}])",
    "range({})",
    "{} % 5",
    '{{"a": 1}}.pop({})',
    'registry[{}]["x"]',
]


@pytest.mark.parametrize("expression", FAILING)
@pytest.mark.parametrize("source", ['env("PASSWORD")', 'read_file("secret")', "password"])
def test_values_are_never_reported(expression: str, source: str) -> None:
    text = (
        f'password = env("PASSWORD")\nregistry["x"] = password\nregistry["y"] = {expression.format(source)}\n'
    )
    for error in errors(text, {"PASSWORD": SECRET}, secret=SECRET):
        assert SECRET not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        'registry["http_secret"] = "hunter2" + 1',
        "registry['http_secret'] = 'hunter2' + 1",
        'registry["http_secret"] "hunter2"',
        'registry["http_secret"] = "hunter2',
        'registry["storage"] = {"s3": {"secretkey": "hunter2", "x": nowhere}}',
        'registry["x"] = {"headers": {"Authorization": ["hunter2", nowhere]}}',
        'gitlab_rails["db_password"] = "hunter2".foo',
        'registry["x"] = "a" + 1 + "hunter2hunter2hunter2hunter2"',
        'token = "hunter2" +\n',
        'registry["azure"] = {"accountkey": "hunter2" "b" 5}',
    ],
)
def test_strings_of_lines_that_speak_of_secrets_are_starred(text: str) -> None:
    for error in errors(text):
        assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("line", "presented"),
    [
        ('registry["http_secret"] = "abc"', 'registry["http_secret"] = "***"'),
        ('{"secretkey": "a\\"b", \'x\': 1}', '{"secretkey": "****", \'x\': 1}'),
        ('registry["secret"] = env("SECRET")', 'registry["secret"] = env("SECRET")'),
        ('registry["secret"] = read_file("/run/secret")', 'registry["secret"] = read_file("/run/secret")'),
        (
            'registry["key"] = read_file(env("SECRET", "/run/s"))',
            'registry["key"] = read_file(env("SECRET", "/run/s"))',
        ),
        ('registry["secret"] = "/run/" + "/abc"', 'registry["secret"] = "*****" + "****"'),
        ('registry["secret"] = "/abcdef/ABCDEFghijklmnopqr0123"', 'registry["secret"] = "' + "*" * 30 + '"'),
        (
            'registry["secret"] = "/etc/ssl/registry.example.com.key"',
            'registry["secret"] = "/etc/ssl/registry.example.com.key"',
        ),
        ('{"Authorization": ["abc"]}', '{"Authorization": ["***"]}'),
        ('for secret in ["abc"]:', 'for secret in ["***"]:'),
        ('registry["token_relm"] = "https://a"', 'registry["token_relm"] = "https://a"'),
        (
            '{"s3": {"secretkey": "abc", "bukcet": "my-bucket", "region": "eu" "x"}}',
            '{"s3": {"secretkey": "***", "bukcet": "my-bucket", "region": "eu" "*"}}',
        ),
        (
            '{"name": "n", "headers": {"X-A": ["abc"], "B": "abc"}}',
            '{"name": "n", "headers": {"X-A": ["***"], "B": "***"}}',
        ),
        ('{"key": "PASSWORD", "value": "abc"}', '{"key": "********", "value": "***"}'),
        ('a["secret"] = "abc"; log_level = "info"', 'a["secret"] = "***"; log_level = "info"'),
        ('{"url": "https://u:pw@e.org/x", "headers": h}', '{"url": "https://****@e.org/x", "headers": h}'),
        ('registry["log_level"] = "info"', 'registry["log_level"] = "info"'),
        ('registry["token_realm"] = "https://a"', 'registry["token_realm"] = "https://a"'),
        ('registry_auth["token_expire_delay"] = "5 m"', 'registry_auth["token_expire_delay"] = "5 m"'),
        ("MIIEpAIBAAKCAQEA0123456789abcdef", "*" * 32),
        ("x\x1b[31m\ty", "x?[31m\ty"),
        ("x" * 301, ""),
    ],
)
def test_how_a_line_is_shown(line: str, presented: str) -> None:
    assert shown(line) == presented


def test_messages_are_bounded_and_hold_no_control_characters() -> None:
    (error,) = errors("x" * 100_000 + '["y"] = 1')
    assert len(error.message) < 400
    (error,) = errors('registry["x"] = {"a": 1}["\\x1b[31m"]')
    assert "\x1b" not in str(error)


def test_a_path_is_reported_wherever_it_comes_from() -> None:
    (error,) = errors('registry["x"] = read_file(env("KEY_FILE", "/run/nowhere/key"))')
    assert error.message == "the file /run/nowhere/key does not exist"
    (error,) = errors('registry["x"] = read_file(env("KEY_FILE"))', {"KEY_FILE": SECRET})
    assert error.message == "the file named here does not exist"
