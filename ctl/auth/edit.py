"""Changes of accounts, one a function: from the accounts as they are to those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from ctl.auth.account_names import ANONYMOUS, Kind, check_name, ordered
from ctl.auth.accounts import Accounts, DeployToken, Grant, Group, User
from ctl.auth.authenticate import EVERYTHING
from ctl.auth.patterns import CATALOG, matches
from ctl.errors import UsageFault
from ctl.registry.token import ACTIONS

T = TypeVar("T")


def find(known: Mapping[str, T], name: str, kind: Kind) -> T:
    """An account by its name.

    Raises:
        UsageFault: there is none; names the nearest.
    """
    from ctl.text.nearest import nearest

    found = known.get(name)
    if found is None:
        near = nearest(name, known)
        hint = f"Did you mean {near}?" if near else f"`ctl {kind} list` lists them all."
        raise UsageFault(f"there is no {kind} {name!r}", hint=hint)
    return found


def user(accounts: Accounts, name: str) -> User:
    """A user by name; a token's or reserved name is reported as such. Raises UsageFault."""
    if name in accounts.tokens:
        raise UsageFault(
            f"{name} is a deploy token, not a user",
            hint="Its secret and grant stay as they are: ctl token revoke, then ctl token create.",
        )
    if name == ANONYMOUS:
        raise UsageFault(f"{ANONYMOUS} is whoever does not log in, not a user")
    return find(accounts.users, name, Kind.USER)


def refuse_taken(accounts: Accounts, name: str, kind: Kind) -> None:
    """Refuse a name that an account has, or one that differs by capitals only.

    Raises:
        UsageFault: it is taken, or cannot be a name.
    """
    check_name(name, kind)
    takers: dict[Kind, Iterable[str]] = {Kind.USER: accounts.users, Kind.TOKEN: accounts.tokens}
    if kind is Kind.GROUP:
        takers = {Kind.GROUP: accounts.groups}
    for taker, names in takers.items():
        for other in names:
            if other == name:
                raise UsageFault(f"there is a {taker} {name!r} already")
            if other.lower() == name.lower():
                raise UsageFault(
                    f"{name!r} would be taken for the {taker} {other!r}: names must differ by more"
                )


def add_user(accounts: Accounts, new: User) -> Accounts:
    """Add a user. Raises UsageFault: its name is taken, or a group does not exist."""
    refuse_taken(accounts, new.name, Kind.USER)
    for group in new.groups:
        find(accounts.groups, group, Kind.GROUP)
    return _with_user(accounts, new)


def set_password(accounts: Accounts, name: str, hashed: str) -> Accounts:
    """Give a user another password hash; "" keeps it from logging in. Raises UsageFault: it does not exist."""
    return _with_user(accounts, replace(user(accounts, name), password=hashed))


def set_admin(accounts: Accounts, name: str, admin: bool) -> Accounts:
    """Make a user an administrator, or no longer one. Raises UsageFault: it does not exist."""
    return _with_user(accounts, replace(user(accounts, name), admin=admin))


def remove_user(accounts: Accounts, name: str) -> Accounts:
    """Remove a user. Raises UsageFault: it does not exist."""
    user(accounts, name)
    return replace(accounts, users=_without(accounts.users, name))


def add_group(accounts: Accounts, name: str) -> Accounts:
    """Add a group without members and grants. Raises UsageFault: its name is taken."""
    refuse_taken(accounts, name, Kind.GROUP)
    return replace(accounts, groups={**accounts.groups, name: Group(name)})


def remove_group(accounts: Accounts, name: str) -> Accounts:
    """Remove a group; its members lose what it granted. Raises UsageFault: it does not exist."""
    find(accounts.groups, name, Kind.GROUP)
    users = {one.name: _without_group(one, name) for one in accounts.users.values()}
    return replace(accounts, users=users, groups=_without(accounts.groups, name))


def members(accounts: Accounts, group: str) -> list[str]:
    """Names of the users in a group, sorted."""
    return sorted(one.name for one in accounts.users.values() if group in one.groups)


def join(accounts: Accounts, group: str, names: Iterable[str]) -> Accounts:
    """Put users into a group, in which some may be already. Raises UsageFault: one of them does not exist."""
    find(accounts.groups, group, Kind.GROUP)
    for name in names:
        one = user(accounts, name)
        if group not in one.groups:
            accounts = _with_user(accounts, replace(one, groups=(*one.groups, group)))
    return accounts


def leave(accounts: Accounts, group: str, names: Iterable[str]) -> Accounts:
    """Take users out of a group. Raises UsageFault: one of them does not exist, or is not in it."""
    find(accounts.groups, group, Kind.GROUP)
    for name in names:
        one = user(accounts, name)
        if group not in one.groups:
            raise UsageFault(f"{name} is not in the group {group}")
        accounts = _with_user(accounts, _without_group(one, group))
    return accounts


def add_token(accounts: Accounts, new: DeployToken, now: float) -> Accounts:
    """Add a deploy token; one of the same name that has ended is replaced. Raises UsageFault: the name is taken."""
    former = accounts.tokens.get(new.name)
    if former and former.ended(now):
        accounts = replace(accounts, tokens=_without(accounts.tokens, new.name))
    refuse_taken(accounts, new.name, Kind.TOKEN)
    return replace(accounts, tokens={**accounts.tokens, new.name: new})


def remove_token(accounts: Accounts, name: str) -> Accounts:
    """Remove a deploy token. Raises UsageFault: it does not exist."""
    find(accounts.tokens, name, Kind.TOKEN)
    return replace(accounts, tokens=_without(accounts.tokens, name))


def grants_of(accounts: Accounts, kind: Kind, name: str) -> tuple[Grant, ...]:
    """What is granted to a user (or ANONYMOUS) or group itself. Raises UsageFault: it does not exist."""
    if kind is Kind.GROUP:
        return find(accounts.groups, name, Kind.GROUP).grants
    return accounts.anonymous if name == ANONYMOUS else user(accounts, name).grants


def grant(accounts: Accounts, kind: Kind, name: str, new: Grant) -> Accounts:
    """Grant actions on a pattern, beside those granted on it already.

    Raises:
        UsageFault: there is no such user or group, or the catalogue is granted in part.
    """
    check_grant(new)
    grants = {one.pattern: one for one in grants_of(accounts, kind, name)}
    former = grants.get(new.pattern)
    grants[new.pattern] = Grant(new.pattern, ordered((*new.actions, *(former.actions if former else ()))))
    return _with_grants(accounts, kind, name, tuple(grants.values()))


def check_grant(new: Grant) -> None:
    """Refuse a part of the list of all repositories: registries know it whole only. Raises UsageFault."""
    if new.pattern == CATALOG and new.actions != ("*",):
        raise UsageFault(f"{CATALOG} is granted whole", hint=f"Give * as its actions: {CATALOG} '*'")


def revoke(
    accounts: Accounts, kind: Kind, name: str, pattern: str, actions: Iterable[str] = ("*",)
) -> Accounts:
    """Take actions on a pattern away. Where `*` was granted, the other actions stay.

    Raises:
        UsageFault: there is no such user or group, or nothing of it was granted on this very pattern.
    """
    grants = {one.pattern: one for one in grants_of(accounts, kind, name)}
    former = grants.get(pattern)
    if former is None:
        raise _not_granted(name, pattern, grants)
    check_grant(Grant(pattern, ordered(actions)))
    taken = _each(actions)
    if not taken & _each(former.actions):
        raise UsageFault(f"{name} has only {', '.join(former.actions)} on {pattern}")
    left = ordered(_each(former.actions) - taken - {"*"})
    changed = {**grants, pattern: Grant(pattern, left)} if left else _without(grants, pattern)
    return _with_grants(accounts, kind, name, tuple(changed.values()))


def _not_granted(name: str, pattern: str, grants: Mapping[str, Grant]) -> UsageFault:
    known = ", ".join(grants)
    hint = f"The patterns granted to {name}: {known}" if known else f"Nothing is granted to {name} itself."
    return UsageFault(f"nothing is granted to {name} on the pattern {pattern!r}", hint=hint)


def sources(accounts: Accounts, one: User) -> list[tuple[Grant, str]]:
    """Everything that is granted to a user, with what it is granted through: "" where to itself."""
    found = [(grant, "administrator") for grant in EVERYTHING] if one.admin else []
    found += [(grant, "") for grant in one.grants]
    found += [(grant, f"group {name}") for name in one.groups for grant in accounts.groups[name].grants]
    return found


def remaining(
    accounts: Accounts, name: str, pattern: str, actions: Iterable[str]
) -> list[tuple[tuple[str, ...], str, str]]:
    """What a user still has of actions on a pattern: which, by which pattern, and through what."""
    found = []
    for granted, through in [
        *sources(accounts, user(accounts, name)),
        *((one, ANONYMOUS) for one in accounts.anonymous),
    ]:
        still = _each(actions) & _each(granted.actions)
        # A star in `pattern` is itself matched by stars only.
        same = granted.pattern == pattern or matches(granted.pattern, pattern)
        if still and same:
            found.append((ordered(still), granted.pattern, through))
    return found


def _each(actions: Iterable[str]) -> set[str]:
    """Single actions; of "*" all there are, with "*" itself, which is more than their sum."""
    given = set(actions)
    return set(ACTIONS) if "*" in given else given


def _with_user(accounts: Accounts, one: User) -> Accounts:
    return replace(accounts, users={**accounts.users, one.name: one})


def _without_group(one: User, group: str) -> User:
    return replace(one, groups=tuple(name for name in one.groups if name != group))


def _with_grants(accounts: Accounts, kind: Kind, name: str, grants: tuple[Grant, ...]) -> Accounts:
    if kind is Kind.GROUP:
        return replace(accounts, groups={**accounts.groups, name: Group(name, grants)})
    if name == ANONYMOUS:
        return replace(accounts, anonymous=grants)
    return _with_user(accounts, replace(accounts.users[name], grants=grants))


def _without(mapping: Mapping[str, T], name: str) -> dict[str, T]:
    return {key: value for key, value in mapping.items() if key != name}
