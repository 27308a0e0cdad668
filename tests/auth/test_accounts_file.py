"""The accounts file: there and back, and every slip reported with its place and no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.auth.accounts import Accounts, DeployToken, Grant, Group, User
from ctl.auth.accounts_file import parse_accounts, render_accounts
from ctl.errors import CtlError
from tests.harness import account_models as models

HASH = models.HASH
DIGEST = "0123456789abcdef" * 4
FULL = Accounts(
    {"alice": User("alice", HASH, ("dev",), (Grant("team/**", ("pull", "push")),), admin=True)},
    {"dev": Group("dev", (Grant("lib/*", ("*",)),))},
    {"ci": DeployToken("ci", DIGEST, Grant("team/app", ("pull",)), 10, 20)},
    (Grant("public/**", ("pull",)),),
)


@given(models.accounts())
def test_there_and_back(accounts: Accounts) -> None:
    data = render_accounts(accounts)
    assert parse_accounts(data, "file") == accounts
    assert render_accounts(parse_accounts(data, "file")) == data


def test_the_same_accounts_are_the_same_bytes() -> None:
    one, two = User("a", ""), User("b", "")
    assert render_accounts(Accounts({"a": one, "b": two})) == render_accounts(Accounts({"b": two, "a": one}))


def test_what_is_missing_is_none() -> None:
    assert parse_accounts(b'{"version": 1}', "file") == Accounts()
    found = parse_accounts(b'{"version": 1, "users": {"a": {"password": ""}}}', "file")
    assert found.users == {"a": User("a", "")}


def test_two_grants_of_one_pattern_are_their_sum() -> None:
    grants = [{"pattern": "a", "actions": ["push"]}, {"pattern": "a", "actions": ["pull", "push"]}]
    found = parse_accounts(json.dumps({"version": 1, "anonymous": {"grants": grants}}).encode(), "file")
    assert found.anonymous == (Grant("a", ("pull", "push")),)


def _set(*path: str | int, to: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:  # noqa: ANN401 - JSON
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = to

    return change


BROKEN = [
    (_set("users", to=[]), "users: must be an object"),
    (_set("user", to={}), "'user' is not known"),
    (_set("version", to=2), "version: the file is of another version"),
    (_set("version", to=None), "version: the file is of another version"),
    (_set("users", "alice", "admim", to=True), "users.alice: 'admim' is not known"),
    (_set("users", "alice", "admin", to=1), "users.alice.admin: must be true or false"),
    (_set("users", "alice", "password", to="plain text"), "users.alice.password: is not a bcrypt hash"),
    (_set("users", "alice", "password", to=5), "users.alice.password: must be a text"),
    (_set("users", "alice", to={}), "users.alice: 'password' is missing"),
    (_set("users", "a:b", to={"password": ""}), "'a:b' cannot be the name of a user"),
    (_set("users", "Anonymous", to={"password": ""}), "anonymous is not the name of a user"),
    (_set("users", "ci", to={"password": ""}), "tokens: ci is the name of a user, too"),
    (_set("users", "alice", "groups", 0, to="deb"), "users.alice.groups[0]: there is no group 'deb'"),
    (
        _set("users", "alice", "grants", 0, "pattern", to="Team/*"),
        "users.alice.grants[0].pattern: 'Team/*' is not",
    ),
    (_set("users", "alice", "grants", 0, "actions", 1, to="read"), "actions[1]: 'read' is not an action"),
    (_set("users", "alice", "grants", 0, "actions", 1, to=["x"]), "actions[1]: must be a text"),
    (_set("users", "alice", "grants", 0, "actions", to=[]), "users.alice.grants[0].actions: grants nothing"),
    (_set("groups", "dev", "grants", to={}), "groups.dev.grants: must be a list"),
    (_set("tokens", "ci", "sha256", to="abc"), "tokens.ci.sha256: is not the SHA-256"),
    (_set("tokens", "ci", "created", to=1.5), "tokens.ci.created: must be a whole number"),
    (_set("tokens", "ci", "expires", to=True), "tokens.ci.expires: must be a whole number"),
    (_set("tokens", "ci", "expires", to=-1), "tokens.ci.expires: must be a whole number"),
    (_set("tokens", "ci", "expires", to=10**30), "tokens.ci.expires: must be a whole number"),
    (_set("anonymous", to=[]), "anonymous: must be an object"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_what_is_wrong_is_reported_with_its_place(change: Callable[[Any], None], message: str) -> None:
    content = json.loads(render_accounts(FULL))
    change(content)
    with pytest.raises(CtlError) as caught:
        parse_accounts(json.dumps(content).encode(), "/etc/accounts.json")
    assert caught.value.message.startswith("/etc/accounts.json: ")
    assert message in caught.value.message
    _tells_no_secret(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "/x:1:1: is not JSON"),
        (b'{\n "version": 1\n]', "/x:3:1: is not JSON"),
        (render_accounts(FULL)[:-40], "is not JSON"),
        (b"\xff", "/x: is not UTF-8 text"),
        (b"[]", "/x: must be an object"),
        (b'{"version": 1, "users": {}, "users": {}}', "/x: 'users' is there twice"),
        (b"[" * 100_000, "/x: is not an accounts file"),
        (b'{"version": ' + b"9" * 5000 + b"}", "/x: is not an accounts file"),
    ],
)
def test_what_is_no_accounts_file(data: bytes, message: str) -> None:
    with pytest.raises(CtlError) as caught:
        parse_accounts(data, "/x")
    assert message in caught.value.message
    _tells_no_secret(caught.value)


@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_never_crashes(data: st.DataObject) -> None:
    content = bytearray(render_accounts(FULL))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=3))
    try:
        found = parse_accounts(bytes(content), "/x")
    except CtlError as error:
        _tells_no_secret(error)
    else:
        assert parse_accounts(render_accounts(found), "/x") == found


def _tells_no_secret(error: CtlError) -> None:
    text = f"{error.message} {error.hint}"
    assert "aaaaaaa" not in text
    assert DIGEST[:8] not in text
