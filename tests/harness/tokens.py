"""Signs tokens as GitLab does: a second opinion beside `ctl registry-token`, and faster."""

from __future__ import annotations

import base64
import functools
import hashlib
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

Access = Sequence[dict[str, Any]]


def sign(
    key_pem: str,
    access: Access,
    *,
    issuer: str = "omnibus-gitlab-issuer",
    audience: str = "container_registry",
    seconds: int = 300,
    claims: Mapping[str, object] = MappingProxyType({}),
) -> str:
    """A token for a service, by default the registry.

    Args:
        key_pem: the registry's internal key.
        access: as in the token specification: type, name, actions.
        issuer: who signs.
        audience: the service.
        seconds: it holds that long; negative for one that has ended.
        claims: others than the usual ones; `...` for none of that name.
    """
    import jwt

    now = int(time.time())
    usual = {
        "iss": issuer,
        "aud": audience,
        "sub": "test",
        "iat": now,
        "exp": now + seconds,
        "access": list(access),
    }
    written = {one: value for one, value in {**usual, **claims}.items() if value is not ...}
    key, name = _load(key_pem)
    return jwt.encode(written, key, algorithm="RS256", headers={"kid": name})


def repository_access(name: str, actions: str) -> Access:
    """Access to one repository, actions parted by commas."""
    return [{"type": "repository", "name": name, "actions": actions.split(",")}]


@functools.cache
def _load(key_pem: str) -> tuple[Any, str]:
    """The key, and the libtrust name by which the registry finds its certificate."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(key_pem.encode(), None)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return key, ":".join(text[at : at + 4] for at in range(0, 48, 4))
