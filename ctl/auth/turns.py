"""Who is next to have a password checked: some 80 ms of work, of which a flood of wrong ones asks for too much.

- Few checks run at once, and few requests wait; beyond that the one with the least claim is refused.
- An address that asks often has less claim than one that asks for the first time; of two, every other turn looks at
  how often their accounts were asked for, so that neither an attack on one account nor one on all shuts out the rest.
- Equals draw lots: who comes first when all is full would be whoever asks most.
- At an account that is guessed at from everywhere, an address that is not known waits for one of its rare turns.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ctl.auth.attempts import MOST, network

MOST_WAITING = 256
"""Requests that wait for a turn; each holds a connection."""
LONGEST = 20.0
"""Seconds that one waits: clients give up after some more."""
PAUSE = 5.0
"""Seconds from one turn to the next at an account that is guessed at from everywhere."""
MEMORY = 60.0
"""Seconds after which it is forgotten how often somebody asked."""


class Crowded(Exception):
    """No turn: too many wait who have more claim to one."""


@dataclass(eq=False)
class _Waiting:
    address: int
    account: int
    lot: float
    slow: str
    turn: asyncio.Future[None]

    def claim(self, *, by_account: bool) -> tuple[int, int, float]:
        """The least is next."""
        return self.address, self.account if by_account else 0, self.lot


class Turns:
    """The queue. For one event loop.

    Args:
        workers: checks at once.
        most: requests that wait.
        pause: seconds between turns at an account that is guessed at from everywhere.
        longest: seconds that one waits.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        workers: int,
        *,
        most: int = MOST_WAITING,
        pause: float = PAUSE,
        longest: float = LONGEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free, self._most, self._pause, self._longest, self._clock = workers, most, pause, longest, clock
        self._waiting: list[_Waiting] = []
        self._by_account = False
        self._asked: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._slow: OrderedDict[str, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def one(self, address: str, account: str, *, known: bool, slow: bool) -> AsyncIterator[None]:
        """A turn, for the time of the block.

        Args:
            address: of the client.
            account: at which it wants to sign in.
            known: whether that account has signed in from there before.
            slow: whether the account is guessed at from everywhere, and this address is not known.

        Raises:
            Crowded: others have more claim, or it took too long.
        """
        place = -1 if known else self._count("address", network(address))
        turn = asyncio.get_running_loop().create_future()
        times, lot = self._count("account", account), random.random()  # noqa: S311 - a lot, no secret
        entry = _Waiting(place, times, lot, account if slow else "", turn)
        self._waiting.append(entry)
        self._refuse_beyond()
        self._give()
        try:
            async with asyncio.timeout(self._longest):
                await turn
        except TimeoutError:
            if turn.done() and not turn.cancelled():  # it came in this very moment
                self._release()
            raise Crowded from None
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
        try:
            yield
        finally:
            self._release()

    def forgive(self, address: str, account: str) -> None:
        """Forget how often it was asked: the secret was right."""
        self._asked.pop(("address", network(address)), None)
        self._asked.pop(("account", account), None)

    def _count(self, kind: str, name: str) -> int:
        """How often somebody asked before, within the memory; and count this time."""
        now, key = self._clock(), (kind, name)
        since, times = self._asked.get(key, (now, 0))
        if now - since > MEMORY:
            since, times = now, 0
        self._asked[key] = since, times + 1
        self._asked.move_to_end(key)
        while len(self._asked) > 2 * MOST:
            self._asked.popitem(last=False)
        return times

    def _refuse_beyond(self) -> None:
        if len(self._waiting) > self._most:
            last = max(self._waiting, key=lambda one: one.claim(by_account=True))
            self._waiting.remove(last)
            last.turn.set_exception(Crowded())

    def _release(self) -> None:
        self._free += 1
        self._give()

    def _give(self) -> None:
        while self._free:
            ready = [one for one in self._waiting if not one.slow or self._pause_left(one.slow) <= 0]
            if not ready:
                break
            self._by_account = not self._by_account
            chosen = min(ready, key=lambda one: one.claim(by_account=self._by_account))
            self._waiting.remove(chosen)
            if chosen.turn.done():
                continue  # its time is over
            self._free -= 1
            self._start_pause(chosen.slow)
            chosen.turn.set_result(None)
        self._look_again()

    def _pause_left(self, account: str) -> float:
        return self._slow.get(account, float("-inf")) + self._pause - self._clock()

    def _start_pause(self, account: str) -> None:
        if account:
            self._slow[account] = self._clock()
            self._slow.move_to_end(account)
            while len(self._slow) > MOST:
                self._slow.popitem(last=False)

    def _look_again(self) -> None:
        """When the next pause of an account is over for which somebody waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pauses = [self._pause_left(one.slow) for one in self._waiting if one.slow]
        if self._free and pauses:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, min(pauses)), self._give)
