"""The JSON form of accounts: strict in what it reads, since a slip of the hand would open or close a registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ctl.auth.account_names import ANONYMOUS, Kind, check_name, ordered
from ctl.auth.accounts import Accounts, DeployToken, Grant, Group, User
from ctl.auth.passwords import is_hash
from ctl.auth.patterns import parse_pattern
from ctl.errors import CtlError, UsageFault
from ctl.registry.token import ACTIONS
from ctl.text.nearest import nearest

VERSION = 1
MAX_BYTES = 64 << 20
T = TypeVar("T")


class BrokenAccounts(CtlError):
    """The accounts file cannot be used (exit 1)."""


class _Place:
    """A value of the file with the way to it: `users.alice.grants[0].pattern`."""

    def __init__(self, value: object, where: str, path: str = "") -> None:
        self.value = value
        self.where = where
        self.path = path

    def fail(self, what: str, hint: str | None = None) -> BrokenAccounts:
        path = f"{self.path}: " if self.path else ""
        return BrokenAccounts(f"{self.where}: {path}{what}", hint=hint)

    def members(self, known: Iterable[str] = (), *, optional: Iterable[str] = ()) -> dict[str, _Place]:
        """Members of an object; with `known` no others, and all of them but the optional ones."""
        value = self._checked(dict, "must be an object")
        known, optional = list(known), list(optional)
        unknown = [name for name in value if name not in [*known, *optional]]
        if known and unknown:
            near = nearest(unknown[0], [*known, *optional])
            raise self.fail(f"{unknown[0]!r} is not known", f"Did you mean {near!r}?" if near else None)
        missing = [name for name in known if name not in value]
        if missing:
            raise self.fail(f"{missing[0]!r} is missing")
        prefix = f"{self.path}." if self.path else ""
        return {name: _Place(one, self.where, prefix + name) for name, one in value.items()}

    def items(self) -> list[_Place]:
        value = self._checked(list, "must be a list")
        return [_Place(one, self.where, f"{self.path}[{at}]") for at, one in enumerate(value)]

    def text(self) -> str:
        return str(self._checked(str, "must be a text"))

    def flag(self) -> bool:
        return bool(self._checked(bool, "must be true or false"))

    def seconds(self) -> int:
        value = self._checked(int, "must be a whole number of seconds since 1970")
        if isinstance(value, bool) or not 0 <= value < 1 << 53:
            raise self.fail("must be a whole number of seconds since 1970")
        return int(value)

    def _checked(self, kind: type, what: str) -> Any:  # noqa: ANN401 - of the kind asked for
        if not isinstance(self.value, kind):
            raise self.fail(what)
        return self.value

    def usable(self, check: Callable[[str], T]) -> T:
        """A text that a check accepts; the error names the place."""
        try:
            return check(self.text())
        except UsageFault as fault:
            raise self.fail(fault.message, fault.hint) from None


def parse_accounts(data: bytes, where: str) -> Accounts:
    """The accounts that a file holds.

    Args:
        data: its content.
        where: its name, for errors.

    Raises:
        BrokenAccounts: it is broken; says at which place, and nothing of the secrets in it.
    """
    top = _Place(_json(data, where), where)
    _check_version(top)
    parts = top.members(["version"], optional=["users", "groups", "tokens", ANONYMOUS])
    groups = _each(parts.get("groups"), Kind.GROUP, _group)
    users = _each(parts.get("users"), Kind.USER, lambda name, place: _user(name, place, groups))
    tokens = _each(parts.get("tokens"), Kind.TOKEN, _token)
    twice = sorted(users.keys() & tokens.keys())
    if twice:
        raise parts["tokens"].fail(f"{twice[0]} is the name of a user, too")
    return Accounts(users, groups, tokens, _open_to_all(parts.get(ANONYMOUS)))


def _check_version(top: _Place) -> None:
    version = top.members().get("version")
    if version is not None and version.value != VERSION:
        raise version.fail(
            "the file is of another version of ctl", f"this one knows version {VERSION}: install a newer ctl"
        )


def _json(data: bytes, where: str) -> object:
    if len(data) > MAX_BYTES:
        raise BrokenAccounts(f"{where}: is larger than {MAX_BYTES >> 20} MB")
    try:
        return json.loads(data.decode(), object_pairs_hook=lambda pairs: _unique(pairs, where))
    except UnicodeDecodeError:
        raise BrokenAccounts(f"{where}: is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}"
        raise BrokenAccounts(f"{place}: is not JSON: {error.msg}", hint=_RESTORE) from None
    except (RecursionError, ValueError):  # nested, or a number of digits, beyond what any accounts file holds
        raise BrokenAccounts(f"{where}: is not an accounts file") from None


_RESTORE = "Correct it by hand, or take it from a backup (ctl backup-etc)."


def _unique(pairs: list[tuple[str, object]], where: str) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BrokenAccounts(f"{where}: {twice!r} is there twice in one object", hint=_RESTORE)
    return found


def _each(place: _Place | None, kind: Kind, make: Callable[[str, _Place], T]) -> dict[str, T]:
    if place is None:
        return {}
    found = {}
    for name, one in place.members().items():
        _Place(name, place.where, place.path).usable(lambda text: check_name(text, kind))
        found[name] = make(name, one)
    return found


def _group(name: str, place: _Place) -> Group:
    return Group(name, _grants(place.members(["grants"])["grants"]))


def _user(name: str, place: _Place, groups: Mapping[str, Group]) -> User:
    parts = place.members(["password"], optional=["admin", "groups", "grants"])
    password = parts["password"].text()
    if password and not is_hash(password):
        raise parts["password"].fail("is not a bcrypt hash", f"Make a new one: ctl user passwd {name}")
    return User(
        name,
        password,
        _memberships(parts["groups"], groups) if "groups" in parts else (),
        _grants(parts["grants"]) if "grants" in parts else (),
        parts["admin"].flag() if "admin" in parts else False,
    )


def _memberships(place: _Place, groups: Mapping[str, Group]) -> tuple[str, ...]:
    for one in place.items():
        if one.text() not in groups:
            raise one.fail(f"there is no group {one.text()!r}")
    return tuple(dict.fromkeys(one.text() for one in place.items()))


def _token(name: str, place: _Place) -> DeployToken:
    parts = place.members(["sha256", "grant", "created", "expires"])
    kept = parts["sha256"].text()
    if len(kept) != 64 or not set(kept) <= set("0123456789abcdef"):
        raise parts["sha256"].fail("is not the SHA-256 of a secret")
    ends = parts["expires"]
    return DeployToken(
        name,
        kept,
        _grant(parts["grant"]),
        parts["created"].seconds(),
        None if ends.value is None else ends.seconds(),
    )


def _open_to_all(place: _Place | None) -> tuple[Grant, ...]:
    return () if place is None else _grants(place.members(["grants"])["grants"])


def _grants(place: _Place) -> tuple[Grant, ...]:
    """One grant a pattern: two of the same, written by hand, are their sum."""
    found: dict[str, Grant] = {}
    for one in map(_grant, place.items()):
        former = found.get(one.pattern)
        found[one.pattern] = Grant(one.pattern, ordered((*one.actions, *(former.actions if former else ()))))
    return tuple(found.values())


def _grant(place: _Place) -> Grant:
    parts = place.members(["pattern", "actions"])
    actions = [one.text() for one in parts["actions"].items()]
    for one in parts["actions"].items():
        if one.value not in ACTIONS:
            raise one.fail(f"{one.value!r} is not an action", f"actions are {', '.join(ACTIONS)}")
    if not actions:
        raise parts["actions"].fail("grants nothing")
    return Grant(parts["pattern"].usable(parse_pattern), ordered(actions))


def render_accounts(accounts: Accounts) -> bytes:
    """The content of a file; the same for the same accounts."""
    content = {
        "version": VERSION,
        ANONYMOUS: {"grants": _plain_grants(accounts.anonymous)},
        "groups": {name: {"grants": _plain_grants(one.grants)} for name, one in _sorted(accounts.groups)},
        "tokens": {name: _plain_token(one) for name, one in _sorted(accounts.tokens)},
        "users": {name: _plain_user(one) for name, one in _sorted(accounts.users)},
    }
    return (json.dumps(content, indent=2) + "\n").encode("ascii")


def _sorted(mapping: Mapping[str, T]) -> list[tuple[str, T]]:
    return sorted(mapping.items(), key=lambda item: item[0])


def _plain_user(user: User) -> dict[str, object]:
    return {
        "password": user.password,
        "admin": user.admin,
        "groups": list(user.groups),
        "grants": _plain_grants(user.grants),
    }


def _plain_token(token: DeployToken) -> dict[str, object]:
    return {
        "sha256": token.digest,
        "grant": _plain(token.grant),
        "created": token.created,
        "expires": token.expires,
    }


def _plain_grants(grants: Iterable[Grant]) -> list[dict[str, object]]:
    return [_plain(one) for one in grants]


def _plain(grant: Grant) -> dict[str, object]:
    return {"pattern": grant.pattern, "actions": list(grant.actions)}
