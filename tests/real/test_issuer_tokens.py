"""What the issuer answers: tokens as the specifications have them, changes of accounts at once, no guessing."""

from __future__ import annotations

import calendar
import time
from typing import Any

import pytest

from tests.harness.issuer import (
    FILE,
    Issuer,
    access_of,
    log_lines,
    password,
)
from tests.harness.issuer_clients import WITHOUT_GITLAB, issuer_node
from tests.harness.people import Person
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry("only the issuer is asked")]


@pytest.fixture(scope="module")
def module_root(module_root_maker: RootMaker, somebody: Person) -> Root:
    """A registry with its own issuer."""
    return issuer_node(module_root_maker, somebody)


# --- the two specifications


def test_an_answer_is_as_the_token_specification_says(running: Root) -> None:
    """https://distribution.github.io/distribution/spec/auth/token/ and …/jwt/."""
    import jwt
    from cryptography.x509 import load_pem_x509_certificate

    before = int(time.time())
    answer = Issuer.of(running).get(
        "pusher", "repository:team/app:pull,push", account="pusher", client_id="docker", offline_token="true"
    )
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    content = answer.json()
    assert content["token"] == content["access_token"]
    assert content["expires_in"] == 300
    issued = time.strptime(content["issued_at"], "%Y-%m-%dT%H:%M:%SZ")
    assert before <= calendar.timegm(issued) <= time.time()
    certificate = load_pem_x509_certificate(running.secrets()["internal_certificate"].encode())
    key: Any = certificate.public_key()
    refreshed = Issuer.of(running).post(
        grant_type="refresh_token",
        refresh_token=content["refresh_token"],
        scope="repository:team/app:pull",
    )
    assert access_of(refreshed.json()["access_token"])[0]["actions"] == ["pull"]
    anonymous = Issuer.of(running).get(None, "repository:public/app:pull", offline_token="true")
    assert "refresh_token" not in anonymous.json()
    claims = jwt.decode(content["token"], key, algorithms=["RS256"], audience="container_registry")
    assert claims["iss"] == "omnibus-gitlab-issuer"
    assert claims["sub"] == "pusher"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["nbf"] <= claims["iat"]
    assert len(claims["jti"]) == 32
    assert claims["access"] == [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}]


@pytest.mark.parametrize(
    ("user", "scopes", "access"),
    [
        ("reader", ("repository:team/app:pull,push",), {"team/app": ["pull"]}),
        ("pusher", ("repository:team/a:pull repository:team/b:push,delete",), {"team/a": ["pull"], "team/b": ["push"]}),
        ("pusher", ("repository:team/app:pull", "repository:team/app:push"), {"team/app": ["pull", "push"]}),
        ("reader", ("repository:other/app:pull",), {}),
        ("reader", (), {}),
        ("boss", ("repository:other/app:*",), {"other/app": ["*"]}),
        ("reader", ("repository:team/app:*",), {"team/app": ["pull"]}),
        ("robot", ("repository:team/app:pull,push", "repository:team/b:pull"), {"team/app": ["pull"]}),
        (None, ("repository:public/app:pull,push", "repository:team/app:pull"), {"public/app": ["pull"]}),
        ("boss", ("unknown:thing:pull",), {}),
    ],
)  # fmt: skip
def test_a_token_holds_what_is_asked_and_granted(
    running: Root, user: str | None, scopes: tuple[str, ...], access: dict[str, list[str]]
) -> None:
    found = Issuer.of(running).access(user, *scopes)
    assert {one["name"]: one["actions"] for one in found} == access


def test_wrong_credentials_are_refused_in_the_specifications_form(running: Root) -> None:
    issuer = Issuer.of(running)
    answers = [
        issuer.get("guessed", secret="wrong"),
        issuer.get("nosuchuser", secret="wrong"),
        issuer.get("retired"),
        issuer.client.get("/jwt/auth?service=container_registry", Authorization="Basic !!!"),
        issuer.client.get("/jwt/auth?service=container_registry", Authorization="Bearer x"),
        issuer.post(grant_type="password", username="guessed", password="wrong"),
    ]
    for answer in answers:
        assert answer.status == 401
        assert answer.header("WWW-Authenticate").startswith(f'Basic realm="{running.url}/jwt/auth"')
        (error,) = answer.json()["errors"]
        assert error["code"] == "UNAUTHORIZED"
    assert len({answer.json()["errors"][0]["message"] for answer in answers}) == 1
    assert answers[-1].json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"service": "registry.docker.io"}, "service"),
        ({"service": ""}, "service is missing"),
        ({"scope": "repository:team/app"}, "malformed scope"),
        ({"scope": "repository:Team/App:pull,\n"}, "malformed scope"),
        ({"account": "boss"}, "account is not the user"),
    ],
)
def test_malformed_requests_are_named_so(running: Root, more: dict[str, str], what: str) -> None:
    answer = Issuer.of(running).get("reader", **more)
    assert answer.status == 400
    assert what in answer.json()["errors"][0]["message"]


def test_too_much_is_refused(running: Root) -> None:
    issuer = Issuer.of(running)
    many = " ".join(f"repository:team/{number}:pull" for number in range(101))
    assert issuer.get("reader", many).status == 400
    assert issuer.get("reader", "repository:" + "a" * 20_000 + ":pull").status in (400, 413, 414)
    assert issuer.post(grant_type="password", username="reader", password="x" * 40_000).status == 413
    assert issuer.client.request("PUT", "/jwt/auth").status == 405
    assert Issuer.behind(running).client.get("/").status == 404


def test_the_oauth_form(running: Root) -> None:
    """https://distribution.github.io/distribution/spec/auth/oauth/."""
    issuer, scope = Issuer.of(running), "repository:team/app:pull,push"
    asked = {"grant_type": "password", "username": "reader", "password": password("reader")}
    first = issuer.post(**asked, scope=scope, client_id="test", access_type="offline")
    assert first.status == 200
    content = first.json()
    assert content["scope"] == "repository:team/app:pull"
    assert content["token_type"] == "Bearer"  # RFC 6749, section 5.1
    assert access_of(content["access_token"])[0]["actions"] == ["pull"]
    assert "refresh_token" not in issuer.post(**asked, scope=scope).json()
    refresh = content["refresh_token"]
    again = issuer.post(grant_type="refresh_token", refresh_token=refresh, scope=scope)
    assert access_of(again.json()["access_token"])[0]["actions"] == ["pull"]
    # a refresh token is none for the registry
    headers = {"Authorization": f"Bearer {refresh}"}
    assert running.client.request("GET", "/v2/", headers=headers).status == 401
    refused = {
        "unsupported_grant_type": issuer.post(grant_type="authorization_code", code="x"),
        "invalid_request": issuer.post(username="reader"),
        "invalid_grant": issuer.post(grant_type="refresh_token", refresh_token=refresh[:-4] + "AAAA"),
    }
    assert {name: answer.json()["error"] for name, answer in refused.items()} == {
        name: name for name in refused
    }
    assert [answer.status for answer in refused.values()] == [400, 400, 401]


# --- changes of accounts


def test_a_new_password_counts_at_once(running: Root) -> None:
    issuer = Issuer.of(running)
    running.ctl("user", "add", "changing", "--random-password").ok()
    made = running.ctl("user", "passwd", "changing", "--random-password").ok()
    first = made.out.split()[-1]
    asked = {"grant_type": "password", "username": "changing", "password": first, "access_type": "offline"}
    refresh = str(issuer.post(**asked).json()["refresh_token"])
    assert issuer.get("changing", secret=first).status == 200
    second = running.ctl("user", "passwd", "changing", "--random-password").ok().out.split()[-1]
    assert second != first
    assert issuer.get("changing", secret=first).status == 401
    assert issuer.post(grant_type="refresh_token", refresh_token=refresh).status == 401
    assert issuer.get("changing", secret=second).status == 200
    running.ctl("user", "remove", "changing").ok()
    assert issuer.get("changing", secret=second).status == 401


def test_accounts_are_taken_up_without_a_restart(running: Root) -> None:
    issuer, scope = Issuer.of(running), "repository:fresh/app:pull,push"
    before = running.pids()["registry-auth"]
    secret = running.ctl("user", "add", "fresh", "--random-password").ok().out.split()[-1]
    assert access_of(issuer.get("fresh", scope, secret=secret).json()["token"]) == []
    running.ctl("user", "grant", "fresh", "fresh/*", "pull").ok()
    (entry,) = access_of(issuer.get("fresh", scope, secret=secret).json()["token"])
    assert entry["actions"] == ["pull"]
    made = running.ctl("token", "create", "fresh-robot", "fresh/app", "push", "--expires", "1h").ok()
    (entry,) = access_of(issuer.get("fresh-robot", scope, secret=made.out.split()[-1]).json()["token"])
    assert entry["actions"] == ["push"]
    running.ctl("token", "revoke", "fresh-robot").ok()
    assert issuer.get("fresh-robot", scope, secret=made.out.split()[-1]).status == 401
    assert running.pids()["registry-auth"] == before


def test_a_broken_accounts_file_keeps_the_accounts(running: Root) -> None:
    issuer, good = Issuer.of(running), (running.path / FILE).read_text()
    try:
        (running.path / FILE).write_text('{"version": 1, "users": {"reader": {"password": "geheim"}}}')
        assert issuer.get("reader").status == 200
        (line,) = wait_for(
            lambda: [line for line in log_lines(running) if "registry-accounts.json" in line],
            what="the word on the accounts file",
        )
        assert "users.reader.password" in line
        assert "geheim" not in line
        assert "users.reader.password" in running.ctl("reconfigure").ok().err
    finally:
        (running.path / FILE).write_text(good)
    assert issuer.get("reader").status == 200


# --- guessing


def test_failed_attempts_are_limited(running: Root) -> None:
    behind, home, elsewhere = Issuer.behind(running), "203.0.113.7", "203.0.113.8"
    assert behind.get("guessed", address=home).status == 200
    for _ in range(10):
        assert behind.get("guessed", secret="wrong", address=home).status == 401
    # not even the right password, or else a guess that is right would show
    for secret in ("wrong", password("guessed")):
        refused = behind.get("guessed", secret=secret, address=home)
        assert refused.status == 429
        assert 0 < int(refused.header("Retry-After")) <= 3600
        assert refused.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert behind.get("guessed", address=elsewhere).status == 200
    # an account that signed in from there before is not concerned by what others guess at
    assert behind.get("reader", address=home).status == 200
    for number in range(20):
        behind.get(f"guess{number}", secret="wrong", address=home)
    assert behind.get("another", secret="wrong", address=home).status == 429
    assert behind.get("reader", address=home).status == 200
    assert behind.get("another", secret="wrong", address=elsewhere).status == 401


def test_what_a_client_says_of_its_address_does_not_count(running: Root) -> None:
    """NGINX says who it is."""
    headers = {"X-Real-IP": "192.0.2.99", "X-Forwarded-For": "192.0.2.98"}
    running.client.get("/jwt/auth?service=container_registry&account=claims-to-be-elsewhere", **headers)
    answer = running.client.get("/jwt/auth?service=claims-to-be-elsewhere", **headers)
    assert answer.status == 400
    (line,) = wait_for(
        lambda: [line for line in log_lines(running) if "service=claims-to-be-elsewhere" in line],
        what="log line",
    )
    assert "address=127.0.0.1" in line


def test_nginx_limits_requests_by_address(running: Root) -> None:
    running.settings(
        *WITHOUT_GITLAB, 'registry_auth["requests_per_second"] = 1', 'registry_auth["requests_burst"] = 2'
    )
    running.reconfigure()
    answers = [Issuer.of(running).get("reader") for _ in range(8)]
    statuses = [answer.status for answer in answers]
    assert 200 in statuses
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.header("Retry-After") == "1"
    assert refused.header("Strict-Transport-Security")
    assert refused.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
    # the registry itself is not limited
    assert {running.client.get("/v2/").status for _ in range(8)} == {401}
