"""Who has a password checked in a flood: whoever asks least."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ctl.auth.turns import Crowded, Turns


class Checks:
    """Checks that go on until a test lets them end."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []
        self._ends: asyncio.Semaphore = asyncio.Semaphore(0)

    async def ask(self, address: str, account: str, *, known: bool = False, slow: bool = False) -> None:
        try:
            async with self.turns.one(address, account, known=known, slow=slow):
                self.order.append((address, account))
                await self._ends.acquire()
        except Crowded:
            self.refused.append((address, account))

    async def end(self, number: int = 1) -> None:
        """Let checks end, one after the other."""
        for _ in range(number):
            self._ends.release()
            await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


async def flood(checks: Checks, addresses: int, times: int, account: str = "") -> list[asyncio.Task[None]]:
    """Each address asks some times, for an account or for ever new ones."""
    tasks = []
    for turn in range(times):
        for number in range(addresses):
            name = account or f"guess-{turn}-{number}"
            tasks.append(asyncio.create_task(checks.ask(f"198.51.100.{number}", name)))
        await settled()
    return tasks


@pytest.mark.parametrize("account", ["", "alice"])
def test_a_first_login_comes_before_those_who_ask_again_and_again(account: str) -> None:
    async def test() -> None:
        checks = Checks(Turns(1, most=50))
        tasks = await flood(checks, 10, 8, account)
        assert checks.refused
        first = asyncio.create_task(checks.ask("203.0.113.1", "alice"))
        await checks.end(12)  # each of the others asks for the first time once
        assert ("203.0.113.1", "alice") in checks.order
        assert first.done() or checks.order[-1] == ("203.0.113.1", "alice")
        assert ("203.0.113.1", "alice") not in checks.refused
        for one in (*tasks, first):
            one.cancel()

    run(test)


def test_who_is_known_is_next() -> None:
    async def test() -> None:
        checks = Checks(Turns(1, most=20))
        tasks = await flood(checks, 30, 1)
        tasks.append(asyncio.create_task(checks.ask("203.0.113.1", "alice", known=True)))
        await settled()
        await checks.end()
        assert checks.order[-1] == ("203.0.113.1", "alice")
        for one in tasks:
            one.cancel()

    run(test)


def test_an_attack_on_one_account_leaves_room_for_others() -> None:
    """Of addresses that are all new, so that nothing but the account distinguishes them."""

    async def test() -> None:
        checks = Checks(Turns(1, most=50))
        tasks = [asyncio.create_task(checks.ask(f"2001:db8:0:{n:x}::1", "admin")) for n in range(200)]
        await settled()
        tasks.append(asyncio.create_task(checks.ask("203.0.113.1", "alice")))
        await settled()
        await checks.end(2)
        assert ("203.0.113.1", "alice") in checks.order
        for one in tasks:
            one.cancel()

    run(test)


def test_no_more_wait_and_run_than_may() -> None:
    async def test() -> None:
        checks = Checks(Turns(2, most=5))
        tasks = await flood(checks, 20, 1)
        assert len(checks.order) == 2
        assert len(checks.refused) == 13
        await checks.end(7)
        assert len(checks.order) == 7
        assert all(one.done() for one in tasks)

    run(test)


def test_turns_at_a_crowded_account_are_rare_and_go_to_who_asks_least() -> None:
    async def test() -> None:
        now = [0.0]
        checks = Checks(Turns(2, pause=0.2, clock=lambda: now[0]))
        tasks = [
            asyncio.create_task(checks.ask(f"198.51.100.{n % 5}", "admin", slow=True)) for n in range(20)
        ]
        await settled()
        assert len(checks.order) == 1
        tasks.append(asyncio.create_task(checks.ask("203.0.113.1", "bob")))
        await settled()
        assert checks.order[-1] == ("203.0.113.1", "bob"), "others go on"
        await checks.end(2)
        assert len(checks.order) == 2
        for turn in range(6):
            if turn == 4:
                tasks.append(asyncio.create_task(checks.ask("203.0.113.2", "admin", slow=True)))
            now[0] += 0.2
            checks.turns._give()
            await checks.end()
        assert len(checks.order) == 8
        assert ("203.0.113.2", "admin") in checks.order[-2:]
        for one in tasks:
            one.cancel()

    run(test)


def test_nobody_waits_for_ever() -> None:
    async def test() -> None:
        checks = Checks(Turns(1, longest=0.05))
        tasks = await flood(checks, 3, 1)
        await asyncio.gather(*tasks[1:])
        assert len(checks.refused) == 2
        await checks.end()
        assert tasks[0].done()

    run(test)


def test_whose_secret_was_right_asks_as_if_for_the_first_time() -> None:
    async def test() -> None:
        turns = Turns(1)
        for _ in range(5):
            async with turns.one("192.0.2.1", "robot", known=False, slow=False):
                pass
        turns.forgive("192.0.2.1", "robot")
        assert not turns._asked

    run(test)
