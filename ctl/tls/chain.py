"""Whether a server's certificate file leads to a root that clients know (RFC 5280, section 6).

Clients know roots; what is between them and the server's own certificate, the server must send along.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.distribution import distribution
from ctl.tls.certificates import load_chain, signed_by

if TYPE_CHECKING:
    from cryptography import x509

UNKNOWN_ROOT = "clients must be given it: `ctl trust` says how"


class Reach(StrEnum):
    """Where a chain ends."""

    KNOWN = "a CA that this machine knows"
    LOCAL = "the CA of this node"
    PRIVATE = "a root of its own"
    SELF_SIGNED = "itself"
    MISSING = "nothing"


@dataclass(frozen=True)
class Chain:
    """The certificates that a server sends, and where they lead.

    Args:
        reach: where they end.
        last: the subject of the last certificate; of the missing issuer where that is not there.
        url: where the missing issuer's certificate is published (RFC 5280, 4.2.2.1, caIssuers); "" if unknown.
        ended: subjects of certificates above the server's own that are not valid any more.
        root: the last certificate, PEM; empty where the issuer is missing.
        alone: whether that is the server's own.
    """

    reach: Reach
    last: str
    url: str = ""
    ended: tuple[str, ...] = ()
    root: bytes = field(default=b"", repr=False)
    alone: bool = False

    def __str__(self) -> str:
        """For people, in one line."""
        if self.reach is Reach.MISSING:
            return f"incomplete: the certificate of {self.last} is missing"
        return "self-signed" if self.reach is Reach.SELF_SIGNED else f"ends at {self.last}, {self.reach}"

    @property
    def private(self) -> bool:
        """Whether clients know its end only if somebody has given it to them."""
        return self.reach in (Reach.LOCAL, Reach.PRIVATE, Reach.SELF_SIGNED)

    def warnings(self, path: Path) -> list[str]:
        """Why clients refuse the certificate file."""
        found = [
            f"{path}: {name}, which issued the certificate, has ended: clients refuse it"
            for name in self.ended
        ]
        if self.reach is Reach.MISSING:
            where = f"; it is published at {self.url}" if self.url else ""
            found.append(
                f"{path} leads to no CA that this machine knows: the certificate of its issuer, {self.last}, is missing"
                f"{where}. Append it (certbot: fullchain.pem in place of cert.pem), or clients refuse it. "
                f"If that is a private CA, append it all the same, and {UNKNOWN_ROOT}"
            )
        return found

    def notes(self, path: Path) -> list[str]:
        """What clients need to be given."""
        if self.reach is Reach.SELF_SIGNED:
            return [f"{path} is self-signed: {UNKNOWN_ROOT}"]
        if self.reach is Reach.PRIVATE:
            return [f"{path} leads to {self.last}, which this machine does not know: {UNKNOWN_ROOT}"]
        return []


def follow(pem: bytes, now: datetime, *, where: str, local: bytes = b"") -> Chain:
    """Go from a server's certificate to the issuer of each, as far as they are there.

    Args:
        pem: the file that the server sends.
        now: aware time.
        where: what errors call it.
        local: a CA of this node that may have signed it; empty for none.

    Raises:
        CtlError: it holds no certificate.
    """
    at, *rest = load_chain(pem, where=where)
    from cryptography.hazmat.primitives.serialization import Encoding

    own, first = load_chain(local, where="the local CA") if local else [], at
    above: list[x509.Certificate] = []
    while True:
        ended = tuple(name(one) for one in above if one.not_valid_after_utc <= now)
        reach = _end(at, own, alone=at is first)
        if reach:
            return Chain(reach, name(at), "", ended, at.public_bytes(Encoding.PEM), at is first)
        candidates = [*own, *_roots().get(at.issuer.public_bytes(), ()), *rest]
        issuer = next((one for one in candidates if one not in above and signed_by(at, one)), None)
        if issuer is None:
            return Chain(Reach.MISSING, at.issuer.rfc4514_string(), _published(at), ended)
        above.append(issuer)
        at = issuer


def _end(at: x509.Certificate, own: Iterable[x509.Certificate], *, alone: bool) -> Reach | None:
    """How the chain ends with a certificate; None where it goes on."""
    if at in own:
        return Reach.LOCAL
    if at in _roots().get(at.subject.public_bytes(), ()):
        return Reach.KNOWN
    if signed_by(at, at):
        return Reach.SELF_SIGNED if alone else Reach.PRIVATE
    return None


def name(certificate: x509.Certificate) -> str:
    """Its subject as RFC 4514 writes it."""
    return certificate.subject.rfc4514_string() or "(a certificate without a subject)"


def _published(certificate: x509.Certificate) -> str:
    from cryptography.x509 import AuthorityInformationAccess, ExtensionNotFound, UniformResourceIdentifier
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        found = certificate.extensions.get_extension_for_class(AuthorityInformationAccess).value
    except ExtensionNotFound:
        return ""
    issuers = (
        one.access_location for one in found if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS
    )
    return next((one.value for one in issuers if isinstance(one, UniformResourceIdentifier)), "")


def _roots() -> dict[bytes, tuple[x509.Certificate, ...]]:
    """Those that programs of this machine know, by subject. SSL_CERT_FILE is OpenSSL's and Go's variable, too."""
    named = os.environ.get("SSL_CERT_FILE")
    bundle = Path(named if named and os.access(named, os.R_OK) else distribution().ca_bundle)
    return _read_roots(bundle, bundle.stat().st_mtime_ns) if bundle.is_file() else {}


@lru_cache(maxsize=1)
def _read_roots(bundle: Path, _changed: int) -> dict[bytes, tuple[x509.Certificate, ...]]:
    found: dict[bytes, tuple[x509.Certificate, ...]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old roots break rules of today; that is no concern of the caller's
        for one in load_chain(bundle.read_bytes(), where=str(bundle)):
            subject = one.subject.public_bytes()
            found[subject] = (*found.get(subject, ()), one)
    return found
