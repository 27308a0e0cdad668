"""Credentials that were right a moment ago: a password check takes some 80 ms of work, and clients ask often."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

SECONDS = 600.0
MOST = 10_000


class Verified:
    """Remembers that a secret was right, without keeping it: only a keyed hash, whose key this process alone has.

    What is kept of the account's secret enters the hash: once that is changed, or the account removed, nothing
    is remembered any more.

    Args:
        seconds: for which it is remembered.
        clock: seconds that never go back.
    """

    def __init__(self, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._seconds, self._clock = seconds, clock
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def mark(self, name: str, secret: str, kept: str | None) -> bytes:
        """What credentials are remembered by.

        Args:
            name: of the account.
            secret: as given by whoever logs in.
            kept: what the accounts file has of it; None for no such account.
        """
        parts = [part.encode(errors="replace") for part in (name, secret, kept or "")]
        lengths = b"".join(len(part).to_bytes(8, "big") for part in parts)
        return hmac.digest(self._key, lengths + b"".join(parts), hashlib.sha256)

    def __contains__(self, mark: bytes) -> bool:
        return self._until.get(mark, float("-inf")) > self._clock()

    def add(self, mark: bytes) -> None:
        """Remember credentials that were right just now."""
        self._until[mark] = self._clock() + self._seconds
        self._until.move_to_end(mark)
        while len(self._until) > MOST:
            self._until.popitem(last=False)
