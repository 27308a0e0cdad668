"""Changes of accounts: what they refuse, and what they leave alone. What they grant is in test_rights."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ctl.auth import edit
from ctl.auth.account_names import ANONYMOUS, Kind
from ctl.auth.accounts import Accounts, DeployToken, Grant, User
from ctl.auth.accounts_file import parse_accounts, render_accounts
from ctl.errors import UsageFault
from tests.harness.account_models import HASH

PULL = Grant("team/*", ("pull",))
TOKEN = DeployToken("ci", "ab" * 32, PULL, 0, 100)


@pytest.fixture
def accounts() -> Accounts:
    """alice, who is in the group dev; bob; the deploy token ci."""
    found = edit.add_group(Accounts(), "dev")
    found = edit.add_user(found, User("alice", HASH, ("dev",)))
    found = edit.add_user(found, User("bob", HASH))
    return edit.add_token(found, TOKEN, 0)


REFUSED: list[tuple[Callable[[Accounts], object], str]] = [
    (lambda a: edit.add_user(a, User("alice", "")), "there is a user 'alice' already"),
    (lambda a: edit.add_user(a, User("Alice", "")), "would be taken for the user 'alice'"),
    (lambda a: edit.add_user(a, User("ci", "")), "there is a token 'ci' already"),
    (lambda a: edit.add_user(a, User(ANONYMOUS, "")), "whoever does not log in"),
    (lambda a: edit.add_user(a, User("", "")), "cannot be the name"),
    (lambda a: edit.add_user(a, User("a:b", "")), "cannot be the name"),
    (lambda a: edit.add_user(a, User("-a", "")), "cannot be the name"),
    (lambda a: edit.add_user(a, User("a\n", "")), "cannot be the name"),
    (lambda a: edit.add_user(a, User("a" * 65, "")), "65 characters"),
    (lambda a: edit.add_user(a, User("carol", "", ("def",))), "there is no group 'def'"),
    (lambda a: edit.remove_user(a, "alicia"), "there is no user 'alicia'"),
    (lambda a: edit.remove_user(a, "ci"), "ci is a deploy token"),
    (lambda a: edit.set_password(a, ANONYMOUS, HASH), "not a user"),
    (lambda a: edit.set_admin(a, "carol", True), "there is no user"),
    (lambda a: edit.add_group(a, "dev"), "there is a group 'dev' already"),
    (lambda a: edit.remove_group(a, "ops"), "there is no group"),
    (lambda a: edit.join(a, "dev", ["bob", "bbo"]), "there is no user 'bbo'"),
    (lambda a: edit.leave(a, "dev", ["bob"]), "bob is not in the group dev"),
    (lambda a: edit.add_token(a, TOKEN, 99), "there is a token 'ci' already"),
    (lambda a: edit.add_token(a, DeployToken("bob", "", PULL, 0, None), 0), "there is a user 'bob' already"),
    (lambda a: edit.remove_token(a, "bob"), "there is no token"),
    (lambda a: edit.grant(a, Kind.USER, "ci", PULL), "ci is a deploy token"),
    (lambda a: edit.grant(a, Kind.GROUP, ANONYMOUS, PULL), "there is no group"),
    (lambda a: edit.grant(a, Kind.USER, "bob", Grant("registry:catalog", ("pull",))), "granted whole"),
    (lambda a: edit.revoke(a, Kind.USER, "bob", "team/*", ["pull"]), "nothing is granted to bob"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(accounts: Accounts, change: Callable[[Accounts], object], message: str) -> None:
    with pytest.raises(UsageFault) as caught:
        change(accounts)
    assert message in caught.value.message


def test_near_names_are_reported(accounts: Accounts) -> None:
    with pytest.raises(UsageFault) as caught:
        edit.user(accounts, "alise")
    assert caught.value.hint == "Did you mean alice?"
    granted = edit.grant(accounts, Kind.USER, "bob", PULL)
    with pytest.raises(UsageFault) as caught:
        edit.revoke(granted, Kind.USER, "bob", "team/**")
    assert caught.value.hint == "The patterns granted to bob: team/*"


@pytest.mark.parametrize("name", ["a", "Alice", "bob@example.com", "ci-bot_2", "a+b", "0", "a" * 64])
def test_names(name: str) -> None:
    assert name in edit.add_user(Accounts(), User(name, "")).users


def test_a_removed_group_leaves_its_members(accounts: Accounts) -> None:
    after = edit.remove_group(accounts, "dev")
    assert after.users["alice"] == User("alice", HASH)
    assert not after.groups
    assert parse_accounts(render_accounts(after), "file") == after


def test_changes_leave_others_alone(accounts: Accounts) -> None:
    after = edit.set_password(edit.grant(accounts, Kind.USER, "bob", PULL), "bob", "")
    assert after.users["bob"] == User("bob", "", grants=(PULL,))
    assert {**after.users, "bob": accounts.users["bob"]} == accounts.users
    assert (after.groups, after.tokens, after.anonymous) == (accounts.groups, accounts.tokens, ())


def test_joining_twice_is_once(accounts: Accounts) -> None:
    after = edit.join(accounts, "dev", ["alice", "bob", "bob"])
    assert edit.members(after, "dev") == ["alice", "bob"]
    assert edit.leave(after, "dev", ["bob"]) == accounts


def test_the_name_of_a_token_that_has_ended_is_free(accounts: Accounts) -> None:
    new = DeployToken("ci", "cd" * 32, PULL, 100, None)
    assert edit.add_token(accounts, new, 100).tokens == {"ci": new}


def test_what_is_left_after_a_revocation(accounts: Accounts) -> None:
    found = edit.grant(accounts, Kind.USER, "alice", Grant("team/app", ("pull", "push")))
    found = edit.grant(found, Kind.GROUP, "dev", Grant("team/**", ("pull", "delete")))
    found = edit.grant(found, Kind.USER, ANONYMOUS, Grant("**", ("pull",)))
    found = edit.revoke(found, Kind.USER, "alice", "team/app", ["pull", "push"])
    assert edit.remaining(found, "alice", "team/app", ["pull", "push"]) == [
        (("pull",), "team/**", "group dev"),
        (("pull",), "**", ANONYMOUS),
    ]
    assert edit.remaining(found, "bob", "other/x", ["push"]) == []


def test_names_of_actions_keep_their_order(accounts: Accounts) -> None:
    found = edit.grant(accounts, Kind.USER, "bob", Grant("a", ("delete", "pull")))
    assert found.users["bob"].grants == (Grant("a", ("pull", "delete")),)


def test_of_everything_a_part_can_be_taken(accounts: Accounts) -> None:
    found = edit.grant(accounts, Kind.USER, "bob", Grant("a", ("*",)))
    found = edit.revoke(found, Kind.USER, "bob", "a", ["push"])
    assert found.users["bob"].grants == (Grant("a", ("pull", "delete")),)
    found = edit.grant(found, Kind.USER, "bob", Grant("a", ("*",)))
    assert found.users["bob"].grants == (Grant("a", ("*",)),)
    assert edit.revoke(found, Kind.USER, "bob", "a").users["bob"].grants == ()
