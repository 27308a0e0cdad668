"""No request yields more than is granted, nor less of it than was asked for: against an independent model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.auth import edit
from ctl.auth.account_names import ANONYMOUS, Kind
from ctl.auth.accounts import Accounts, DeployToken, Grant, User
from ctl.auth.accounts_file import parse_accounts, render_accounts
from ctl.auth.authenticate import Principal, anonymous, principal_of
from ctl.auth.rights import granted
from ctl.auth.scopes import Scope, parse_scopes
from ctl.errors import UsageFault
from tests.harness import account_models as models
from tests.harness.account_models import ATOMS

ASKED = st.lists(
    st.builds(
        Scope,
        st.sampled_from(["repository", "repository", "repository", "registry", "other"]),
        st.sampled_from(["", "", "plugin", "helm"]),
        st.one_of(models.names, st.just("catalog")),
        st.lists(st.sampled_from([*ATOMS, "*", "frob"]), max_size=4).map(tuple),
    ),
    max_size=5,
)


def registry_lets(access: Sequence[dict[str, Any]], kind: str, name: str, action: str) -> bool:
    """What Distribution makes of a token's access (registry/auth/token: accessSet.contains)."""
    for entry in access:
        if (entry["type"], entry["name"]) == (kind, name) and {action, "*"} & set(entry["actions"]):
            return True
    return False


def check(principal: Principal, rights: Sequence[Grant], asked: Sequence[Scope]) -> None:
    """Compare what a registry would let through with what the model has."""
    access = granted(principal, asked)
    resources = {(one.type, one.name) for one in asked} | {("repository", "team/ab"), ("registry", "catalog")}
    for kind, name in resources:
        scopes = [one for one in asked if (one.type, one.name) == (kind, name) and one.kind != "helm"]
        scopes = [one for one in scopes if kind == "repository" or not one.kind]
        wanted = {action for one in scopes for action in one.actions}
        for action in (*ATOMS, "*"):
            allowed = models.may(rights, kind, name, action) and bool(wanted & {action, "*"})
            assert registry_lets(access, kind, name, action) == allowed, (kind, name, action)
    assert all(set(entry["actions"]) <= {*ATOMS, "*"} and entry["actions"] for entry in access)
    keys = [(entry["type"], entry.get("class"), entry["name"]) for entry in access]
    assert len(set(keys)) == len(keys), "one entry a resource"


@given(models.accounts(), ASKED)
def test_exactly_what_is_asked_and_granted(accounts: Accounts, asked: list[Scope]) -> None:
    check(anonymous(accounts), accounts.anonymous, asked)
    for user in accounts.users.values():
        principal = principal_of(accounts, user.name, 0)
        assert (principal is None) == (not user.password), "without a password nobody is it"
        if principal:
            check(principal, models.rights_of(accounts, user.name), asked)
    for token in accounts.tokens.values():
        principal = principal_of(accounts, token.name, 50)
        assert (principal is None) == (token.expires is not None and token.expires <= 50)
        if principal:
            check(principal, [token.grant, *accounts.anonymous], asked)


@given(models.accounts(), ASKED, st.data())
def test_more_requests_yield_no_more_than_one(
    accounts: Accounts, asked: list[Scope], data: st.DataObject
) -> None:
    """Asking in pieces, in another order, or twice, gives no right that asking once for all does not."""
    principal = anonymous(accounts)
    whole = granted(principal, asked)
    pieces = data.draw(st.permutations([*asked, *asked]))
    apart = [entry for one in pieces for entry in granted(principal, [one])]
    for entry in apart:
        for action in entry["actions"]:
            assert registry_lets(whole, entry["type"], entry["name"], action)


GRANTEES = st.sampled_from(["u1", ANONYMOUS, "g1"])
FEW = st.sampled_from(["a", "a/**", "**"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), GRANTEES, FEW | models.patterns, models.actions),
        st.tuples(st.just("revoke"), GRANTEES, FEW | models.patterns, models.actions),
        st.tuples(st.sampled_from(["join", "leave", "admin", "no admin"])),
    ),
    max_size=12,
)


@given(CHANGES, ASKED)
def test_changes_in_any_order_grant_what_their_sum_says(changes: list[Any], asked: list[Scope]) -> None:
    """The model: a set of (grantee, pattern, action), where "*" is the four of them."""
    accounts = edit.add_group(one_user(), "g1")
    kept: dict[tuple[str, str], set[str]] = {}
    member = admin = False
    for what, *rest in changes:
        if what in ("grant", "revoke"):
            name, pattern, actions = rest
            accounts, kept = _apply(accounts, kept, what, name, pattern, actions)
        elif what == "join":
            accounts, member = edit.join(accounts, "g1", ["u1"]), True
        elif what == "leave" and member:
            accounts, member = edit.leave(accounts, "g1", ["u1"]), False
        elif "admin" in what:
            admin = what == "admin"
            accounts = edit.set_admin(accounts, "u1", admin)
    names = {"u1", ANONYMOUS} | ({"g1"} if member else set())
    rights = [Grant(pattern, tuple(sorted(kept[name, pattern]))) for name, pattern in kept if name in names]
    if admin:
        rights += [Grant("**", ("*",)), Grant("registry:catalog", ("*",))]
    principal = principal_of(accounts, "u1", 0)
    assert principal is not None
    check(principal, rights, asked)
    public = [Grant(pattern, tuple(some)) for (name, pattern), some in kept.items() if name == ANONYMOUS]
    check(anonymous(accounts), public, asked)
    assert parse_accounts(render_accounts(accounts), "file") == accounts


def one_user() -> Accounts:
    """One user, who may do nothing."""
    return edit.add_user(Accounts(), User("u1", models.HASH))


def _apply(
    accounts: Accounts,
    kept: dict[tuple[str, str], set[str]],
    what: str,
    name: str,
    pattern: str,
    actions: tuple[str, ...],
) -> tuple[Accounts, dict[tuple[str, str], set[str]]]:
    kind = Kind.GROUP if name == "g1" else Kind.USER
    has = kept.get((name, pattern), set())
    all_of_it = {*ATOMS, "*"} if "*" in actions else set(actions)
    if what == "grant":
        return edit.grant(accounts, kind, name, Grant(pattern, actions)), {
            **kept,
            (name, pattern): has | all_of_it,
        }
    if not has & all_of_it:
        with pytest.raises(UsageFault):
            edit.revoke(accounts, kind, name, pattern, actions)
        return accounts, kept
    return edit.revoke(accounts, kind, name, pattern, actions), {
        **kept,
        (name, pattern): has - all_of_it - {"*"},
    }


def of(*grants: Grant) -> Principal:
    return Principal("x", "user", grants)


def test_entries_as_the_specification_shows_them() -> None:
    """https://distribution.github.io/distribution/spec/auth/token/: what was asked, less what is not granted."""
    asked = parse_scopes(["repository:samalba/my-app:pull,push"])
    entry = {"type": "repository", "name": "samalba/my-app", "actions": ["pull", "push"]}
    assert granted(of(Grant("samalba/my-app", ("pull", "push"))), asked) == [entry]
    assert granted(of(Grant("samalba/*", ("pull",))), asked) == [{**entry, "actions": ["pull"]}]
    assert granted(of(Grant("other/*", ("*",))), asked) == []


@pytest.mark.parametrize(
    ("pattern", "given"),
    [
        ("team/**", True),
        ("**", True),
        ("*/**", True),
        ("team/*", False),
        ("team/app", False),
        ("**/app", False),
    ],
)
def test_every_repository_below_a_name_needs_a_grant_of_every_depth(pattern: str, *, given: bool) -> None:
    found = granted(
        of(Grant(pattern, ("pull",))), parse_scopes(["repository:team/*:pull repository:a/b:pull"])
    )
    assert ("team/*" in [one["name"] for one in found]) is given


def test_scopes_of_one_repository_make_one_entry() -> None:
    """skopeo asks for pull,push and for pull together; a mount for its source in the same string."""
    asked = parse_scopes(["repository:a/b:push repository:from/x:pull", "repository:a/b:pull"])
    found = granted(of(Grant("a/*", ("*",)), Grant("from/*", ("pull",))), asked)
    assert found == [
        {"type": "repository", "name": "a/b", "actions": ["push", "pull"]},
        {"type": "repository", "name": "from/x", "actions": ["pull"]},
    ]


@pytest.mark.parametrize(
    ("grants", "actions"), [(("*",), ["*"]), (("pull", "push"), ["pull", "push"]), (("delete",), ["delete"])]
)
def test_a_star_asks_for_all_that_is_granted(grants: tuple[str, ...], actions: list[str]) -> None:
    (entry,) = granted(of(Grant("a", grants)), parse_scopes(["repository:a:*"]))
    assert entry["actions"] == actions


def test_catalogue_is_for_those_to_whom_it_is_granted() -> None:
    asked = parse_scopes(["registry:catalog:*"])
    assert granted(of(Grant("**", ("*",))), asked) == []
    found = granted(of(Grant("registry:catalog", ("*",))), asked)
    assert found == [{"type": "registry", "name": "catalog", "actions": ["*"]}]
    assert granted(of(Grant("registry:catalog", ("*",))), parse_scopes(["repository:catalog:pull"])) == []


def test_a_plugin_keeps_its_class() -> None:
    (entry,) = granted(of(Grant("a", ("pull",))), parse_scopes(["repository(plugin):a:pull"]))
    assert entry == {"type": "repository", "class": "plugin", "name": "a", "actions": ["pull"]}


def test_a_host_before_the_name_is_part_of_it() -> None:
    assert (
        granted(of(Grant("team/**", ("*",))), parse_scopes(["repository:evil.example.com:80/team/a:pull"]))
        == []
    )


def test_a_deploy_token_has_its_grant_and_what_is_open_to_all() -> None:
    accounts = Accounts(anonymous=(Grant("public/*", ("pull",)),))
    token = DeployToken("ci", "ab" * 32, Grant("team/app", ("pull",)), 0, None)
    asked = parse_scopes(
        ["repository:team/app:pull,push repository:team/b:pull repository:public/x:pull,push"]
    )
    accounts = edit.add_token(accounts, token, 0)
    principal = principal_of(accounts, "ci", 0)
    assert principal is not None
    assert [(one["name"], one["actions"]) for one in granted(principal, asked)] == [
        ("team/app", ["pull"]),
        ("public/x", ["pull"]),
    ]
