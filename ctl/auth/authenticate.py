"""Who logs in: a user, a deploy token, or nobody in particular."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ctl.auth.account_names import ANONYMOUS
from ctl.auth.accounts import Accounts, Grant, User
from ctl.auth.passwords import same_digest, verify
from ctl.auth.patterns import ANY_DEPTH, CATALOG

EVERYTHING = (Grant(ANY_DEPTH, ("*",)), Grant(CATALOG, ("*",)))
"""The rights of an administrator."""


@dataclass(frozen=True)
class Principal:
    """Whoever asks, and what is granted to it; what is granted to everybody is among it.

    Args:
        name: of the user or token; ANONYMOUS where nobody logs in.
        kind: which of them.
        rights: all grants, in no particular order.
    """

    name: str
    kind: Literal["user", "token", "anonymous"]
    rights: tuple[Grant, ...]


def authenticate(accounts: Accounts, name: str, secret: str, now: float) -> Principal | None:
    """Find out who logs in.

    A wrong password takes as long as a name that is not known, and as a token that has ended.

    Args:
        accounts: those of the registry.
        name: of a user or deploy token.
        secret: the password, or the token's secret.
        now: seconds since 1970.

    Returns:
        None where there is no such account, its time is over, or the secret is wrong.
    """
    if authenticate_token(accounts, name, secret, now):
        return principal_of(accounts, name, now)
    user = accounts.users.get(name)
    if verify(user.password if user else None, secret, cost=accounts.cost) and user:
        return principal_of(accounts, name, now)
    return None


def authenticate_token(accounts: Accounts, name: str, secret: str, now: float) -> bool:
    """Whether a deploy token's secret is right, and it has not ended: arguments as `authenticate` has them."""
    token = accounts.tokens.get(name)
    return token is not None and same_digest(token.digest, secret) and not token.ended(now)


def kept_secret(accounts: Accounts, name: str) -> str | None:
    """What is kept of an account's secret: another text once that has been changed. None for no such account."""
    token, user = accounts.tokens.get(name), accounts.users.get(name)
    return token.digest if token else user.password if user else None


def principal_of(accounts: Accounts, name: str, now: float) -> Principal | None:
    """An account that has proved its secret before, with the rights that it has now.

    Args:
        accounts, name, now: as `authenticate` has them.

    Returns:
        None where there is no such account any more, it cannot log in, or its time is over.
    """
    token = accounts.tokens.get(name)
    if token:
        rights = (token.grant, *accounts.anonymous)
        return None if token.ended(now) else Principal(name, "token", rights)
    user = accounts.users.get(name)
    if user and user.password:
        return Principal(name, "user", (*_rights(accounts, user), *accounts.anonymous))
    return None


def anonymous(accounts: Accounts) -> Principal:
    """Whoever asks without logging in."""
    return Principal(ANONYMOUS, "anonymous", accounts.anonymous)


def _rights(accounts: Accounts, user: User) -> Iterator[Grant]:
    if user.admin:
        yield from EVERYTHING
    yield from user.grants
    for name in user.groups:
        yield from accounts.groups[name].grants
