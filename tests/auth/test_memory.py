"""What one process of the issuer knows of logins, the next one knows too; and what happens while both run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from ctl.auth.attempts import FailedAttempts
from ctl.auth.memory import SUFFIX, Memory
from ctl.auth.verified import Verified


class Issuers:
    """Processes of one issuer, as far as their memory goes: the link names the one that serves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[str] = []
        (folder / "sockets").mkdir()

    def socket(self, number: int) -> Path:
        return self.folder / f"sockets/{number}.sock"

    async def started(self, number: int) -> Memory:
        attempts = FailedAttempts(per_account=3, per_address=8, period=300)
        memory = Memory(attempts, Verified(), self.events.append)
        await memory.take_over(self.socket(number))
        await memory.share(self.socket(number))
        return memory

    def promote(self, number: int) -> None:
        link = self.folder / "current.sock"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("sockets") / self.socket(number).name)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():
            await asyncio.sleep(0.01)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


def test_the_next_process_knows_what_was_and_what_comes(tmp_path: Path) -> None:
    async def test() -> None:
        issuers = Issuers(tmp_path)
        first = await issuers.started(1)
        issuers.promote(1)
        for _ in range(3):
            first.begin("192.0.2.1", "alice")
        first.succeeded("192.0.2.2", "bob")
        mark = first.verified.mark("bob", "secret", "hash")
        first.verify(mark)
        second = await issuers.started(2)
        issuers.promote(2)
        assert second.attempts.wait("192.0.2.1", "alice") > 0
        assert second.attempts.knows("192.0.2.2", "bob")
        assert second.verified.mark("bob", "secret", "hash") in second.verified
        # the first one still finishes what it has begun; a third starts meanwhile
        third = await issuers.started(3)
        for _ in range(3):
            begun = first.begin("192.0.2.3", "carol")
        first.withdrawn("192.0.2.3", "carol", begun)
        first.verify(first.verified.mark("carol", "other", "hash"))
        for one in (second, third):
            await until(lambda one=one: one.verified.mark("carol", "other", "hash") in one.verified)  # type: ignore[misc]
            assert one.attempts.tables() == first.attempts.tables()
        assert issuers.events == []

    run(test)


def test_the_first_process_has_nobody_to_ask(tmp_path: Path) -> None:
    async def test() -> None:
        issuers = Issuers(tmp_path)
        await issuers.started(1)
        issuers.promote(7)  # of a process that was killed
        await issuers.started(2)
        assert issuers.events == []

    run(test)


def test_one_that_answers_nonsense_or_nothing_is_reported_and_no_hindrance(tmp_path: Path) -> None:
    async def test() -> None:
        issuers = Issuers(tmp_path)
        server = await asyncio.start_unix_server(_nonsense, path=f"{issuers.socket(1)}{SUFFIX}")
        issuers.promote(1)
        second = await issuers.started(2)
        assert second.attempts.wait("192.0.2.1", "alice") == 0
        (event,) = issuers.events
        assert "begins without" in event
        server.close()

    run(test)


async def _nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"nonsense\n")
    writer.close()


def test_no_other_account_may_ask(tmp_path: Path) -> None:
    """The umask of the issuer decides, and its folder is its own."""

    async def test() -> None:
        before = os.umask(0o077)
        try:
            issuers = Issuers(tmp_path)
            await issuers.started(1)
        finally:
            os.umask(before)
        mode = Path(f"{issuers.socket(1)}{SUFFIX}").stat().st_mode
        assert mode & 0o077 == 0

    run(test)
