"""Limits of failed attempts to log in, per account and per address, in memory.

- One address gets a few attempts at one account, and some more at all accounts together.
- A success forgets what failed at that account from that address, and nothing else: who guesses at others
  gains nothing by an account of his own.
- Addresses from which an account has signed in before are not concerned by what others at the same address,
  or elsewhere, fail at: a robot with an old password does not lock out the office that it is in.
- An account that is guessed at from ever new addresses is crowded: addresses that are not known wait for one of few
  turns (ctl.auth.turns); nobody is locked out by them.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil
from typing import Any, TypeVar

EVERYWHERE = 10
"""Failed attempts at one account from all addresses, as a multiple of those from one, that are allowed."""
REMEMBERED = 24 * 60 * 60
"""Seconds for which an address is known by an account that has signed in from it."""
SPARE = 64
"""Attempts that are kept beyond a limit: those under way, which are forgotten again when they succeed."""
MOST = 20_000
"""Addresses, and pairs of address and account, that are kept; the oldest are forgotten."""

Pair = tuple[str, str]
Tables = dict[str, list[Any]]
K = TypeVar("K")
V = TypeVar("V")


class FailedAttempts:
    """Counts attempts that failed. For one thread: between `wait` and `begin` nothing else may come.

    Args:
        per_account: attempts at one account from one address within the period; 0 for no limit.
        per_address: attempts at any accounts from one address; 0 for no limit.
        period: in seconds.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        *,
        per_account: int,
        per_address: int,
        period: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_account, self._per_address, self._period = per_account, per_address, period
        self._clock = clock
        self._pairs: OrderedDict[Pair, deque[float]] = OrderedDict()
        self._addresses: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()
        self._accounts: OrderedDict[str, deque[float]] = OrderedDict()
        self._known: OrderedDict[Pair, float] = OrderedDict()

    def wait(self, address: str, account: str) -> int:
        """Seconds until an attempt is allowed; 0 where it is now."""
        return ceil(max(0.0, self._wait(network(address), account, self._clock())))

    def knows(self, address: str, account: str) -> bool:
        """Whether an account has signed in from an address before."""
        return self._clock() - self._known.get((network(address), account), float("-inf")) < REMEMBERED

    def crowded(self, account: str) -> bool:
        """Whether an account is guessed at from so many addresses that those not known must wait for a turn."""
        return self._left(self._accounts.get(account), EVERYWHERE * self._per_account, self._clock()) > 0

    def begin(self, address: str, account: str, when: float | None = None) -> float:
        """Count an attempt as failed, until it is reported as succeeded: many at once are no way around limits.

        Args:
            address, account: who, and where.
            when: on the clock; None for now.

        Returns:
            When, for `withdrawn`.
        """
        place, now = network(address), self._clock() if when is None else when
        _queue(self._pairs, (place, account), self._per_account or 1).append(now)
        _queue(self._addresses, place, self._per_address + SPARE).append((now, account))
        _queue(self._accounts, account, EVERYWHERE * self._per_account + SPARE).append(now)
        return now

    def withdrawn(self, address: str, account: str, when: float) -> None:
        """Forget an attempt that was not made after all."""
        place = network(address)
        _discard(self._pairs.get((place, account)), when)
        _discard(self._addresses.get(place), (when, account))
        _discard(self._accounts.get(account), when)

    def succeeded(self, address: str, account: str, when: float | None = None) -> None:
        """Forget what failed at an account from an address, and remember that address."""
        place, now = network(address), self._clock() if when is None else when
        for when in self._pairs.pop((place, account), ()):
            _discard(self._accounts.get(account), when)
            _discard(self._addresses.get(place), (when, account))
        self._known[place, account] = now
        self._known.move_to_end((place, account))
        _shorten(self._known)

    def _wait(self, place: str, account: str, now: float) -> float:
        own = self._left(self._pairs.get((place, account)), self._per_account, now)
        if own or self.knows(place, account):
            return own
        times = deque(when for when, _ in self._addresses.get(place, ()))
        return self._left(times, self._per_address, now)

    def _left(self, times: deque[float] | None, limit: int, now: float) -> float:
        """Seconds until less than `limit` of the last attempts are within the period."""
        if not limit or times is None or len(times) < limit:
            return 0.0
        return times[-limit] + self._period - now

    def tables(self) -> Tables:
        """All that is known, as plain JSON values."""
        return {
            "pairs": [[*pair, list(times)] for pair, times in self._pairs.items()],
            "addresses": [[place, list(times)] for place, times in self._addresses.items()],
            "accounts": [[account, list(times)] for account, times in self._accounts.items()],
            "known": [[*pair, when] for pair, when in self._known.items()],
        }

    def take_over(self, tables: Tables) -> None:
        """Know what another process of this machine knew, whose clock is the same; the limits may be others."""
        for place, account, times in tables["pairs"]:
            _queue(self._pairs, (place, account), self._per_account or 1).extend(times)
        for place, events in tables["addresses"]:
            _queue(self._addresses, place, self._per_address + SPARE).extend(
                (when, account) for when, account in events
            )
        for account, times in tables["accounts"]:
            _queue(self._accounts, account, EVERYWHERE * self._per_account + SPARE).extend(times)
        for place, account, when in tables["known"]:
            self._known[place, account] = when


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, the /64 of an IPv6 address (RFC 6177); other text as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def _queue(queues: OrderedDict[K, deque[V]], key: K, length: int) -> deque[V]:
    found = queues.get(key)
    if found is None:
        found = queues[key] = deque(maxlen=length)
        _shorten(queues)
    queues.move_to_end(key)
    return found


def _shorten(table: OrderedDict[K, V]) -> None:
    while len(table) > MOST:
        table.popitem(last=False)


def _discard(queue: deque[V] | None, value: V) -> None:
    if queue is not None and value in queue:
        queue.remove(value)
