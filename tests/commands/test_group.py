"""`ctl group`: rights that several accounts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.auth.accounts import Grant
from ctl.converge.journal import Journal
from ctl.paths import Layout
from tests.harness.account_cli import PASSWORD, AccountCli


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> AccountCli:
    """With the users alice and bob, and the group dev."""
    ctl = AccountCli(tmp_path, capsys, monkeypatch)
    for name in ("alice", "bob"):
        ctl.good("user", "add", name, stdin=PASSWORD)
    assert ctl.good("group", "add", "dev").out == "group dev added\n"
    return ctl


def test_members_and_grants(ctl: AccountCli) -> None:
    assert ctl.good("group", "join", "dev", "bob", "alice").out == "dev: alice, bob\n"
    assert ctl.good("group", "grant", "dev", "team/**", "pull,push").out == "dev: pull,push on team/**\n"
    ctl.good("group", "grant", "dev", "lib/*", "pull")
    assert ctl.good("group", "list").out.splitlines() == [
        "dev  pull,push  team/**  alice, bob",
        "dev  pull       lib/*",
    ]
    assert ctl.good("group", "list", "dev", "--json").json() == {
        "groups": [
            {
                "name": "dev",
                "grants": [
                    {"pattern": "team/**", "actions": ["pull", "push"]},
                    {"pattern": "lib/*", "actions": ["pull"]},
                ],
                "members": ["alice", "bob"],
            }
        ]
    }
    assert ctl.good("group", "leave", "dev", "bob").out == "dev: alice\n"
    assert ctl.good("group", "revoke", "dev", "team/**", "push").out == "dev: pull on team/**\n"
    assert ctl.accounts.groups["dev"].grants == (Grant("team/**", ("pull",)), Grant("lib/*", ("pull",)))
    ctl.good("group", "remove", "dev")
    assert ctl.accounts.groups == {}
    assert ctl.accounts.users["alice"].groups == ()


def test_empty_ones(ctl: AccountCli) -> None:
    assert ctl.good("group", "list").out == "dev  -  -  no members\n"
    ctl.good("group", "remove", "dev")
    assert ctl.good("group", "list").err == "there are no groups yet: ctl group add NAME\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("add", "dev"), "there is a group 'dev' already"),
        (("add", "anonymous"), "whoever does not log in"),
        (("join", "dve", "bob"), "Did you mean dev?"),
        (("join", "dev", "bbo"), "Did you mean bob?"),
        (("join", "dev"), "Missing argument"),
        (("leave", "dev", "bob"), "bob is not in the group dev"),
        (("list", "dve"), "Did you mean dev?"),
        (("grant", "dev", "/x", "pull"), "slash"),
        (("revoke", "dev", "x"), "nothing is granted to dev"),
    ],
)
def test_usage(ctl: AccountCli, words: tuple[str, ...], message: str) -> None:
    before = ctl.path.read_bytes()
    result = ctl("group", *words)
    assert result.code == 2
    assert message in result.err
    assert ctl.path.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "recovers"),
    [
        (("group", "add", "new"), True),
        (("user", "grant", "alice", "a/*", "pull"), True),
        (("group", "list"), False),
    ],
)
def test_who_changes_accounts_undoes_an_interrupted_run_first(
    ctl: AccountCli, tmp_path: Path, words: tuple[str, ...], recovers: bool
) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True, exist_ok=True)
    with Journal.begin(layout):
        pass  # neither committed nor undone
    result = ctl.good(*words)
    assert layout.journal.exists() is not recovers
    assert ("interrupted" in result.err) is recovers
