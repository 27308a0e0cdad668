"""What is taken for trust, which keys are made, and what the libraries' errors come to."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ctl.acme.account import account_key
from ctl.acme.client import Session, make_key, root_of, trust
from ctl.acme.reasons import NotIssued
from ctl.distribution import distribution
from ctl.errors import CtlError
from ctl.tls.authority import issue, make_authority
from tests.harness.acme_site import Site, issued

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the surroundings decides whom is asked, and who is trusted."""
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


def failure(site: Site, directory: str, more: str = "") -> NotIssued:
    """Why an authority issues nothing."""
    job = site.job(more)
    job.places.challenges.mkdir(parents=True)
    with pytest.raises(NotIssued) as caught:
        Session(job, directory).obtain()
    return caught.value


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


# --- an authority that is none


def test_nobody_listens(site: Site) -> None:
    port = free_port()
    finding = failure(site, f"http://127.0.0.1:{port}/directory")
    assert finding.message == f"127.0.0.1:{port} cannot be reached: Connection refused"
    assert not finding.counted


def test_a_name_that_leads_nowhere(site: Site) -> None:
    finding = failure(site, "http://ca.invalid/directory")
    assert finding.message.startswith("ca.invalid cannot be reached: ")
    assert "Pool" not in finding.message


@pytest.mark.parametrize(
    ("status", "body", "part"),
    [
        (404, b"<html>", "does not answer as an ACME server: http://127.0.0.1:"),
        (200, b"<html>", "does not answer as an ACME server"),
        (200, b"{}", "does not answer as an ACME server"),
        (200, b"[]", "does not answer as an ACME server"),
        (503, b"<html>", "HTTP status 503"),
    ],
)
def test_another_web_server(site: Site, status: int, body: bytes, part: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        finding = failure(site, f"http://127.0.0.1:{running.server_port}/directory")
        running.shutdown()
    assert part in finding.message
    assert not finding.counted


def test_a_certificate_that_nobody_knows(site: Site, tmp_path: Path) -> None:
    pair = issue(make_authority("ca", now=NOW), ["127.0.0.1"], now=NOW)
    for name, content in (("crt", pair.certificate), ("key", pair.key)):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        finding = failure(site, f"https://127.0.0.1:{running.server_port}/directory")
        running.shutdown()
    assert "is not trusted: unable to get local issuer certificate" in finding.message
    assert "acme_ca_file" in (finding.hint or "")


# --- trust


def test_the_setting_comes_before_the_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, surrounding = tmp_path / "given.pem", tmp_path / "surrounding.pem"
    given.touch()
    surrounding.touch()
    assert trust(None) in (str(distribution().ca_bundle), True)
    monkeypatch.setenv("SSL_CERT_FILE", str(surrounding))
    assert trust(None) == str(surrounding)
    assert trust(str(given)) == str(given)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotIssued, match=r"none.pem, which should vouch for the authority, does not exist"):
        trust(str(tmp_path / "none.pem"))


# --- keys and chains


@pytest.mark.parametrize(
    "kind",
    ["rsa 2048", pytest.param("rsa 3072", marks=pytest.mark.real), "ecdsa prime256v1", "ecdsa secp384r1"],
)
def test_keys_are_of_the_wanted_kind(kind: str) -> None:
    key = load_pem_private_key(make_key(kind), None)
    if isinstance(key, rsa.RSAPrivateKey):
        assert f"rsa {key.key_size}" == kind
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        names = {"secp256r1": "prime256v1"}
        assert f"ecdsa {names.get(key.curve.name, key.curve.name)}" == kind


def test_the_root_of_a_chain_is_the_issuer_of_its_last() -> None:
    first, last = (issued(begin=NOW, days=90, issuer=name).certificate for name in ("Middle", "Top"))
    assert root_of(first + last) == "Top"


def test_the_account_keeps_its_key(tmp_path: Path) -> None:
    path = tmp_path / "letsencrypt/account.key"
    first = account_key(path)
    assert account_key(path).private_numbers() == first.private_numbers()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["", "rsa 2048", "ecdsa secp384r1"])
def test_a_key_that_cannot_be_the_accounts_is_reported(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "account.key"
    path.write_bytes(make_key(kind) if kind else b"nothing")
    with pytest.raises(CtlError, match="the key of the account at the authority, is damaged"):
        account_key(path)
