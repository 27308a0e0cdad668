"""Certificates and private keys as text in, facts out: names, end, issuer, and whether two belong together.

Nothing here opens a file; `where` names the file in errors, which never hold key material.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ctl.errors import CtlError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_KEY = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
"""The key's own block: OpenSSL may write `EC PARAMETERS` before it, and certificates may share its file."""
_CERTIFICATE_MARK = re.compile(rb"-----BEGIN (X509 )?CERTIFICATE-----")

_PEM = re.compile(rb"(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----")


@dataclass(frozen=True)
class CertificateFacts:
    """Facts about a certificate.

    Args:
        subject, issuer: as RFC 4514 writes them ("CN=registry.example.com"); "" for an empty one.
        names: DNS names and IP addresses of the subject alternative names, in lower case, in order.
        not_before, not_after: validity, aware, UTC.
        fingerprint: SHA-256 in upper-case hexadecimal with colons, as `openssl x509 -fingerprint -sha256`.
        self_signed: whether its own key signed it.
        other_purposes: what it may be used for, where it says so and serving TLS is not among it.
        chain: how many certificates the file holds, this one included.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    self_signed: bool
    chain: int = 1
    other_purposes: tuple[str, ...] = ()

    def covers(self, host: str) -> bool:
        """Whether clients accept the certificate for a host (RFC 6125: SAN only, `*` for one whole label).

        Args:
            host: DNS name (also with letters beyond ASCII) or IP literal (also in brackets).
        """
        wanted = normal_host(host)
        address = ip_literal(wanted)
        if address is not None:
            return any(ip_literal(name) == address for name in self.names)
        return any(_name_covers(name, wanted) for name in self.names)

    def not_for_servers(self) -> str:
        """Why clients refuse it whatever its name and time; "" where they do not."""
        if not self.other_purposes:
            return ""
        return f"is for {' and '.join(self.other_purposes)}, not for servers (serverAuth): clients refuse it"

    def days_left(self, now: datetime) -> int:
        """Whole days until the end, rounded down; negative once it has ended."""
        return (self.not_after - now).days


def normal_host(host: str) -> str:
    """A host as certificates name it: lower case, IDNA (RFC 3490), no brackets, no final dot.

    Raises:
        CtlError: no certificate can name it (a label is empty or longer than 63 characters).
    """
    bare = host.strip("[]").rstrip(".").lower()
    if ip_literal(bare) is not None:
        return str(ip_literal(bare))
    try:
        return bare.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise CtlError(f"{host!r} is not a host name that a certificate can carry: {error}") from error


def ip_literal(text: str) -> Address | None:
    """The IP address that a text is, or None for a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _name_covers(name: str, host: str) -> bool:
    if not name.startswith("*."):
        return name == host
    return host.partition(".")[2] == name[2:] and ip_literal(host) is None


def inspect(pem: bytes, *, where: str = "the certificate") -> CertificateFacts:
    """Read a certificate file; of a chain, the first is the server's.

    Args:
        pem: content of the file.
        where: what errors call it: its path.

    Raises:
        CtlError: it holds no certificate, with what it holds instead.
    """
    from cryptography.hazmat.primitives.hashes import SHA256

    chain = load_chain(pem, where=where)
    first = chain[0]
    return CertificateFacts(
        subject=first.subject.rfc4514_string(),
        issuer=first.issuer.rfc4514_string(),
        names=tuple(_names(first)),
        not_before=first.not_valid_before_utc,
        not_after=first.not_valid_after_utc,
        fingerprint=first.fingerprint(SHA256()).hex(":").upper(),
        self_signed=signed_by(first, first),
        chain=len(chain),
        other_purposes=_other_purposes(first),
    )


def load_chain(pem: bytes, *, where: str) -> list[x509.Certificate]:
    """All certificates of a file, at least one. Raises CtlError as `inspect`."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise CtlError(f"{where} {_no_certificate(pem)}", hint=_certificate_hint(pem, where)) from error


def _no_certificate(pem: bytes) -> str:
    if not pem.strip():
        return "is empty"
    if _CERTIFICATE_MARK.search(pem):
        return "holds a damaged certificate"
    if _KEY.search(pem):
        return "holds a private key, not a certificate"
    return "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"


def _certificate_hint(pem: bytes, where: str) -> str:
    if _KEY.search(pem):
        return "Are ssl_certificate and ssl_certificate_key the wrong way round?"
    if pem[:1] == b"\x30":
        return f"It looks like DER: convert it with `openssl x509 -inform der -in {where}`."
    return f"See what it holds: openssl x509 -noout -text -in {where}"


def _names(certificate: x509.Certificate) -> Iterable[str]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    for name in extension.value:
        if isinstance(name, x509.DNSName | x509.IPAddress):
            yield str(name.value).lower()


def _other_purposes(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        found = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return ()
    good = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return () if any(one in found for one in good) else tuple(one._name for one in found)


def each(pem: bytes) -> list[bytes]:
    """The certificates of a file, each as PEM."""
    return [found[0] + b"\n" for found in _PEM.finditer(pem)]


def after_first(pem: bytes) -> bytes:
    """What a file has beside its first certificate: the CA that takes the place of the present one, say."""
    return b"".join(each(pem)[1:])


def issued_by(certificate_pem: bytes, authority_pem: bytes, *, where: str = "the certificate") -> bool:
    """Whether the (first) certificate was signed by the authority's key under the authority's name.

    Args:
        certificate_pem, authority_pem: contents of the two files.
        where: what errors call the first: its path.

    Raises:
        CtlError: one of the two is no certificate.
    """
    certificate = load_chain(certificate_pem, where=where)[0]
    return signed_by(certificate, load_chain(authority_pem, where="the CA's certificate")[0])


def signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key signed the certificate under the issuer's name."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        # Other name, other type of key, other key, or a type that is not ours: all of them mean "no".
        return False
    return True


def matches(key_pem: bytes, certificate_pem: bytes, *, passwords: Iterable[bytes] = ()) -> bool:
    """Whether a private key belongs to the (first) certificate: their public keys are the same.

    Args:
        key_pem, certificate_pem: contents of the two files; RSA, EC and EdDSA alike.
        passwords: pass phrases to try on an encrypted key (the lines of ssl_password_file).

    Raises:
        CtlError: one of the two cannot be read, or the key is encrypted and no pass phrase opens it.
    """
    return public_of_key(key_pem, passwords=passwords) == public_of_chain(certificate_pem)[0]


def public_of_chain(pem: bytes, *, where: str = "the certificate") -> list[bytes]:
    """The public keys (DER SubjectPublicKeyInfo) of a file's certificates. Raises CtlError as `inspect`."""
    return [_public_of_certificate(certificate, where) for certificate in load_chain(pem, where=where)]


def _public_of_certificate(certificate: x509.Certificate, where: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (UnsupportedAlgorithm, ValueError) as error:
        raise CtlError(f"{where} has a public key of a type that cannot be checked: {error}") from error


def public_of_key(pem: bytes, *, passwords: Iterable[bytes] = (), where: str = "the key") -> bytes:
    """The public key of a private key (DER SubjectPublicKeyInfo). Otherwise as `matches`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    block = _KEY.search(pem)
    if block is None:
        raise CtlError(f"{where} {_no_key(pem)}", hint=f"See what it holds: openssl pkey -noout -in {where}")
    try:
        key = _open_key(block.group(), tuple(passwords), where)
    except (UnsupportedAlgorithm, ValueError) as error:
        # The library's own words are not passed on: some quote what they could not read.
        raise CtlError(f"{where} holds a damaged key, or one of an unknown type") from error
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _no_key(pem: bytes) -> str:
    if not pem.strip():
        return "is empty"
    if _CERTIFICATE_MARK.search(pem):
        return "holds a certificate, not a private key"
    return "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)"


def _open_key(block: bytes, passwords: tuple[bytes, ...], where: str) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(block, None)
    except TypeError:
        return _open_encrypted(block, passwords, where)


def _open_encrypted(block: bytes, passwords: tuple[bytes, ...], where: str) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    for password in passwords:
        with contextlib.suppress(
            ValueError
        ):  # the wrong one of several pass phrases: NGINX tries them all, too
            return load_pem_private_key(block, password)
    if passwords:
        raise CtlError(
            f"{where} is encrypted, and no pass phrase of ssl_password_file opens it",
            hint=f"Try it: openssl pkey -noout -in {where}",
        )
    raise CtlError(
        f"{where} is encrypted, and no ssl_password_file is set",
        hint='Put the pass phrase into a file of mode 0600 named by registry["nginx"]["ssl_password_file"].',
    )
