"""Signed claims in their compact form (RFC 7515, section 3.1), and keys as JSON (RFC 7517)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes


def signed(claims: Mapping[str, Any], key: PrivateKeyTypes | bytes, algorithm: str, **header: str) -> str:
    """The token of these claims.

    Args:
        claims: what the token says.
        key: private key, or the secret of an HMAC.
        algorithm: its name (RFC 7518, section 3.1).
        header: further members of the header: `kid`.
    """
    from josepy.b64 import b64encode
    from josepy.jwa import JWASignature

    parts = (_json({"alg": algorithm, "typ": "JWT", **header}), _json(claims))
    content = b".".join(b64encode(part) for part in parts)
    signature = JWASignature.from_json(algorithm).sign(key, content)
    return b".".join((content, b64encode(signature))).decode("ascii")


def verified(token: str, key: bytes, algorithm: str) -> dict[str, Any] | None:
    """The claims of a token that `signed` made with the same secret and algorithm, whatever its header says.

    Returns:
        None where it is no such token. Times and names in the claims are for the caller to compare.
    """
    from josepy.b64 import b64decode
    from josepy.jwa import JWASignature

    content, _, signature = token.rpartition(".")
    try:
        if JWASignature.from_json(algorithm).verify(key, content.encode("ascii"), b64decode(signature)):
            claims: dict[str, Any] = json.loads(b64decode(content.partition(".")[2]))
            return claims
    except ValueError:  # no ASCII, or no base64
        pass
    return None


def jwk(public: PublicKeyTypes) -> dict[str, str]:
    """The members of a JSON Web Key that its thumbprint is made of (RFC 7638, section 3.2)."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from josepy.jwk import JWKEC, JWKRSA

    kind = JWKRSA if isinstance(public, RSAPublicKey) else JWKEC
    return dict(kind(key=public).to_json())


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
