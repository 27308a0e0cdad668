"""Tokens for the registry, signed as GitLab signs them (Docker Registry v2 token authentication)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ctl.errors import CtlError, UsageFault
from ctl.registry.jws import jwk, signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

SERVICE = "container_registry"
"""auth.token.service of config.yml, which must be the token's audience."""
ACTIONS = ("pull", "push", "delete", "*")
MAX_NAME_LENGTH = 255
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
"""The grammar of repository names (Distribution, reference/regexp.go, without the domain)."""
_DURATION = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?", re.ASCII)
_MAX_LIFETIME = timedelta(days=365)

Access = list[dict[str, Any]]


class UnusableKey(CtlError):
    """The registry's key cannot sign tokens (exit 1). The message never holds any of it."""


def key_id(public: PublicKeyTypes) -> str:
    """The libtrust key id: GitLab's name of its key, by which Distribution 2 and GitLab's registry find it.

    Args:
        public: the public key.

    Returns:
        base32 of the first 240 bits of the SHA-256 of its DER form, in groups of four parted by colons.
    """

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode("ascii")
    return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


def thumbprint(public: PublicKeyTypes) -> str:
    """The JWK thumbprint (RFC 7638), by which Distribution 3 finds the certificate.

    Args:
        public: the public key.
    """

    text = json.dumps(jwk(public), sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode("ascii")


def key_set(certificates: str) -> str:
    """The public keys of certificates under the names that GitLab gives them (RFC 7517, section 5).

    Args:
        certificates: one or more, as PEM.

    Returns:
        What `auth.token.jwks` of Distribution 3 names a file of.
    """

    from cryptography.x509 import load_pem_x509_certificates

    keys = [certificate.public_key() for certificate in load_pem_x509_certificates(certificates.encode())]
    return json.dumps({"keys": [{"kid": key_id(key), **jwk(key)} for key in keys]}, indent=2) + "\n"


class SigningKey:
    """The registry's internal key, read once; ready to sign many tokens.

    Args:
        pem: the key, RSA or elliptic curve P-256.
        name_key: how the registry names keys: `key_id`, or `thumbprint` for Distribution 3.

    Raises:
        UnusableKey: the key cannot be read, or is of another type.
    """

    def __init__(self, pem: str, *, name_key: Callable[[PublicKeyTypes], str] = key_id) -> None:
        self._key, self._algorithm = _load(pem)
        self._name = name_key(self._key.public_key())

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The token of these claims."""
        return signed(claims, self._key, self._algorithm, kid=self._name)


def claims_of(
    *,
    issuer: str,
    subject: str,
    access: Sequence[Mapping[str, Any]],
    lifetime: timedelta,
    service: str = SERVICE,
) -> dict[str, Any]:
    """What a token says that is issued now.

    Args:
        issuer: auth.token.issuer of config.yml.
        subject: the account that the registry's log and notifications name.
        access: as `repository_access` and CATALOG give it.
        lifetime: how long it holds; the registry allows 60 s more.
        service: auth.token.service of config.yml.
    """

    issued = int(time.time())
    return {
        "iss": issuer,
        "sub": subject,
        # a list, or times with fractions, are refused as malformed
        "aud": service,
        "exp": issued + int(lifetime.total_seconds()),
        "nbf": issued,
        "iat": issued,
        "jti": secrets.token_hex(16),
        "access": [dict(one) for one in access],
    }


def issue(
    key_pem: str,
    *,
    issuer: str,
    subject: str,
    access: Sequence[Mapping[str, Any]],
    lifetime: timedelta,
    service: str = SERVICE,
    name_key: Callable[[PublicKeyTypes], str] = key_id,
) -> str:
    """Sign a token.

    Args:
        key_pem, name_key: as SigningKey has them.
        issuer, subject, access, lifetime, service: as `claims_of` has them.

    Raises:
        UnusableKey: the key cannot be read, or is of another type.
    """
    claims = claims_of(issuer=issuer, subject=subject, access=access, lifetime=lifetime, service=service)
    return SigningKey(key_pem, name_key=name_key).sign(claims)


def _load(key_pem: str) -> tuple[PrivateKeyTypes, str]:
    """The key and the name of its signature algorithm (RFC 7518, section 3.1)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey("the registry's internal key is not a PEM private key without password") from None
    if isinstance(key, rsa.RSAPrivateKey):
        return key, "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key, "ES256"
    raise UnusableKey("the registry's internal key is neither RSA nor of the curve P-256")


CATALOG: Mapping[str, Any] = {"type": "registry", "name": "catalog", "actions": ["*"]}
"""Access to the list of all repositories (GET /v2/_catalog)."""


def repository_access(names: Iterable[str], actions: Sequence[str]) -> Access:
    """The access entries of repositories, all with the same actions."""
    return [{"type": "repository", "name": name, "actions": list(actions)} for name in names]


def parse_repository(name: str) -> str:
    """Check a repository's name.

    Raises:
        UsageFault: it is none; says what is wrong and, where only capitals are, the name in lower case.
    """
    if _NAME.fullmatch(name) and len(name) <= MAX_NAME_LENGTH:
        return name
    if len(name) > MAX_NAME_LENGTH:
        raise UsageFault(f"repository name of {len(name)} characters: at most {MAX_NAME_LENGTH} are allowed")
    hint = "Names are parts of lower-case letters, digits, and . _ - between them, joined by /: grp/app"
    if _NAME.fullmatch(name.lower()):
        hint = f"Repository names are lower case: {name.lower()}"
    raise UsageFault(f"{name!r} is not the name of a repository", hint=hint)


def parse_actions(text: str) -> tuple[str, ...]:
    """Actions parted by commas, each once, in the order given.

    Raises:
        UsageFault: one of them is unknown, or there is none.
    """
    actions = tuple(dict.fromkeys(part for part in re.split(r"[,\s]+", text.strip()) if part))
    unknown = [action for action in actions if action not in ACTIONS]
    if unknown or not actions:
        what = f"unknown action {unknown[0]!r}" if unknown else "no action given"
        raise UsageFault(what, hint=f"Actions are {', '.join(ACTIONS)}, parted by commas: pull,push")
    return actions


def parse_lifetime(text: str) -> timedelta:
    """A duration as "5m", "90s", "1h30m", "2d", or seconds without a unit.

    Raises:
        UsageFault: it is none, is nothing, or is more than a year.
    """
    given = text.strip()
    match = _DURATION.fullmatch(given + "s" if given.isdecimal() else given)
    if not given or match is None:
        raise UsageFault(f"{text!r} is not a duration", hint="Durations are 90s, 5m, 1h30m, 2d.")
    numbers = {unit: int(digits[:12]) for unit, digits in match.groupdict(default="0").items()}
    seconds = ((numbers["d"] * 24 + numbers["h"]) * 60 + numbers["m"]) * 60 + numbers["s"]
    if not 0 < seconds <= _MAX_LIFETIME.total_seconds():
        raise UsageFault(f"{text!r}: a token holds for at least 1s and at most {_MAX_LIFETIME.days}d")
    return timedelta(seconds=seconds)
