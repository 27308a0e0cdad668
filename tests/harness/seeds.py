"""Secrets made once for all roots of a test process: making an RSA key takes longer than a whole run."""

from __future__ import annotations

import functools
import json
import secrets
from datetime import UTC, datetime, timedelta


@functools.cache
def pair(number: int = 0) -> tuple[str, str]:
    """A private key and its self-signed certificate as PEM; another number gives another pair.

    RSA 2048 instead of the product's 4096: as good to the programs, and ten times faster to make.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Registry {number}")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=3650))
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def secrets_json(number: int = 0) -> str:
    """The content of a gitlab-secrets.json with everything that the registry needs."""
    key, certificate = pair(number)
    registry = {
        "http_secret": secrets.token_hex(64),
        "internal_certificate": certificate,
        "internal_key": key,
    }
    return json.dumps({"registry": registry}, indent=2) + "\n"


def server_certificate(host: str, *, days: int = 365) -> tuple[str, str]:
    """A key and a self-signed server certificate for a host, as an administrator would bring them."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=days + 1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
