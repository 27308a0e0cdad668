"""Refresh tokens: whose they are, until when, and what revokes them."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from ctl.auth.accounts import Accounts, DeployToken, Grant, User
from ctl.auth.refresh import LIFETIME, RefreshTokens
from tests.harness import seeds
from tests.harness.account_models import HASH

NOW = 1_700_000_000.0
PULL = Grant("team/**", ("pull",))
ALICE = User("alice", HASH, grants=(PULL,))
ROBOT = DeployToken("robot", "0" * 64, PULL, int(NOW), int(NOW) + 100)
ACCOUNTS = Accounts({"alice": ALICE}, {}, {"robot": ROBOT})


def tokens(now: float = NOW, *, key: int = 0, issuer: str = "i", service: str = "s") -> RefreshTokens:
    return RefreshTokens(seeds.pair(key)[0], issuer=issuer, service=service, clock=lambda: now)


def test_it_is_its_accounts() -> None:
    principal = tokens().read(ACCOUNTS, tokens().make(ACCOUNTS, "alice"))
    assert principal is not None
    assert (principal.name, principal.kind, principal.rights) == ("alice", "user", (PULL,))


@pytest.mark.parametrize(
    "accounts",
    [
        Accounts(),
        Accounts({"alice": replace(ALICE, password="$2y$04$" + "b" * 53)}),
        Accounts({"alice": replace(ALICE, password="")}),
        Accounts({"bob": replace(ALICE, name="bob")}),
    ],
)
def test_a_new_password_and_the_end_of_the_account_revoke_it(accounts: Accounts) -> None:
    assert tokens().read(accounts, tokens().make(ACCOUNTS, "alice")) is None


def test_rights_are_those_of_now() -> None:
    text = tokens().make(ACCOUNTS, "alice")
    found = tokens().read(Accounts({"alice": replace(ALICE, grants=())}), text)
    assert found is not None
    assert found.rights == ()


def test_it_ends() -> None:
    text = tokens().make(ACCOUNTS, "alice")
    assert tokens(NOW + LIFETIME - 1).read(ACCOUNTS, text)
    assert tokens(NOW + LIFETIME).read(ACCOUNTS, text) is None
    robot = tokens().make(ACCOUNTS, "robot")
    assert tokens(NOW + 99).read(ACCOUNTS, robot)
    assert tokens(NOW + 100).read(ACCOUNTS, robot) is None


def test_others_are_refused() -> None:
    mine = tokens().make(ACCOUNTS, "alice")
    header, claims, signature = mine.split(".")
    unsigned = jwt.encode(jwt.decode(mine, options={"verify_signature": False}), "", algorithm="none")
    for other in (
        "",
        "x",
        "a.b.c",
        f"{header}.{claims}.{signature[:-2]}AA",
        f"{header}.{claims}.",
        unsigned,
        mine + "=" * 5000,
        tokens(key=1).make(ACCOUNTS, "alice"),
        tokens(issuer="other").make(ACCOUNTS, "alice"),
        tokens(service="other").make(ACCOUNTS, "alice"),
    ):
        assert tokens().read(ACCOUNTS, other) is None


def test_a_token_for_the_registry_is_no_refresh_token() -> None:
    from datetime import timedelta

    from ctl.registry.token import issue

    text = issue(
        seeds.pair()[0],
        issuer="i",
        subject="alice",
        access=[],
        lifetime=timedelta(minutes=5),
        service="refresh:s",
    )
    assert tokens().read(ACCOUNTS, text) is None


def test_it_holds_no_secret() -> None:
    text = tokens().make(ACCOUNTS, "alice")
    claims = jwt.decode(text, options={"verify_signature": False})
    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "pin"}
    assert HASH not in str(claims)
