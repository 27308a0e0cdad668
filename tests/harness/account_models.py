"""Independent models of patterns and rights, and random accounts, for the property tests."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hypothesis import strategies as st

from ctl.auth.accounts import Accounts, DeployToken, Grant, Group, User

HASH = "$2y$04$" + "a" * 53
"""Has the form of a hash; of no password."""
ATOMS = ("pull", "push", "delete")

parts = st.sampled_from(["a", "b", "ab", "a-b", "team"])
names = st.lists(parts, min_size=1, max_size=4).map("/".join)
pattern_parts = st.one_of(parts, st.sampled_from(["*", "**", "a*", "*b", "*a*", "a*b"]))
patterns = st.lists(pattern_parts, min_size=1, max_size=4).map("/".join)
actions = st.one_of(
    st.just(("*",)),
    st.sets(st.sampled_from(ATOMS), min_size=1).map(lambda s: tuple(a for a in ATOMS if a in s)),
)
grants = st.one_of(
    st.builds(Grant, patterns, actions),
    st.just(Grant("registry:catalog", ("*",))),
)
grant_lists = st.lists(grants, max_size=4, unique_by=lambda one: one.pattern).map(tuple)
group_names = st.sampled_from(["g1", "g2"])
user_names = st.sampled_from(["u1", "u2", "u3"])


@st.composite
def accounts(draw: st.DrawFn) -> Accounts:
    """Accounts with few names, so that much of them meets."""
    groups = {name: Group(name, draw(grant_lists)) for name in draw(st.sets(group_names))}
    users = {}
    for name in draw(st.sets(user_names)):
        chosen = draw(st.sets(st.sampled_from(sorted(groups)))) if groups else set()
        password = draw(st.sampled_from([HASH, ""]))
        users[name] = User(name, password, tuple(sorted(chosen)), draw(grant_lists), draw(st.booleans()))
    tokens = {
        name: DeployToken(
            name, "ab" * 32, draw(grants), draw(st.integers(0, 99)), draw(st.none() | st.integers(0, 99))
        )
        for name in draw(st.sets(st.sampled_from(["t1", "t2"])))
    }
    return Accounts(users, groups, tokens, draw(grant_lists))


def expression(pattern: str) -> re.Pattern[str]:
    """A pattern of repositories as a regular expression over "/a/b", for names with no empty parts."""
    text = ""
    parts = pattern.split("/")
    for number, part in enumerate(parts, 1):
        if part == "**":
            text += r"(/[^/]+)+" if number == len(parts) else r"(/[^/]+)*"
        else:
            text += "/" + "".join(r"[^/]*" if c == "*" else re.escape(c) for c in part)
    return re.compile(text)


def may(rights: Iterable[Grant], kind: str, name: str, action: str) -> bool:
    """Whether grants allow an action, "*" being the permission for whatever a registry may think of."""
    for one in rights:
        if one.pattern == "registry:catalog":
            fits = (kind, name) == ("registry", "catalog")
        else:
            fits = kind == "repository" and expression(one.pattern).fullmatch("/" + name) is not None
        if fits and (action in one.actions or "*" in one.actions):
            return True
    return False


def rights_of(found: Accounts, name: str) -> list[Grant]:
    """What a user, or "anonymous", has, from first principles."""
    rights = list(found.anonymous)
    if name in found.users:
        user = found.users[name]
        rights += user.grants
        rights += [
            grant for group in found.groups.values() if group.name in user.groups for grant in group.grants
        ]
        if user.admin:
            rights += [Grant("**", ("*",)), Grant("registry:catalog", ("*",))]
    return rights
