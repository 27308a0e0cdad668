"""Who logs in, and that nothing distinguishes an unknown name from a wrong password."""

from __future__ import annotations

import bcrypt
import pytest

from ctl.auth import edit
from ctl.auth.account_names import ANONYMOUS
from ctl.auth.accounts import Accounts, DeployToken, Grant, Group, User
from ctl.auth.authenticate import EVERYTHING, Principal, anonymous, authenticate, kept_secret, principal_of
from ctl.auth.passwords import digest

PUBLIC = Grant("public/**", ("pull",))
TEAM = Grant("team/**", ("pull", "push"))
OWN = Grant("alice/**", ("*",))


def quick(password: str, cost: int = 4) -> str:
    """A hash that takes little work to make."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


@pytest.fixture(scope="module")
def accounts() -> Accounts:
    """One account of each kind."""
    users = [
        User("admin", quick("admins password", 6), admin=True),
        User("alice", quick("alices password"), ("team",), (OWN,)),
        User("locked", ""),
    ]
    tokens = [
        DeployToken("ci", digest("rdt_secret"), TEAM, 0, 1000),
        DeployToken("forever", digest("rdt_other"), TEAM, 0, None),
    ]
    return Accounts(
        {one.name: one for one in users},
        {"team": Group("team", (TEAM,))},
        {one.name: one for one in tokens},
        (PUBLIC,),
    )


def test_users(accounts: Accounts) -> None:
    assert authenticate(accounts, "alice", "alices password", 0) == Principal(
        "alice", "user", (OWN, TEAM, PUBLIC)
    )
    assert authenticate(accounts, "admin", "admins password", 0) == Principal(
        "admin", "user", (*EVERYTHING, PUBLIC)
    )


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("alice", "admins password"),
        ("Alice", "alices password"),
        ("alice", ""),
        ("locked", ""),
        ("nobody", "alices password"),
        ("", ""),
        (ANONYMOUS, ""),
        ("team", ""),
        ("ci", digest("rdt_secret")),
        ("ci", "rdt_other"),
        ("alice", "rdt_secret"),
    ],
)
def test_nobody_else(accounts: Accounts, name: str, secret: str) -> None:
    assert authenticate(accounts, name, secret, 0) is None


def test_deploy_tokens_until_they_end(accounts: Accounts) -> None:
    assert authenticate(accounts, "ci", "rdt_secret", 999) == Principal("ci", "token", (TEAM, PUBLIC))
    assert authenticate(accounts, "ci", "rdt_secret", 1000) is None
    assert authenticate(accounts, "forever", "rdt_other", 1e12) is not None


def test_a_secret_shown_before_holds_while_it_is_kept(accounts: Accounts) -> None:
    assert principal_of(accounts, "alice", 0) == authenticate(accounts, "alice", "alices password", 0)
    assert principal_of(accounts, "ci", 999) == authenticate(accounts, "ci", "rdt_secret", 999)
    assert [principal_of(accounts, name, 1000) for name in ("ci", "locked", "nobody", ANONYMOUS)] == [
        None
    ] * 4
    kept = {kept_secret(accounts, name) for name in ("alice", "admin", "ci", "forever", "nobody")}
    assert len(kept) == 5, "each another, so that one cannot stand for the other"
    changed = edit.set_password(accounts, "alice", quick("alices password"))
    assert kept_secret(changed, "alice") != kept_secret(accounts, "alice")


def test_without_an_account(accounts: Accounts) -> None:
    assert anonymous(accounts) == Principal(ANONYMOUS, "anonymous", (PUBLIC,))
    assert anonymous(Accounts()).rights == ()


def test_every_failure_is_the_same_work(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[int] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        costs.append(1 << int(hashed[4:6]))
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    totals = set()
    for name in ("alice", "admin", "nobody", "locked", "ci", "forever", ANONYMOUS, ""):
        costs.clear()
        assert authenticate(accounts, name, "rdt_secret", 5000) is None
        totals.add(sum(costs))
    assert totals == {1 << 6}, "that of the costliest account"


def test_nothing_printed_of_an_account_holds_its_secret(accounts: Accounts) -> None:
    text = repr(accounts)
    assert "$2b$" not in text
    assert digest("rdt_secret") not in text
