"""A certificate authority of the node's own and the server certificates that it issues: no files, no clock.

All keys are EC P-256: made in a millisecond, accepted by every TLS client of the last ten years.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ctl.errors import CtlError
from ctl.tls.certificates import ip_literal, load_chain, normal_host

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

NAME = "registry-ctl local CA on "
"""How the subject of every local CA begins: by it ctl knows its own."""
CA_LIFE = timedelta(days=3652)
SERVER_LIFE = timedelta(days=824)
"""Apple's systems refuse more than 825 days also under a private CA (support.apple.com/103769), `BACKDATE`
included; shorter would only bring more expired certificates, since nothing but `reconfigure` renews them."""
BACKDATE = timedelta(minutes=10)
"""Clients whose clock is behind accept a new certificate at once."""
_COMMON_NAME_LIMIT = 64
"""RFC 5280, upper bound ub-common-name; strict verifiers refuse more."""


@dataclass(frozen=True)
class Pair:
    """A certificate file and its key.

    Args:
        certificate: PEM; of a server also the chain above it, where clients need one.
        key: PEM, PKCS 8, unencrypted.
    """

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Pair(<key not shown>)"


def make_authority(host: str, *, now: datetime) -> Pair:
    """A new local CA.

    Args:
        host: what distinguishes this CA from others in a list of trusted ones; goes into its common name.
        now: aware time; the CA is good for ten years from then.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    return _authority_of(key, _name(f"{NAME}{host}"), now)


def next_authority(host: str, *, now: datetime) -> Pair:
    """Likewise, to take the place of another: distinguished from that by the month in its name."""
    room = _COMMON_NAME_LIMIT - len(f"{NAME} 2026-01")
    return make_authority(f"{host[:room]} {now:%Y-%m}", now=now)


def renew_authority(authority: Pair, *, now: datetime) -> Pair:
    """The same CA (name, key) with a new end; clients can keep the former certificate until that ends."""
    former = load_chain(authority.certificate, where="the CA's certificate")[0]
    return _authority_of(_load(authority.key), former.subject, now)


def is_local(authority_pem: bytes) -> bool:
    """Whether a CA certificate is of this module's making, not one that an administrator put in its place."""
    from cryptography.x509.oid import NameOID

    subject = load_chain(authority_pem, where="the CA's certificate")[0].subject
    return any(
        str(name.value).startswith(NAME) for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    )


def outlives(authority_pem: bytes, *, now: datetime) -> bool:
    """Whether a CA lasts as long as a server certificate made now would."""
    return end(authority_pem) >= now + SERVER_LIFE


def end(authority_pem: bytes) -> datetime:
    """When a CA's certificate ends."""
    return load_chain(authority_pem, where="the CA's certificate")[0].not_valid_after_utc


def issue(authority: Pair, names: Sequence[str], *, now: datetime) -> Pair:
    """A server certificate and its key.

    Args:
        authority: issuer; its certificate is appended unless it is a root, which clients have already.
        names: DNS names and IP literals, the first is the subject. At least one.
        now: aware time; the certificate ends `SERVER_LIFE` from then, or with its issuer.

    Raises:
        CtlError: a name that no certificate can carry, or the authority cannot be read.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    issuer = load_chain(authority.certificate, where="the CA's certificate")[0]
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _server_builder(key, issuer, [normal_host(name) for name in names], now)
    certificate = _sign(builder, _load(authority.key))
    root = issuer.subject == issuer.issuer
    return Pair(_pem(certificate) + (b"" if root else authority.certificate), _key_pem(key))


def _server_builder(
    key: EllipticCurvePrivateKey, issuer: x509.Certificate, names: Sequence[str], now: datetime
) -> x509.CertificateBuilder:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    fits = len(names[0]) <= _COMMON_NAME_LIMIT
    subject = _name(names[0]) if fits else x509.Name([])
    builder = _builder(subject, issuer.subject, key, now, min(now + SERVER_LIFE, issuer.not_valid_after_utc))
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # RFC 5280, 4.2.1.6: the names are critical where the subject is empty
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=not fits)
        .add_extension(_issuer_identifier(issuer), critical=False)
    )


def _authority_of(key: CertificateIssuerPrivateKeyTypes, name: x509.Name, now: datetime) -> Pair:
    from cryptography import x509

    builder = (
        _builder(name, name, key, now, now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return Pair(_pem(_sign(builder, key)), _key_pem(key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificateIssuerPrivateKeyTypes,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The issuer's own identifier where it has one: it need not be the hash that we would make of its key."""
    from cryptography import x509

    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _name(common_name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME_LIMIT])])


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    address = ip_literal(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _load(key_pem: bytes) -> CertificateIssuerPrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(key_pem, None)  # type: ignore[return-value]
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise CtlError("the CA's key cannot be read: it is damaged or encrypted") from error


def _sign(builder: x509.CertificateBuilder, key: CertificateIssuerPrivateKeyTypes) -> x509.Certificate:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

    own_hash = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if own_hash else hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
