"""The pair between GitLab and the registry: GitLab signs tokens with the key, the registry checks them.

`cryptography` is imported only where a pair is made, or where the quick comparison is not enough.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ctl.errors import CtlError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY_SIZE = 4096
LIFETIME_DAYS = 3652
"""Ten years."""
_BLOCK = r"(?s)-----BEGIN ([A-Z0-9 ]+)-----\s*(.*?)\s*-----END \1-----"
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30


class UnusableKey(Exception):
    """A key or certificate cannot be read. The message never holds any of it.

    Args:
        message: what is wrong, as a clause behind the setting's name.
    """


@dataclass(frozen=True)
class TokenPair:
    """A private key and its certificate, both PEM."""

    key: str
    certificate: str


def make_pair() -> TokenPair:
    """A new RSA pair, as the Linux package makes it: /C=USA/O=GitLab/OU=Container/CN=Registry, ten years."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE))


def certificate_for(key_pem: str) -> str:
    """A new certificate for a key that has lost its own.

    Raises:
        UnusableKey: it is not an RSA key that can be read.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(key_pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise UnusableKey("cannot be read as a private key") from error
    if not isinstance(key, RSAPrivateKey):
        raise UnusableKey("is no RSA key")
    return _pair(key).certificate


def _pair(key: RSAPrivateKey) -> TokenPair:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    # Three letters are against X.520, but they are what every GitLab has: `cryptography` only warns of them.
    warnings.filterwarnings("ignore", message="Attribute's length", module=__name__)
    subject = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "USA", _validate=False),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "GitLab"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Container"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Registry"),
    ])  # fmt: skip
    now = datetime.now(UTC).replace(microsecond=0)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=LIFETIME_DAYS))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key_pem = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    return TokenPair(key_pem.decode(), certificate.public_bytes(pem).decode())


def matches(key_pem: str, certificate_pem: str) -> bool:
    """Whether a private key belongs to a certificate, or to one of a bundle of certificates.

    Raises:
        UnusableKey: one of them cannot be read.
    """
    number = next((_modulus(der) for _, der in _blocks(key_pem)), b"")
    if number and any(number in der for _, der in _blocks(certificate_pem)):
        return True
    return _matches_in_full(key_pem, certificate_pem)


def is_rsa_key(pem: str) -> bool:
    """Whether a text holds an RSA private key without a passphrase."""
    return any(_modulus(der) for _, der in _blocks(pem))


def _matches_in_full(key_pem: str, certificate_pem: str) -> bool:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        # Only its public half is looked at: whether it is a sound key would take long to find out.
        key = load_pem_private_key(key_pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as error:
        raise UnusableKey("cannot be read as a private key") from error
    try:
        certificates = x509.load_pem_x509_certificates(certificate_pem.encode())
    except ValueError as error:
        raise UnusableKey("cannot be read as a certificate") from error
    return any(one.public_key() == key.public_key() for one in certificates)


def _blocks(pem: str) -> Iterator[tuple[str, bytes]]:
    for found in re.finditer(_BLOCK, pem):
        try:
            yield found[1], base64.b64decode("".join(found[2].split()), validate=True)
        except binascii.Error:
            continue  # not plain DER (a header, damage): the comparison in full says what it is


def _modulus(der: bytes) -> bytes:
    """The modulus of an RSA private key (PKCS #1 or #8) as an encoded INTEGER; b"" for other keys.

    A certificate holds the same bytes in its public key (RFC 8017, A.1; RFC 5208, 5): a quick comparison.
    """
    outer = _children(der)
    parts = _children(outer[0][2]) if outer and outer[0][0] == _SEQUENCE else []
    if len(parts) >= 3 and parts[2][0] == _OCTETS:
        return _modulus(parts[2][2])
    kinds = [kind for kind, _, _ in parts[:3]]
    return parts[1][1] if kinds == [_INTEGER] * 3 else b""


def _children(der: bytes) -> list[tuple[int, bytes, bytes]]:
    """The elements of DER (X.690), one level deep: tag, encoding with its head, content."""
    found, at = [], 0
    while at + 2 <= len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(der[start : start + size], "big"), start + size
        end = start + length
        if end > len(der):
            return []
        found.append((tag, der[at:end], der[start:end]))
        at = end
    return found


class PairMaker:
    """Makes a pair in the background.

    The thread is a daemon: a run that needs no pair after all ends without waiting for it.

    Args:
        make: makes the pair.
    """

    def __init__(self, make: Callable[[], TokenPair] = make_pair) -> None:
        self._make = make
        self._thread: threading.Thread | None = None
        self._result: TokenPair | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="token pair", daemon=True)
            self._thread.start()

    def result(self) -> TokenPair:
        """The pair; waits for it.

        Raises:
            CtlError: it could not be made.
        """
        self.start()
        assert self._thread is not None  # noqa: S101 - start() has set it
        self._thread.join()
        if self._result is None:
            raise CtlError(f"the pair of internal_key and internal_certificate cannot be made: {self._error}")
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._make()
        except Exception as error:  # reported by result(), in the thread that needs the pair
            self._error = error
