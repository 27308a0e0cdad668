"""Limits of failed attempts to log in, per account and per address, in memory.

- One address gets a few attempts at one account, and some more at all accounts together.
- A success forgets what failed at that account from that address, and nothing else: who guesses at others
  gains nothing by an account of his own.
- Addresses from which an account has signed in before are not concerned by what others at the same address,
  or elsewhere, fail at: a robot with an old password does not lock out the office that it is in.
- Guesses at one account from ever new addresses are slowed down; nobody is locked out for long by them.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil
from typing import TypeVar

EVERYWHERE = 10
"""Failed attempts at one account from all addresses, as a multiple of those from one, that are let through."""
SLOW = 5.0
"""Seconds from one attempt to the next where there were more, from addresses that are not known."""
REMEMBERED = 24 * 60 * 60
"""Seconds for which an address is known by an account that has signed in from it."""
SPARE = 64
"""Attempts that are kept beyond a limit: those under way, which are forgotten again when they succeed."""
MOST = 20_000
"""Addresses, and pairs of address and account, that are kept; the oldest are forgotten."""

Pair = tuple[str, str]
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

    def begin(self, address: str, account: str) -> None:
        """Count an attempt as failed, until it is reported as succeeded: many at once are no way around limits."""
        place, now = network(address), self._clock()
        _queue(self._pairs, (place, account), self._per_account or 1).append(now)
        _queue(self._addresses, place, self._per_address + SPARE).append((now, account))
        _queue(self._accounts, account, EVERYWHERE * self._per_account + SPARE).append(now)

    def succeeded(self, address: str, account: str) -> None:
        """Forget what failed at an account from an address, and remember that address."""
        place, now = network(address), self._clock()
        for when in self._pairs.pop((place, account), ()):
            _discard(self._accounts.get(account), when)
            _discard(self._addresses.get(place), (when, account))
        self._known[place, account] = now
        self._known.move_to_end((place, account))
        _shorten(self._known)

    def _wait(self, place: str, account: str, now: float) -> float:
        own = self._left(self._pairs.get((place, account)), self._per_account, now)
        if own or now - self._known.get((place, account), float("-inf")) < REMEMBERED:
            return own
        times = deque(when for when, _ in self._addresses.get(place, ()))
        return max(self._left(times, self._per_address, now), self._slowness(account, now))

    def _left(self, times: deque[float] | None, limit: int, now: float) -> float:
        """Seconds until less than `limit` of the last attempts are within the period."""
        if not limit or times is None or len(times) < limit:
            return 0.0
        return times[-limit] + self._period - now

    def _slowness(self, account: str, now: float) -> float:
        times = self._accounts.get(account)
        if times is None or not self._left(times, EVERYWHERE * self._per_account, now) > 0:
            return 0.0
        return times[-1] + SLOW - now


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
