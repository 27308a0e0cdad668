"""`ctl doctor` on a real node: names, certificates, clocks, tokens and logins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.harness import gitlab, seeds
from tests.harness.certificates import issue_one, key_pem
from tests.harness.doctor_node import (
    BUNDLE,
    CONFIG,
    KEY,
    SECRETS,
    Breakage,
    Broken,
    Node,
    assert_found,
    assert_well,
    names_of,
    only_root,
)
from tests.harness.gitlab import USER
from tests.harness.root import SETTINGS

pytestmark = [pytest.mark.real, only_root]


@contextmanager
def unknown_host(node: Node) -> Iterator[None]:
    text = f'external_url = "https://localhost:{node.gitlab_port}"'
    with node.edited(SETTINGS, lambda old: old.replace(text, 'external_url = "https://nowhere.invalid"')):
        yield


@contextmanager
def wrong_key_file(node: Node) -> Iterator[None]:
    key, _ = node.sign("localhost")
    with node.edited(KEY, lambda _: key):
        yield


def presented(**facts: Any) -> Breakage:  # noqa: ANN401
    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        with node.certificate(
            *node.sign(facts.get("host", "localhost"), **{k: v for k, v in facts.items() if k != "host"})
        ):
            yield

    return breakage


@contextmanager
def foreign_authority(node: Node) -> Iterator[None]:
    with node.certificate(*seeds.server_certificate("localhost")):
        yield


@contextmanager
def gitlab_untrusted(node: Node) -> Iterator[None]:
    with node.edited("etc/gitlab/ssl/ca.crt", lambda _: seeds.server_certificate("another authority")[1]):
        yield


def gitlab_with(**changes: Any) -> Breakage:  # noqa: ANN401
    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        before = {name: getattr(node.gitlab, name) for name in changes}
        for name, value in changes.items():
            setattr(node.gitlab, name, value)
        yield
        for name, value in before.items():
            setattr(node.gitlab, name, value)

    return breakage


def gitlab_presents(host: str = "localhost", **facts: Any) -> Breakage:  # noqa: ANN401
    """Another GitLab, with another certificate, where the realm is."""

    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        files = node.root.home / "gitlab.crt", node.root.home / "gitlab.key"
        key, certificate = node.sign(host, **facts)
        files[0].write_text(certificate)
        files[1].write_text(key)
        port = node.root.ports.take()
        with _realm_at(node, port), gitlab.running(node.gitlab, port, *files):
            yield

    return breakage


@contextmanager
def gitlab_speaks_no_tls(node: Node) -> Iterator[None]:
    with _realm_at(node, node.root.registry_port):
        yield


def _realm_at(node: Node, port: int) -> AbstractContextManager[None]:
    realm = f"https://localhost:{node.gitlab_port}/jwt/auth"
    return node.edited(CONFIG, lambda text: text.replace(realm, f"https://localhost:{port}/jwt/auth"))


@contextmanager
def other_key_in_secrets(node: Node) -> Iterator[None]:
    with node.edited(SECRETS, lambda _: seeds.secrets_json(1)):
        yield


@contextmanager
def registry_with_the_former_pair(node: Node) -> Iterator[None]:
    """Both files are new, and the process has read neither."""
    with (
        node.edited(SECRETS, lambda _: seeds.secrets_json(1)),
        node.edited(BUNDLE, lambda _: seeds.pair(1)[1]),
    ):
        yield


@contextmanager
def other_issuer(node: Node) -> Iterator[None]:
    line = 'gitlab_rails["registry_issuer"] = "another-issuer"\n'
    with node.edited(SETTINGS, lambda text: text + line):
        yield


@contextmanager
def old_protocol(node: Node) -> Iterator[None]:
    lines = {"ssl_ciphers": "ssl_ciphers ALL:@SECLEVEL=0;", "ssl_protocols": "ssl_protocols TLSv1.1 TLSv1.2;"}

    def changed(text: str) -> str:
        return "\n".join(lines.get(one.strip().partition(" ")[0], one) for one in text.split("\n"))

    with node.vhost(changed):
        yield


@contextmanager
def incomplete_chain(node: Node) -> Iterator[None]:
    """The authority that signed it is one of the local CA, and is not sent along."""
    between = issue_one("between", node.authority, now=datetime.now(UTC))
    leaf = issue_one("localhost", between, hosts=("localhost",), now=datetime.now(UTC))
    with node.certificate(key_pem(leaf.key).decode(), leaf.certificate.decode()):
        yield


BROKEN: list[Broken] = [
    ("dns", unknown_host, "failure", "nowhere.invalid (external_url) is not known", "DNS"),
    ("certificates", wrong_key_file, "failure", "localhost.key, the key of", "ctl certificates"),
    ("tls", presented(days=-1), "failure", "certificate has expired", "ssl_certificate"),
    ("tls", presented(days=3), "warning", "in 2 days", "renew it"),
    ("tls", presented(host="other.example.com"), "failure", "it is for other.example.com", "ssl_certificate"),
    ("tls", presented(server=False), "failure", "purpose", "ssl_certificate"),
    ("tls", foreign_authority, "failure", "self-signed certificate", "ssl_certificate"),
    ("gitlab-tls", gitlab_untrusted, "failure", "is not trusted here", "update-ca-certificates"),
    ("clock", gitlab_with(ahead=300), "failure", "tokens are refused as not yet good", "synchronise"),
    ("clock", gitlab_with(ahead=-30), "warning", "GitLab differ by", "synchronise"),
    ("token", other_key_in_secrets, "failure", "the registry's side is wrong", "ctl reconfigure"),
    ("token", registry_with_the_former_pair, "failure", "has not read", "ctl restart registry"),
    ("token", other_issuer, "failure", "this node signs as 'another-issuer'", "registry_issuer"),
    ("realm", gitlab_with(status=404), "failure", "answers 404", "external_url"),
    ("realm", gitlab_with(status=502), "failure", "answers 502", "production.log"),
    ("realm", gitlab_with(page=b"<html>Sign in"), "failure", "200 OK with no token (text/html)", "external_url"),
    ("realm", gitlab_with(location="/users/sign_in"), "failure", "/users/sign_in, which answers 404", "external_url"),
    ("realm", gitlab_with(location="/jwt/auth?x=1"), "warning", "sends clients on to https", "token_realm"),
    ("realm", gitlab_with(location="http://localhost:1/jwt/auth"), "failure", "http://localhost:1/jwt/auth: Conn", ""),
    ("realm", gitlab_with(endless=True), "failure", "its answer is longer than 4 MB", "external_url"),
    ("gitlab-tls", gitlab_presents(days=-1), "failure", "certificate has expired", "renew it at GitLab"),
    ("gitlab-tls", gitlab_presents(days=3), "warning", "in 2 days", "renew it at GitLab"),
    ("gitlab-tls", gitlab_presents(host="gitlab.example.com"), "failure", "it is for gitlab.example.com", "GitLab"),
    ("gitlab-tls", gitlab_presents(server=False), "failure", "purpose", "renew it at GitLab"),
    ("gitlab-tls", gitlab_speaks_no_tls, "failure", "no TLS: WRONG_VERSION_NUMBER", "GitLab"),
    ("login", gitlab_with(key=seeds.pair(1)[0]), "failure", "GitLab's side is wrong", "ctl secrets export"),
    ("login", gitlab_with(issuer="gitlab"), "failure", "GitLab signs as 'gitlab'", "registry_issuer"),
    ("login", gitlab_with(lifetime=-300), "failure", "the clocks differ", "clocks"),
    ("tls", old_protocol, "warning", "still speaks TLSv1.1", "ssl_protocols"),
    ("tls", incomplete_chain, "failure", "its certificate is not sent along", "ctl certificates"),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=names_of(BROKEN))
def test_what_is_broken_is_found(node: Node, broken: Broken) -> None:
    assert_found(node, broken)


def test_a_wrong_password_is_told_from_a_wrong_key(node: Node) -> None:
    found = node.doctor("login", "--user", USER, password="wrong")["login"]
    assert "gives user ada no token: 401" in found["findings"][0]["cause"]
    assert "wrong" not in found["findings"][0]["cause"].replace("wrong side", "")


def test_a_wrong_certificate_of_gitlab_is_one_failure(node: Node) -> None:
    with gitlab_presents(days=-1)(node):
        found = node.doctor("gitlab-tls", "realm")
    assert [found[name]["state"] for name in ("gitlab-tls", "realm")] == ["failure", "unknown"]


def test_all_is_well_again(node: Node) -> None:
    assert_well(node)
