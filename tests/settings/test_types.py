"""What each type takes, in which form it goes on, and what it says of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.language.source import Diagnostic, Severity
from ctl.settings.place import Place
from ctl.settings.secrets.token_pair import TokenPair
from ctl.settings.types import (
    INVALID,
    AbsolutePath,
    Address,
    Bool,
    Content,
    CronExpression,
    CronField,
    Duration,
    Either,
    Enum,
    Expression,
    Extent,
    Free,
    Integer,
    ListenAddress,
    ListOf,
    MapOf,
    Network,
    NginxTime,
    Number,
    OneOf,
    OnOff,
    Parameter,
    Pem,
    Printable,
    Scalar,
    Schema,
    Size,
    Snippet,
    Text,
    Type,
    Url,
    Words,
    account,
    email,
    hostname,
    port,
    read_value,
)

TAKEN: list[tuple[Type, object, object]] = [
    (Bool(), True, True), (Bool(), "false", False), (Bool(), "True", True),
    (Text(), "", ""), (Text(), "a # b: 'c' \"d\"", "a # b: 'c' \"d\""), (Text(), "0123456", "0123456"),
    (Snippet(), "a;\nb;", "a;\nb;"),
    (account(), "docker-registry", "docker-registry"), (account(), "_runit-log", "_runit-log"),
    (hostname(), "*.example.com", "*.example.com"), (email(), "a@example.com", "a@example.com"),
    (Integer(), 0, 0), (Integer(), "30", 30), (Integer(None), -3, -3),
    (port(), 5005, 5005), (port(), "5005", 5005),
    (Number(), 100, 100), (Number(), 0.5, 0.5), (Number(), "100", 100),
    (Size(), 25000000, 25000000), (Size(), "25000000", 25000000), (Size(), "25MB", 25000000),
    (Size(), "25MiB", 25 * 1024**2), (Size(), "1g", 10**9), (Size(), "8k", 8000),
    (Duration(), "500ms", "500ms"), (Duration(), "2m", "2m"), (Duration(), "1m30s", "1m30s"),
    (Duration(), "1.5h", "1.5h"), (Duration(), 0, 0), (Duration(), "0", 0), (Duration(), "0s", "0s"),
    (NginxTime(), 65, 65), (NginxTime(), "65", 65), (NginxTime(), "1d", "1d"), (NginxTime(), "1h 30m", "1h 30m"),
    (Enum("1.0", "1.1"), 1.1, "1.1"), (Enum("2048"), 2048, "2048"), (Enum("a", "b"), "b", "b"),
    (OnOff(), True, "on"), (OnOff(), "off", "off"), (OnOff("optional"), "optional", "optional"),
    (Either("prefer"), "prefer", "prefer"), (Either("prefer"), "true", True), (Either("prefer"), False, False),
    (Words(), "a  b", "a b"), (Words(), ["a", "b c"], "a b c"),
    (Enum("warn", "info"), "WARN", "warn"), (OnOff(), "On", "on"), (OnOff("optional"), "OPTIONAL", "optional"),
    (Either("prefer"), "Prefer", "prefer"), (Words("TLSv1.2", "TLSv1.3"), "tlsv1.2 TLSV1.3", "TLSv1.2 TLSv1.3"),
    (Expression(), "(v.+|main)", "(v.+|main)"),
    (CronExpression(), "@daily", "0 0 * * *"), (CronExpression(), "30  3 * * 0", "30 3 * * 0"),
    (CronField(0, 59), 30, "30"), (CronField(1, 31), "*/4", "*/4"), (CronField(0, 23), "1-5,7", "1-5,7"),
    (OneOf(Integer(1), Enum("auto")), "auto", "auto"), (OneOf(Integer(1), Enum("auto")), "4", 4),
    (Scalar(), True, True), (Scalar(), "x\ny", "x\ny"), (Scalar(), 5, 5),
    (Url(Extent.ORIGIN), "https://r.example.com/", "https://r.example.com"),
    (Url(Extent.ORIGIN), "HTTP://[::1]:5050", "http://[::1]:5050"),
    (Url(Extent.BASE), "https://example.com/gitlab/", "https://example.com/gitlab"),
    (Url(), "https://user:pw@example.com/a?b=c", "https://user:pw@example.com/a?b=c"),
    (Address(), "127.0.0.1:5000", "127.0.0.1:5000"), (Address(), "http://127.0.0.1:5000", "127.0.0.1:5000"),
    (Address(), "https://localhost:5010/", "localhost:5010"), (Address(), ":5000", "0.0.0.0:5000"),
    (Address(), "[::1]:5000", "[::1]:5000"),
    (ListenAddress(), "*", "*"), (ListenAddress(), "::", "[::]"), (ListenAddress(), "[::1]", "[::1]"),
    (ListenAddress(), "127.0.0.1", "127.0.0.1"),
    (Network(), "10.0.0.0/8", "10.0.0.0/8"), (Network(), "::1", "::1"), (Network(), "unix:", "unix:"),
    (AbsolutePath(), "/a/b/", "/a/b"), (AbsolutePath(), "//a/../b", "/b"),
    (ListOf(Text()), ["a"], ["a"]), (ListOf(Text()), "a", ["a"]), (ListOf(Text()), [], []),
    (MapOf(Text(), key="[a-z]+", form="x"), {"a": "b", "c": None}, {"a": "b"}),
    (MapOf(Text(), key="[a-z]+", form="x", none_removes=True), {"a": None}, {"a": None}),
    (Free(), {"a": [1, None, {"b": 0.5}]}, {"a": [1, None, {"b": 0.5}]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "expected"), TAKEN)
def test_taken(kind: Type, value: object, expected: object) -> None:
    found: list[Diagnostic] = []
    read = read_value(kind, value, Place(found))
    assert read == expected
    assert type(read) is type(expected)
    assert [one for one in found if one.severity is Severity.ERROR] == []


REFUSED: list[tuple[Type, object, str]] = [
    (Bool(), "yes", "must be True or False, not 'yes'"), (Bool(), 1, "must be True or False"),
    (Text(), "a\nb", "must be on one line"), (Text(), 5, "must be text, not 5"), (Text(), "a\0b", "on one line"),
    (Text(empty=False), "", "must not be empty"),
    (Snippet(), "a\0", "NUL"),
    (account(), "a:b", "the name of an account"), (account(), "-a", "the name of an account"),
    (hostname(), "a b", "a host name"), (email(), "nobody", "e-mail"),
    (Integer(), -1, "a whole number from 0"), (Integer(), True, "a whole number"), (Integer(), "1_000", "whole"),
    (Integer(1, 9), 10, "from 1 to 9"), (Integer(), "9" * 5000, "a whole number"),
    (port(), 0, "a port from 1 to 65535"), (port(), "70000", "a port from 1 to 65535, not '70000'"),
    (Number(), float("nan"), "a number"), (Number(), True, "a number"),
    (Size(), "25 apples", "a number of bytes"), (Size(), -1, "a number of bytes"),
    (Size(), "9" * 5000, "a number of bytes"), (Duration(), "9" * 5000 + "s", "292 years"),
    (Duration(), "2562047h48m", "292 years"), (Scalar(), "x ", "chpst(8)"), (Scalar(), "x\t", "chpst(8)"),
    (Printable(), "a\x85", "control characters"), (Printable(), "a\u2028", "control characters"),
    (Size(5, "why"), 4, "at least 5 bytes (why)"),
    (Duration(), 30, "a bare 30 means 30 nanoseconds"), (Duration(), "1000", "nanoseconds"),
    (Duration(), "1d", "must be a duration"), (Duration(), "-1s", "must be a duration"),
    (Duration(), True, "must be a duration"),
    (NginxTime(), "1 week", "a time as NGINX reads it"), (NginxTime(), -1, "a time as NGINX reads it"),
    (Enum("warn", "info"), "wran", 'Did you mean "warn"?'), (Enum("a"), True, "one of a"), (Enum("a"), [], "one of"),
    (OnOff(), "yes", "one of on, off"),
    (Either("prefer"), "perhaps", 'must be True, False or "prefer"'),
    (Words("TLSv1.2", "TLSv1.3"), "TLSv1.2 TLSv13", 'Did you mean "TLSv1.3"?'), (Words(), " ", "must not be empty"),
    (Expression(), "(", "missing )"), (Expression(), "a(?=b)", "RE2"), (Expression(), 4, "a regular expression"),
    (CronExpression(), 4, "a cron expression"), (CronExpression(), "0 4 * *", "five fields"),
    (CronExpression(), "0 24 * * *", "hour"),
    (CronField(0, 59), 60, "a cron field"), (CronField(0, 59), "5-1", "a cron field"), (CronField(0, 59), "", "cron"),
    (OneOf(Integer(1), Enum("auto")), "many", "a whole number from 1"),
    (Scalar(), ["a"], "a text, a number or a boolean"), (Scalar(), "\0", "NUL"),
    (Url(), "registry.example.com", 'Write "https://registry.example.com"'), (Url(), "ftp://x", "http:// or https://"),
    (Url(), "https://", "must name a host"), (Url(), "https://x:0", "a port from 1 to 65535"),
    (Url(), "https://x:", "a port"), (Url(), "https://x:99999", "no valid URL"), (Url(), "https://a b/", "host"),
    (Url(), "https://bücher.example", 'Write the name as DNS holds it: "xn--bcher-kva.example"'),
    (Url(Extent.ORIGIN), "https://x/v2", 'must have no path, not \'https://x/v2\''),
    (Url(Extent.BASE), "https://u:p@x/", "user name or password"), (Url(Extent.BASE), "https://x/?a", "no query"),
    (Url(Extent.BASE), "https://x/\n", "on one line"),
    (Address(), "127.0.0.1", "an address with a port"), (Address(), "a:b:5", "an address with a port"),
    (Address(), "127.0.0.1:0", "with a port"), (Address(), 5000, "must be text"),
    (ListenAddress(), "127.0.0.1:80", "The port is a setting of its own"), (ListenAddress(), "unix:/x", "address"),
    (Network(), "10.0.0.0/40", "an address or a network"),
    (AbsolutePath(), "a/b", "one that begins with /"), (AbsolutePath(), "", "must not be empty"),
    (ListOf(Text()), {"a": 1}, "must be a list, not a dictionary"), (ListOf(Text(), single=False), "a", "a list"),
    (ListOf(Text()), ["a", None], "must not be None"), (ListOf(Text()), [1], "must be text"),
    (MapOf(Text(), key="[a-z]+", form="a name"), {"a/b": "c"}, "must be a name, not 'a/b'"),
    (MapOf(Text(), key="[a-z]+", form="a name"), [], "must be a dictionary, not a list"),
    (Free(mapping=True), [], "must be a dictionary"), (Free(), {"a": float("inf")}, "cannot be written as YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "message"), REFUSED)
def test_refused(kind: Type, value: object, message: str) -> None:
    found: list[Diagnostic] = []
    read_value(kind, value, Place(found))
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert len(errors) == 1
    assert message in f"{errors[0].message} {errors[0].hint}"


EVERY_TYPE = [*{type(kind): kind for kind, *_ in [*TAKEN, *REFUSED]}.values(), Pem(Content.KEY)]
VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["https://", "[::", "1h", "a:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.real
@given(value=VALUES)
def test_no_value_is_more_than_any_type_can_take(value: object) -> None:
    """Every type either takes a value or says in words what is wrong with it."""
    for kind in EVERY_TYPE:
        found: list[Diagnostic] = []
        read = read_value(kind, value, Place(found))
        assert read is not INVALID or any(one.severity is Severity.ERROR and one.message for one in found)


SECRETS = ["hunter2 hunter2", "hunter2\n", "https://hunter2", "//hunter2@", "hunter2:1", "hunter2" * 20]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_in_no_error(secret: str) -> None:
    for kind in EVERY_TYPE:
        for value in (secret, [secret], {"a": secret}, {"a": [secret]}, [{"b": secret}]):
            found: list[Diagnostic] = []
            read_value(kind, value, Place(found, None, {}, "x", secret=True))
            assert "hunter2" not in "".join(map(str, found))


def _schema(*, lenient: bool = False) -> Schema:
    parameters = [
        Parameter("bucket", Text(), "a bucket", required=True),
        Parameter("secretkey", Text(), "a key", secret=True),
        Parameter("chunksize", Size(), "a size"),
    ]
    return Schema("the driver", parameters, lenient=lenient)


def read(kind: Type, value: object) -> tuple[Any, list[Diagnostic]]:
    """A value as a type reads it, with what it says."""
    found: list[Diagnostic] = []
    return read_value(kind, value, Place(found)), found


def test_a_schema_knows_its_parameters() -> None:
    value, found = read(_schema(), {"bucket": "b", "chunksize": "5MB", "secretkey": None})
    assert value == {"bucket": "b", "chunksize": 5000000}
    assert found == []


def test_unknown_parameters_are_errors_or_pass_with_a_warning() -> None:
    value, found = read(_schema(), {"bucket": "b", "chunksze": 1})
    assert "chunksze" not in value
    assert (found[0].setting, found[0].hint) == ("chunksze", 'Did you mean "chunksize"?')
    value, found = read(_schema(lenient=True), {"bucket": "b", "chunksze": 1})
    assert value["chunksze"] == 1
    assert found[0].severity is Severity.WARNING


def test_missing_and_secret_parameters() -> None:
    _, found = read(_schema(), {"secretkey": 12345678})
    assert "needs bucket: a bucket" in found[1].message
    assert "12345678" not in str(found[0])


def test_pem_is_brought_into_form(pair: TokenPair) -> None:
    marked = pair.key.replace("\n", "\\n")
    indented = "\n".join(f"    {line}" for line in pair.key.strip().split("\n"))
    for text in (pair.key, pair.key.strip(), marked, indented, pair.key.replace("\n", "\r\n")):
        assert read(Pem(Content.KEY), text)[0] == pair.key
    both = pair.certificate + pair.certificate
    assert read(Pem(Content.CERTIFICATE), both)[0] == both


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---BEGIN RSA PRIVATE KEY---\nMIIEpQIBAA\n", "holds no PEM private key"),
        ("", "holds no PEM private key"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEpQIBAA!\n-----END PRIVATE KEY-----\n", "damaged"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n-----END ENCRYPTED PRIVATE KEY-----\n", "passphrase"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nMIIE\n"
            "-----END RSA PRIVATE KEY-----\n",
            "passphrase",
        ),
        ("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n", "holds no PEM private key"),
    ],
)
def test_what_is_no_key_is_named_and_never_shown(text: str, message: str) -> None:
    value, found = read(Pem(Content.KEY), text)
    assert value is INVALID
    assert message in found[0].message
    assert "MIIE" not in str(found[0])


def test_a_password_in_a_url_is_not_shown() -> None:
    for extent in Extent:
        for url in ("https://user:hunter2@:5", "ftp://user:hunter2@x/", "https://user:hunter2@x:99999/"):
            _, found = read(Url(extent), url)
            assert found
            assert "hunter2" not in str(found)
