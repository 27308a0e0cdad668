"""The pair that GitLab and the registry share."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from ctl.settings.secrets.token_pair import TokenPair, UnusableKey, certificate_for, matches
from tests.harness import seeds


@pytest.fixture(scope="module")
def made() -> TokenPair:
    """A pair as the product makes it, in a process of its own; once, because that takes its time."""
    code = "from ctl.settings.secrets.token_pair import make_pair as m; p = m(); print(p.key + '|' + p.certificate)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "", (
        "`cryptography` warns of the three letters of the country, about which nobody can do anything"
    )
    return TokenPair(*done.stdout[:-1].split("|"))


@pytest.mark.real
@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_a_pair_is_what_every_gitlab_has(made: TokenPair) -> None:
    key = serialization.load_pem_private_key(made.key.encode(), None)
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    public = certificate.public_key()
    assert isinstance(key, RSAPrivateKey)
    assert isinstance(public, RSAPublicKey)
    assert key.key_size == 4096
    assert public.public_numbers() == key.public_key().public_numbers()
    assert made.key.startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert certificate.issuer == certificate.subject
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert timedelta(days=3650) <= lifetime <= timedelta(days=3653)
    assert certificate.not_valid_before_utc <= datetime.now(UTC)


@pytest.mark.real
def test_openssl_reads_the_subject(made: TokenPair) -> None:
    command = ["openssl", "x509", "-noout", "-subject", "-nameopt", "compat"]
    try:
        done = subprocess.run(command, input=made.certificate, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert done.stdout.strip() == "subject=/C=USA/O=GitLab/OU=Container/CN=Registry"


def test_pairs_are_distinguished(pair: TokenPair, other_pair: TokenPair) -> None:
    assert matches(pair.key, pair.certificate)
    assert matches(pair.key, other_pair.certificate + pair.certificate)
    assert not matches(pair.key, other_pair.certificate)
    assert not matches(other_pair.key, pair.certificate)


def test_other_forms_of_a_key_are_compared_too(pair: TokenPair) -> None:
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    plain = serialization.NoEncryption()
    form = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    assert matches(form.decode(), pair.certificate)
    assert matches(*seeds.server_certificate("registry.example.com"))


@pytest.mark.parametrize(
    "key", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key(pair: TokenPair, key: str) -> None:
    with pytest.raises(UnusableKey, match="cannot be read as a private key"):
        matches(key, pair.certificate)
    with pytest.raises(UnusableKey, match="cannot be read as a private key"):
        certificate_for(key)


def test_what_is_no_certificate(pair: TokenPair) -> None:
    with pytest.raises(UnusableKey, match="cannot be read as a certificate"):
        matches(pair.key, "nonsense")


def test_only_rsa_keys_get_a_certificate() -> None:
    with pytest.raises(UnusableKey, match="is no RSA key"):
        certificate_for(seeds.server_certificate("x")[0])


def test_a_known_pair_is_compared_without_heavy_modules(pair: TokenPair) -> None:
    code = (
        "import sys; from ctl.settings.secrets.token_pair import matches; "
        "key, certificate = sys.stdin.read().split('|'); "
        "print(matches(key, certificate), 'cryptography' in sys.modules)"
    )
    both = f"{pair.key}|{pair.certificate}"
    done = subprocess.run(
        [sys.executable, "-c", code], input=both, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False\n"
