"""Refresh tokens: with one, a client gets tokens without keeping the password.

Only this issuer reads them. They are signed with a key derived from the registry's (HMAC), carry an audience
that no registry accepts, and are bound to what is kept of the account's secret: a new password, and the removal
of the account, revoke them.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

from ctl.auth.accounts import Accounts
from ctl.auth.authenticate import Principal, kept_secret, principal_of
from ctl.registry.jws import signed, verified

LIFETIME = 90 * 24 * 60 * 60
"""Seconds."""
LONGEST = 4096
"""Characters of a refresh token that are looked at; this issuer's have some hundreds."""
_ALGORITHM = "HS256"


class RefreshTokens:
    """Makes and reads them.

    Args:
        key_pem: the registry's internal key.
        issuer: who signs.
        service: of the registry.
        clock: seconds since 1970.
    """

    def __init__(
        self, key_pem: str, *, issuer: str, service: str, clock: Callable[[], float] = time.time
    ) -> None:
        secret = hmac.digest(key_pem.strip().encode(), b"refresh tokens of ctl", hashlib.sha256)
        self._key = secret
        self._issuer, self._audience = issuer, f"refresh:{service}"
        self._clock = clock

    def make(self, accounts: Accounts, name: str) -> str:
        """A refresh token of an account that has just proved its secret."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": name,
            "iat": now,
            "exp": now + LIFETIME,
            "pin": self._pin(name, kept_secret(accounts, name)),
        }
        return signed(claims, self._key, _ALGORITHM)

    def read(self, accounts: Accounts, text: str) -> Principal | None:
        """Whose refresh token it is.

        Returns:
            None where it is none of this issuer's, its time is over, or it was revoked.
        """
        claims = self._claims(text)
        if claims is None:
            return None
        name = str(claims["sub"])
        kept = kept_secret(accounts, name)
        if kept is None or not hmac.compare_digest(str(claims["pin"]), self._pin(name, kept)):
            return None
        return principal_of(accounts, name, self._clock())

    def _claims(self, text: str) -> dict[str, Any] | None:
        found = verified(text, self._key, _ALGORITHM) if len(text) <= LONGEST else None
        if found is None or (found["iss"], found["aud"]) != (self._issuer, self._audience):
            return None
        return found if found["exp"] > self._clock() else None

    def _pin(self, name: str, kept: str | None) -> str:
        text = f"{name}\n{kept or ''}".encode(errors="replace")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
