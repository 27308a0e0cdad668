"""Certificates of the local CA pass the strictest verifiers, for their own host only."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ctl.errors import CtlError
from ctl.tls.authority import Pair, is_local, issue, make_authority, outlives, renew_authority
from ctl.tls.certificates import inspect, issued_by, matches
from tests.harness.certificates import NOW, Issued, certificate_pem, issue_one, key_pem, make_key

NAMES = ["registry.example.com", "localhost", "127.0.0.1", "::1"]
LONG = ".".join(["a" * 30] * 4)


def handshake(server: Pair, ca: bytes, host: str, folder: Path) -> str:
    """One real TLS handshake; returns "" or the client's reason to refuse. Strict X.509, as Python 3.13."""
    (folder / "server.crt").write_bytes(server.certificate)
    (folder / "server.key").write_bytes(server.key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "server.crt", folder / "server.key")
    client = ssl.create_default_context(cadata=ca.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    with _answering(serving) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        try:
            client.wrap_socket(raw, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return ""


@contextmanager
def _answering(context: ssl.SSLContext) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            connection, _ = listener.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, ConnectionError):
                connection.close()  # the client refused, which is what some tests want

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize("host", NAMES)
def test_clients_that_trust_the_ca_accept_every_name(host: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority("registry.example.com", now=now)
    assert handshake(issue(authority, NAMES, now=now), authority.certificate, host, tmp_path) == ""


@pytest.mark.parametrize("host", ["other.example.com", "example.com", "127.0.0.2"])
def test_clients_refuse_another_host(host: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority("registry.example.com", now=now)
    reason = handshake(issue(authority, NAMES, now=now), authority.certificate, host, tmp_path)
    assert "mismatch" in reason


def test_clients_of_another_ca_refuse(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    server = issue(make_authority("h", now=now), NAMES, now=now)
    assert handshake(server, make_authority("h", now=now).certificate, "localhost", tmp_path)


def test_a_host_too_long_for_a_common_name(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority(LONG, now=now)
    server = issue(authority, [LONG], now=now)
    assert inspect(server.certificate).subject == ""
    assert handshake(server, authority.certificate, LONG, tmp_path) == ""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_finds_nothing_against_the_letter_of_the_standard(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority("registry.example.com", now=now)
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    (tmp_path / "server.crt").write_bytes(issue(authority, NAMES, now=now).certificate)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", NAMES[0]]
    command += ["-CAfile", str(tmp_path / "ca.crt"), str(tmp_path / "server.crt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_nobody_becomes_an_authority_by_it(tmp_path: Path) -> None:
    """Whoever trusts it trusts servers that it has signed, and no CA below it."""
    now = datetime.now(UTC)
    authority = make_authority("registry.example.com", now=now)
    key = load_pem_private_key(authority.key, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    below = issue_one("below", Issued(authority.certificate, key))
    server = issue_one("server", below, hosts=("localhost",))
    for name, one in (("ca", authority), ("below", below), ("server", server)):
        (tmp_path / name).write_bytes(one.certificate)
    command = ["openssl", "verify", "-CAfile", "ca", "-untrusted", "below", "server"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "path length constraint exceeded" in done.stderr


def test_life_spans() -> None:
    authority = make_authority("h", now=NOW)
    server = inspect(issue(authority, ["h"], now=NOW).certificate)
    ca = inspect(authority.certificate)
    assert server.not_after - server.not_before <= timedelta(days=825)
    assert timedelta(days=3650) < ca.not_after - NOW < timedelta(days=3654)
    assert server.not_before < NOW, "a client whose clock is some minutes behind accepts it"


def test_the_key_belongs_to_the_certificate() -> None:
    authority = make_authority("h", now=NOW)
    server = issue(authority, ["h"], now=NOW)
    assert matches(server.key, server.certificate)
    assert matches(authority.key, authority.certificate)


def test_a_renewed_ca_is_the_same_to_clients_that_trust_the_former_one(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    former = make_authority("h", now=now - timedelta(days=3000))
    assert not outlives(former.certificate, now=now)
    renewed = renew_authority(former, now=now)
    assert outlives(renewed.certificate, now=now)
    server = issue(renewed, ["localhost"], now=now)
    assert issued_by(server.certificate, former.certificate)
    for ca in (former, renewed):
        assert handshake(server, ca.certificate, "localhost", tmp_path) == ""


def test_the_administrators_own_ca_may_stand_in(tmp_path: Path) -> None:
    """An intermediate of any key type: it is sent along, and nothing that it issues outlives it."""
    root_key, now = make_key("ed25519"), datetime.now(UTC)
    own = Pair(certificate_pem(root_key, now=now, days=100), key_pem(root_key))
    assert not is_local(own.certificate)
    assert is_local(make_authority("h", now=now).certificate)
    server = inspect(issue(own, ["localhost"], now=now).certificate)
    assert server.not_after == inspect(own.certificate).not_after


def test_an_intermediate_is_sent_along() -> None:
    root = make_authority("root", now=NOW)
    below = _intermediate(root)
    made = issue(below, ["localhost"], now=NOW)
    assert inspect(made.certificate).chain == 2
    assert made.certificate.endswith(below.certificate)


def _intermediate(root: Pair) -> Pair:
    """Not a valid CA (it may not sign), but one whose issuer is another: that is all that matters here."""
    return issue(root, ["intermediate"], now=NOW)


def test_an_encrypted_ca_key_is_reported() -> None:
    key = make_key()
    own = Pair(certificate_pem(key), key_pem(key, password=b"geheim"))
    with pytest.raises(CtlError, match="the CA's key cannot be read"):
        issue(own, ["localhost"], now=NOW)


def test_serial_numbers_differ() -> None:
    authority = make_authority("h", now=NOW)
    made = [issue(authority, ["h"], now=NOW).certificate for _ in range(2)]
    assert len({x509.load_pem_x509_certificate(pem).serial_number for pem in made}) == 2


def test_no_key_in_a_printed_pair() -> None:
    assert "PRIVATE" not in repr(make_authority("h", now=NOW))
