"""Credentials that were right a moment ago: a password check takes some 80 ms of work, and clients ask often."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

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

    def add(self, mark: bytes, until: float | None = None) -> float:
        """Remember credentials that were right just now, or until some time. Returns until when."""
        end = self._until[mark] = self._clock() + self._seconds if until is None else until
        self._until.move_to_end(mark)
        while len(self._until) > MOST:
            self._until.popitem(last=False)
        return end

    def tables(self) -> dict[str, Any]:
        """All that is known, and its key, as plain JSON values: for a process of the same account only."""
        return {"key": self._key.hex(), "until": [[mark.hex(), end] for mark, end in self._until.items()]}

    def take_over(self, tables: dict[str, Any]) -> None:
        """Know what another process of this machine knew, whose clock is the same."""
        self._key = bytes.fromhex(tables["key"])
        for mark, end in tables["until"]:
            self.add(bytes.fromhex(mark), end)
