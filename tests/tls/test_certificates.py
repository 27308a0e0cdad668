"""What a certificate says of itself, which hosts it is good for, and whether a key belongs to it."""

from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from ctl.errors import CtlError
from ctl.tls.authority import issue, make_authority
from ctl.tls.certificates import inspect, issued_by, matches, normal_host
from tests.harness.certificates import NOW, certificate_pem, key_pem, make_key


def test_facts_of_a_certificate_as_openssl_prints_them() -> None:
    key = make_key()
    pem = certificate_pem(key, "Registry.Example.com", "192.0.2.1", "2001:db8::1", days=10)
    facts = inspect(pem)
    assert facts.names == ("registry.example.com", "192.0.2.1", "2001:db8::1")
    assert (facts.subject, facts.issuer, facts.self_signed, facts.chain) == (
        "CN=somebody",
        "CN=somebody",
        True,
        1,
    )
    assert facts.days_left(NOW) == 10
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    printed = subprocess.run(command, input=pem, capture_output=True, check=True).stdout.decode()
    assert printed.strip().lower() == f"sha256 fingerprint={facts.fingerprint}".lower()


def test_of_a_chain_the_first_is_the_server() -> None:
    authority = make_authority("h", now=NOW)
    server = issue(authority, ["registry.example.com"], now=NOW)
    facts = inspect(server.certificate + authority.certificate)
    assert (facts.subject, facts.chain, facts.self_signed) == ("CN=registry.example.com", 2, False)
    assert matches(server.key, server.certificate + authority.certificate)
    assert not matches(server.key, authority.certificate + server.certificate)


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (["registry.example.com"], "registry.example.com", True),
        (["registry.example.com"], "REGISTRY.example.com.", True),
        (["registry.example.com"], "example.com", False),
        (["*.example.com"], "registry.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "a.registry.example.com", False),
        (["*.0.2.1"], "192.0.2.1", False),
        (["r*.example.com"], "registry.example.com", False),
        (["192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1"], "192.0.2.2", False),
        (["2001:db8::1"], "[2001:0db8:0::1]", True),
        (["xn--bcher-kva.example"], "Bücher.example", True),
        ([], "somebody", False),  # a common name alone has not been enough for Go's clients since 1.15
    ],
)
def test_hosts_for_which_a_certificate_is_good(names: list[str], host: str, covered: bool) -> None:
    assert inspect(certificate_pem(make_key(), *names)).covers(host) is covered


def test_a_name_that_no_certificate_can_carry() -> None:
    with pytest.raises(CtlError, match="not a host name that a certificate can carry"):
        normal_host(f"{'a' * 64}.example.com")


def test_issuer_is_known_by_signature_and_not_by_name() -> None:
    authority, namesake = make_authority("h", now=NOW), make_authority("h", now=NOW)
    server = issue(authority, ["registry.example.com"], now=NOW)
    assert issued_by(server.certificate, authority.certificate)
    assert not issued_by(server.certificate, namesake.certificate)
    assert not issued_by(certificate_pem(make_key()), authority.certificate)


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_a_key_matches_its_own_certificate_only(kind: str) -> None:
    key = make_key(kind)
    assert matches(key_pem(key), certificate_pem(key))
    assert not matches(key_pem(make_key("ec")), certificate_pem(key))


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_old_forms_of_keys(kind: str) -> None:
    key = make_key(kind)
    old = key_pem(key, form=PrivateFormat.TraditionalOpenSSL)
    assert b"BEGIN PRIVATE" not in old
    assert matches(old, certificate_pem(key))
    assert matches(certificate_pem(key) + old, certificate_pem(key)), "one file for both, as NGINX allows"


def test_a_key_as_openssl_ecparam_writes_it() -> None:
    """`openssl ecparam -genkey` puts the parameters before the key."""
    made = subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey"], capture_output=True, check=True
    ).stdout
    assert made.startswith(b"-----BEGIN EC PARAMETERS")
    assert not matches(made, certificate_pem(make_key()))


def test_an_encrypted_key_needs_the_password_file() -> None:
    key = make_key()
    secret = key_pem(key, password=b"geheim")
    with pytest.raises(CtlError, match="no ssl_password_file is set") as error:
        matches(secret, certificate_pem(key))
    assert "ssl_password_file" in str(error.value.hint)
    with pytest.raises(CtlError, match="no pass phrase of ssl_password_file opens it"):
        matches(secret, certificate_pem(key), passwords=[b"falsch"])
    assert matches(secret, certificate_pem(key), passwords=[b"falsch", b"geheim"])
    assert matches(key_pem(key), certificate_pem(key), passwords=[b"not needed"])


KEY, CERTIFICATE = key_pem(make_key()), certificate_pem(make_key())
DER = base64.b64decode(b"".join(CERTIFICATE.splitlines()[1:-1]))
DAMAGED = CERTIFICATE.replace(CERTIFICATE.splitlines()[2], b"AAAA")


@pytest.mark.parametrize(
    ("key", "certificate", "message", "hint"),
    [
        (KEY, b"", "the certificate is empty", ""),
        (KEY, b"hello", "the certificate holds no certificate in PEM form", ""),
        (KEY, KEY, "the certificate holds a private key, not a certificate", "wrong way round"),
        (KEY, DER, "holds no certificate in PEM form", "-inform der"),
        (KEY, DAMAGED, "holds a damaged certificate", "openssl x509"),
        (b"", CERTIFICATE, "the key is empty", ""),
        (CERTIFICATE, CERTIFICATE, "the key holds a certificate, not a private key", ""),
        (KEY.replace(KEY.splitlines()[1], b"AAAA"), CERTIFICATE, "the key holds a damaged key", ""),
    ],
    ids=["empty", "text", "swapped", "DER", "damaged", "no key", "swapped key", "damaged key"],
)
def test_unreadable_files_are_named_without_their_content(
    key: bytes, certificate: bytes, message: str, hint: str
) -> None:
    with pytest.raises(CtlError, match=message) as error:
        matches(key, certificate)
    text = f"{error.value.message} {error.value.hint or ''}"
    assert hint in text
    assert not any(line.decode() in text for line in KEY.splitlines()[1:-1])
