"""Requests are read, or refused; nothing else ever comes of them."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.auth.requests import (
    FORM,
    LONGEST_SECRET,
    MOST_QUERY,
    Credentials,
    Refusal,
    TokenRequest,
    basic,
    from_form,
    from_query,
)


def encoded(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def refused(work: object, *arguments: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        work(*arguments)  # type: ignore[operator]
    return caught.value


def test_the_example_of_the_token_specification() -> None:
    """https://distribution.github.io/distribution/spec/auth/token/, 'Example'."""
    query = b"service=registry.docker.io&scope=repository:samalba/my-app:pull,push&account=jlhawn"
    found = from_query(query, [encoded("jlhawn:secret")])
    assert found == TokenRequest(
        "registry.docker.io",
        ("repository:samalba/my-app:pull,push",),
        "jlhawn",
        Credentials("jlhawn", "secret"),
    )


def test_several_scopes_and_unknown_parameters() -> None:
    found = from_query(b"scope=a%3Ab%3Ac&scope=d+e&client_id=docker&x=y&service=s", [])
    assert found == TokenRequest("s", ("a:b:c", "d e"))


@pytest.mark.parametrize(("value", "wanted"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_a_refresh_token_by_get(value: str, wanted: bool) -> None:
    """https://distribution.github.io/distribution/spec/auth/token/, `offline_token`."""
    assert from_query(f"service=s&offline_token={value}".encode(), []).offline is wanted


def test_the_examples_of_the_oauth_form() -> None:
    """https://distribution.github.io/distribution/spec/auth/oauth/, 'Example getting refresh token' and on."""
    body = urlencode(
        {
            "grant_type": "password",
            "username": "johndoe",
            "password": "A3ddj3w",
            "service": "hub.docker.io",
            "client_id": "dockerengine",
            "access_type": "offline",
        }
    )
    found = from_form(body.encode(), FORM)
    assert found == TokenRequest(
        "hub.docker.io", (), "johndoe", Credentials("johndoe", "A3ddj3w"), offline=True, form=True
    )
    body = "grant_type=refresh_token&refresh_token=kas9Da81Dfa8&service=registry-1.docker.io&client_id=dockerengine"
    found = from_form(f"{body}&scope=repository:samalba/my-app:pull,push".encode(), f"{FORM}; charset=utf-8")
    assert found.refresh_token == "kas9Da81Dfa8"
    assert found.scopes == ("repository:samalba/my-app:pull,push",)
    assert not found.offline


@pytest.mark.parametrize(
    ("header", "name", "secret"),
    [
        (encoded("alice:secret"), "alice", "secret"),
        (encoded("alice:a:b:c"), "alice", "a:b:c"),
        (encoded("alice:"), "alice", ""),
        (encoded("ålice:pässwörd"), "ålice", "pässwörd"),
        (encoded("a:b").replace("Basic", "bAsIc"), "a", "b"),
    ],
)
def test_basic(header: str, name: str, secret: str) -> None:
    assert basic([header]) == Credentials(name, secret)


@pytest.mark.parametrize(
    "values",
    [
        ["Basic"],
        ["Basic !!!"],
        ["Basic " + base64.b64encode(b"\xff\xfe:x").decode()],
        [encoded("no colon")],
        ["Bearer abc"],
        ["Digest username=x"],
        [encoded("a:b"), encoded("a:b")],
        [encoded("a:" + "x" * (LONGEST_SECRET + 1))],
        [encoded("a" * 300 + ":x")],
        [""],
    ],
)
def test_credentials_that_are_none(values: list[str]) -> None:
    refusal = refused(basic, values)
    assert (refusal.status, refusal.code) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        (b"", FORM, 400, "invalid_request"),
        (b"grant_type=password", "application/json", 415, "invalid_request"),
        (b"grant_type=password", "", 415, "invalid_request"),
        (b"grant_type=password&username=a", FORM, 400, "invalid_request"),
        (b"grant_type=password&username=a&password=", FORM, 400, "invalid_request"),
        (b"grant_type=refresh_token", FORM, 400, "invalid_request"),
        (b"grant_type=password&grant_type=refresh_token", FORM, 400, "invalid_request"),
        (b"grant_type=client_credentials", FORM, 400, "unsupported_grant_type"),
        (b"grant_type=password&username=%ff&password=x", FORM, 400, "invalid_request"),
        (b"\xff=1", FORM, 400, "invalid_request"),
        (b"x" * (MOST_QUERY + 1), FORM, 413, "invalid_request"),
    ],
)
def test_forms_that_are_none(body: bytes, content_type: str, status: int, error: str) -> None:
    refusal = refused(from_form, body, content_type)
    assert (refusal.status, refusal.error) == (status, error)


def test_the_account_is_who_signs_in() -> None:
    refusal = refused(from_query, b"service=s&account=boss", [encoded("alice:x")])
    assert (refusal.status, refusal.message) == (400, "account is not the user that signs in")
    assert from_query(b"service=s&account=boss", []).credentials is None


@given(st.binary(max_size=300), st.lists(st.text(max_size=60), max_size=3))
def test_no_query_does_anything_else(query: bytes, headers: list[str]) -> None:
    try:
        from_query(query, headers)
    except Refusal as refusal:
        status = refusal.status
    else:
        status = 200
    assert status in (200, 400, 401, 413, 415)


@given(
    st.one_of(
        st.binary(max_size=300), st.binary(max_size=80).map(lambda rest: b"grant_type=password&" + rest)
    )
)
def test_no_form_does_anything_else(body: bytes) -> None:
    try:
        from_form(body, FORM)
    except Refusal as refusal:
        status = refusal.status
    else:
        status = 200
    assert status in (200, 400, 401, 413, 415)


def test_nothing_shows_a_secret() -> None:
    for shown in (
        Credentials("alice", "s3cret"),
        TokenRequest("s", credentials=Credentials("alice", "s3cret"), refresh_token="s3cret"),
    ):
        assert "s3cret" not in repr(shown)
