"""Certificates of every kind that an administrator may bring, made without a certificate authority's help."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_key(kind: str = "ec") -> Key:
    """A private key; the RSA one is the same for all, since making one is slow."""
    if kind == "rsa":
        return _RSA
    return (
        ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )


def key_pem(key: Key, *, password: bytes | None = None, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """The key's PEM text."""
    return key.private_bytes(
        Encoding.PEM, form, BestAvailableEncryption(password) if password else NoEncryption()
    )


def certificate_pem(
    key: Key, *names: str, now: datetime = NOW, days: int = 365, common_name: str = "somebody"
) -> bytes:
    """A self-signed certificate with these names as subject alternative names (none: no extension)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(n) for n in names]), critical=False
        )
    own_hash = isinstance(key, ed25519.Ed25519PrivateKey)
    return builder.sign(key, None if own_hash else hashes.SHA256()).public_bytes(Encoding.PEM)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass(frozen=True)
class Issued:
    """A certificate and the key with which it issues others.

    Args:
        certificate: PEM.
        key: its private key.
    """

    certificate: bytes
    key: Key

    @property
    def name(self) -> x509.Name:
        """Subject."""
        return x509.load_pem_x509_certificate(self.certificate).subject


def issue_one(
    subject: str,
    issuer: Issued | None = None,
    *,
    hosts: tuple[str, ...] = (),
    url: str = "",
    purpose: x509.ObjectIdentifier | None = None,
    now: datetime = NOW,
    days: int = 365,
) -> Issued:
    """A certificate as authorities issue them: a root without an issuer, a CA without hosts, else a server's.

    Args:
        subject: common name.
        issuer: who signs.
        hosts: subject alternative names.
        url: where the issuer's certificate is published (AIA, caIssuers).
        purpose: extended key usage.
        now: when it is made.
        days: how long it is good.
    """
    key = make_key()
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own_name)
        .issuer_name(issuer.name if issuer else own_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    )
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(n) for n in hosts]), critical=False
        )
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if url:
        place = x509.UniformResourceIdentifier(url)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    signed = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Issued(signed.public_bytes(Encoding.PEM), key)
