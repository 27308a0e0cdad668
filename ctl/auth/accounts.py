"""Who may do what: users, groups, deploy tokens, and what is granted to everybody.

They are kept as JSON in a file of their own, which ctl/auth/accounts_file.py reads and writes:

    {"version": 1,
     "anonymous": {"grants": [{"pattern": "public/**", "actions": ["pull"]}]},
     "groups": {"dev": {"grants": [...]}},
     "tokens": {"ci": {"sha256": "...", "grant": {...}, "created": 1790000000, "expires": 1792592000}},
     "users": {"alice": {"password": "$2b$10$...", "admin": false, "groups": ["dev"], "grants": [...]}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Grant:
    """What is granted on the repositories of a pattern.

    Args:
        pattern: see ctl/auth/patterns.py.
        actions: of ctl.registry.token.ACTIONS, in that order, each once, at least one; "*" is all of them.
    """

    pattern: str
    actions: tuple[str, ...]


@dataclass(frozen=True)
class User:
    """An account that logs in with a password.

    Args:
        name: its name.
        password: its bcrypt hash; "" where it cannot log in.
        groups: names of groups whose grants it has, too; each once.
        grants: its own.
        admin: whether it may do everything, and list all repositories.
    """

    name: str
    password: str = field(repr=False)
    groups: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    admin: bool = False


@dataclass(frozen=True)
class Group:
    """Grants that several users share."""

    name: str
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True)
class DeployToken:
    """An account for a machine, with a random secret, one grant, and an end.

    Args:
        name: the user name to log in with.
        digest: SHA-256 of the secret, in hex.
        grant: its only grant.
        created, expires: in seconds since 1970; None where it never ends.
    """

    name: str
    digest: str = field(repr=False)
    grant: Grant
    created: int
    expires: int | None

    def ended(self, now: float) -> bool:
        """Whether its time is over, at a time in seconds since 1970."""
        return self.expires is not None and now >= self.expires


@dataclass(frozen=True)
class Accounts:
    """All accounts of a registry. Users and tokens share one space of names; groups have their own."""

    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    tokens: Mapping[str, DeployToken] = field(default_factory=dict)
    anonymous: tuple[Grant, ...] = ()

    @cached_property
    def cost(self) -> int:
        """The work of the costliest password, as a power of two: what every attempt to log in should take."""
        from ctl.auth.passwords import COST, cost_of

        return max((cost_of(user.password) for user in self.users.values() if user.password), default=COST)
