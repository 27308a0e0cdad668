"""Tokens: claims, key names and the parsing of what people ask for; the real registry accepts and refuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ctl.errors import UsageFault
from ctl.registry import token
from tests.harness import seeds

MINUTES = timedelta(minutes=5)


def pem(key: Any) -> str:  # noqa: ANN401 - any private key
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode("ascii")


def signed(key: str, **changes: Any) -> str:  # noqa: ANN401
    access = token.repository_access(["grp/app"], ["pull", "push"])
    given: dict[str, Any] = {"issuer": "gitlab", "subject": "me", "access": access, "lifetime": MINUTES}
    return token.issue(key, **(given | changes))


def test_claims_are_as_the_registry_wants_them() -> None:
    key, _ = seeds.pair()
    public: Any = load_pem_private_key(key.encode(), None).public_key()
    before = int(time.time())
    claims = jwt.decode(
        signed(key), public, algorithms=["RS256"], audience="container_registry", issuer="gitlab"
    )
    assert claims["aud"] == "container_registry"
    assert claims["sub"] == "me"
    assert all(type(claims[name]) is int for name in ("exp", "nbf", "iat"))
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] == 300
    assert claims["nbf"] == claims["iat"]
    assert claims["access"] == [{"type": "repository", "name": "grp/app", "actions": ["pull", "push"]}]


def test_tokens_differ() -> None:
    key, _ = seeds.pair()
    assert signed(key) != signed(key)


def test_key_is_named_as_libtrust_does() -> None:
    key, _ = seeds.pair()
    public = load_pem_private_key(key.encode(), None).public_key()
    name = jwt.get_unverified_header(signed(key))["kid"]
    assert re.fullmatch(r"(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}", name)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert base64.b32decode(name.replace(":", "")) == hashlib.sha256(der).digest()[:30]


def test_key_set_names_every_certificate_as_gitlab_names_its_key() -> None:
    pairs = [seeds.pair(0), seeds.pair(1)]
    document = token.key_set("".join(certificate for _, certificate in pairs))
    keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_json(document).keys}
    assert len(keys) == 2
    for key, _ in pairs:
        text = signed(key)
        name = jwt.get_unverified_header(text)["kid"]
        jwt.decode(text, keys[name], algorithms=["RS256"], audience="container_registry")


def test_thumbprint_is_that_of_the_specification() -> None:
    """The example of RFC 7638, section 3.1."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
        "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAta"
        "Sqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPks"
        "INHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    public = jwt.PyJWK({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256"}).key
    assert token.thumbprint(public) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_curve_keys_sign_too() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = signed(pem(key), name_key=token.thumbprint)
    assert jwt.decode(text, key.public_key(), algorithms=["ES256"], audience="container_registry")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not a key",
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_other_keys_are_refused_without_showing_them(key: str) -> None:
    with pytest.raises(token.UnusableKey) as caught:
        signed(key)
    assert not key or key not in caught.value.message


@pytest.mark.parametrize("name", ["a", "grp/app", "a/b/c-d.e_f", "a__b/c--d", "library/x86"])
def test_repository_names(name: str) -> None:
    assert token.parse_repository(name) == name


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "-a", "a..b", "a___b", "a b", "a:tag", "a\n", "ä", "a" * 256]
)
def test_names_of_no_repository(name: str) -> None:
    with pytest.raises(UsageFault):
        token.parse_repository(name)


def test_capitals_are_named_as_the_fault() -> None:
    with pytest.raises(UsageFault) as caught:
        token.parse_repository("Grp/App")
    assert caught.value.hint == "Repository names are lower case: grp/app"


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("pull", ("pull",)),
        ("pull,push", ("pull", "push")),
        ("push, pull,push", ("push", "pull")),
        ("*", ("*",)),
    ],
)
def test_actions(text: str, actions: tuple[str, ...]) -> None:
    assert token.parse_actions(text) == actions


@pytest.mark.parametrize("text", ["", ",", "read", "pull,PUSH"])
def test_unknown_actions(text: str) -> None:
    with pytest.raises(UsageFault) as caught:
        token.parse_actions(text)
    assert "pull, push, delete" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("90s", 90),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("300", 300),
        (" 1s ", 1),
        ("365d", 31_536_000),
    ],
)
def test_lifetimes(text: str, seconds: int) -> None:
    assert token.parse_lifetime(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "m", "0", "0s", "-5m", "5 m", "1.5h", "5x", "366d", "9" * 400, "٣m", "m5"]
)
def test_no_lifetimes(text: str) -> None:
    with pytest.raises(UsageFault):
        token.parse_lifetime(text)


def test_catalog_is_the_registrys_own_resource() -> None:
    assert json.loads(json.dumps(dict(token.CATALOG))) == {
        "type": "registry",
        "name": "catalog",
        "actions": ["*"],
    }
