"""Who has credentials, by what a token says of itself: read by its bits, as NGINX does."""

from __future__ import annotations

import base64
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.nginx.credentials import NOBODY, credentials, somewhere

CLAIMS = [json.loads(b"{" + one + b"}") for one in NOBODY]


def attributes(env: dict[str, str], verify: str | None = None) -> Any:  # noqa: ANN401
    vhost = SimpleNamespace(https=True, ssl_verify_client=verify)
    return SimpleNamespace(registry=SimpleNamespace(env=env, nginx=vhost))


def known(asked: str, env: dict[str, str] | None = None, verify: str | None = None) -> bool:
    """Whether there are credentials: NGINX takes the first pattern that fits."""
    patterns: Any = credentials(attributes(env or {}, verify))["patterns"]
    return next((found for pattern, found in patterns if re.search(pattern, asked)), False)


def encoded(claims: object) -> str:
    text = json.dumps(claims, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def token(claims: object) -> str:
    return f"Bearer e30.{encoded(claims)}.{encoded(CLAIMS)}"


@pytest.mark.parametrize("claim", CLAIMS, ids=[one.decode() for one in NOBODY])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_for_nobody_is_known_wherever_it_says_so(claim: dict[str, object], scheme: str) -> None:
    for length in range(12):
        claims = {"iss": "i" * length, **claim, "access": []}
        assert not known(token(claims).replace("Bearer", scheme))
    assert not known(token(claim))


TEXT = st.one_of(st.text(max_size=12), st.sampled_from([one.decode() for one in NOBODY]))


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "auth_type", "x", 'a"sub":""']), TEXT | st.lists(TEXT, max_size=3)
    )
)
def test_what_a_claim_says_is_no_claim(claims: dict[str, object]) -> None:
    nobody = claims.get("sub", "-") == "" or claims.get("auth_type") == "none"
    assert known(token(claims)) is not nobody


@given(st.binary(max_size=40), st.binary(min_size=1, max_size=8), st.binary(min_size=1, max_size=40))
def test_a_text_is_found_where_it_is(before: bytes, text: bytes, after: bytes) -> None:
    pattern = rf"(?:[\w-]{{4}})*(?:{somewhere(text)})"
    for whole in (before + text + after, before + after):
        written = base64.urlsafe_b64encode(whole).rstrip(b"=").decode()
        # the last byte may be a part of it only where it is whole
        assert bool(re.match(pattern, written)) is (text in whole)


@pytest.mark.parametrize("junk", ["", "Bearer", "Bearer x", "Bearer a.b", "Basic eDp5", "Digest a.b.c"])
def test_what_the_registry_would_not_take_is_none(junk: str) -> None:
    assert not known(junk)


def test_credentials_are_what_the_registry_asks_for() -> None:
    good = token({"sub": "alice"})
    assert known(good)
    assert known(good, {"REGISTRY_AUTH_TOKEN_REALM": "https://gitlab.example.com/jwt/auth"})
    htpasswd = {"REGISTRY_AUTH": "htpasswd", "REGISTRY_AUTH_HTPASSWD_PATH": "/f"}
    assert known("Basic eDp5", htpasswd)
    assert not known(good, htpasswd)
    for open_to_all in ({"REGISTRY_AUTH": "{}"}, {"REGISTRY_AUTH_SILLY_REALM": "x"}):
        assert not known("Basic eDp5", open_to_all)
        assert not known(good, open_to_all)


def test_a_certificate_is_one() -> None:
    assert known(" SUCCESS", {"REGISTRY_AUTH": "{}"}, "optional")
    for asked in (" NONE", "x SUCCESS NONE", " FAILED:self-signed certificate", token(CLAIMS[0]) + " NONE"):
        assert not known(asked, verify="optional")
    assert known(token({"sub": "alice"}) + " NONE", verify="optional")
    assert credentials(attributes({}, "on"))["source"] == "$http_authorization $ssl_client_verify"
