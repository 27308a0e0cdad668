"""The grammar of scopes, with the examples of the Distribution token specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.auth.scopes import MAX_SCOPES, Scope, ScopeError, parse_scopes
from tests.harness import account_models as models

SCOPES = st.builds(
    Scope,
    st.sampled_from(["repository", "registry", "other1"]),
    st.sampled_from(["", "plugin", "image"]),
    st.one_of(models.names, models.names.map(lambda name: f"Host-1.example.com:5000/{name}")),
    st.lists(st.sampled_from(["pull", "push", "delete", "*", "x"]), unique=True, max_size=4).map(tuple),
)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("repository:samalba/my-app:pull,push", Scope("repository", "", "samalba/my-app", ("pull", "push"))),
        ("repository:samalba/my-app:push", Scope("repository", "", "samalba/my-app", ("push",))),
        (
            "repository(plugin):samalba/my-app:pull",
            Scope("repository", "plugin", "samalba/my-app", ("pull",)),
        ),
        ("registry:catalog:*", Scope("registry", "", "catalog", ("*",))),
        ("repository:localhost:5000/a:pull", Scope("repository", "", "localhost:5000/a", ("pull",))),
        (
            "repository:Registry.Example.com/a/b:pull",
            Scope("repository", "", "Registry.Example.com/a/b", ("pull",)),
        ),
        ("repository:a__b/c.d/e---f:pull", Scope("repository", "", "a__b/c.d/e---f", ("pull",))),
        ("repository:a:", Scope("repository", "", "a", ())),
        ("repository:a:pull,pull,push", Scope("repository", "", "a", ("pull", "push"))),
        ("unknown:a:frob", Scope("unknown", "", "a", ("frob",))),
        ("repository:group/project/*:pull", Scope("repository", "", "group/project/*", ("pull",))),
    ],
)
def test_one_scope(text: str, scope: Scope) -> None:
    assert parse_scopes([text]) == (scope,)


def test_several_parameters_and_several_in_one() -> None:
    found = parse_scopes(["repository:a:pull repository:b:push", "", "repository:a:push,pull"])
    assert [str(one) for one in found] == ["repository:a:pull", "repository:b:push", "repository:a:push,pull"]
    assert parse_scopes([]) == ()
    assert parse_scopes(["  "]) == ()


@given(st.lists(st.lists(SCOPES, max_size=3), max_size=3))
def test_there_and_back(groups: list[list[Scope]]) -> None:
    values = [" ".join(map(str, group)) for group in groups]
    assert parse_scopes(values) == tuple(one for group in groups for one in group)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "repository",
            "repository:a",
            ":a:pull",
            "repository::pull",
            "repository:A:pull",
            "Repository:a:pull",
        ),
        *("repository:*:pull", "repository:a/*/b:pull", "repository:a/**:pull", "repository:a*:pull"),
        *("repository:a//b:pull", "repository:/a:pull", "repository:a/:pull", "repository:a b:pull"),
        *("repository:../etc:pull", "repository:a:Pull", "repository:a:pull;push", "repository:a:pu*ll"),
        *("repository():a:pull", "repository(plugin:a:pull", "repository:a:5x/b:pull", "repository:a\n:pull"),
        *(
            "repository:a:pull\n",
            "repository:a:pull\tregistry:catalog:*",
            "repository:é:pull",
            "repository:a:**",
        ),
        *(
            "repository:" + "a" * 600 + ":pull",
            "repository:a_-b:pull",
            "repository:-a:pull",
            "repository:a-:pull",
        ),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(ScopeError) as caught:
        parse_scopes([text])
    assert caught.value.message.isprintable()
    assert caught.value.message.isascii()


@pytest.mark.parametrize(
    "text",
    [
        *("repository:team/App:pull", "repository:team/app:PULL", "Repository:a:pull"),
        *("repository:Team/App", "repository:team//App:pull", "repository:Team/App_:pull"),
    ],
)
def test_upper_case_is_named_as_the_fault(text: str) -> None:
    with pytest.raises(ScopeError, match="lower case, as"):
        parse_scopes([text])


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        found = parse_scopes([text])
    except ScopeError:
        return
    assert parse_scopes([" ".join(map(str, found))]) == found


def test_their_number_is_bounded() -> None:
    assert len(parse_scopes(["repository:a:pull"] * MAX_SCOPES)) == MAX_SCOPES
    with pytest.raises(ScopeError):
        parse_scopes(["repository:a:pull " * (MAX_SCOPES + 1)])


def test_long_nonsense_is_refused_at_once() -> None:
    for text in ("a-" * 250, "repository:" + "a-" * 240, "repository:" + "a/" * 240, "a" * 500 + ":"):
        with pytest.raises(ScopeError):
            parse_scopes([text])
