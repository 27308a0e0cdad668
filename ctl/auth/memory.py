"""What the issuer remembers of logins, and how the process that replaces it comes to know it.

It is never on disk. A new process connects to a socket beside that of the process that serves, which only their account
may open, gets all that is known, and then each event until the other has ended: two processes know the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ctl.auth.attempts import FailedAttempts
from ctl.auth.verified import Verified
from ctl.machine.unix_socket import short_path

SUFFIX = ".memory"
LINK = "current.sock"
"""Names the process that serves (ctl.graceful)."""
_SECONDS = 5.0
"""In which what is known must have come."""
_LONGEST_LINE = 1 << 26
_MOST_UNREAD = 1 << 22
"""Bytes that a process may be behind; one that reads no more is left alone."""


class Memory:
    """Failed attempts and verified logins.

    Args:
        attempts, verified: both kinds.
        event: writes a line into the log.
    """

    def __init__(self, attempts: FailedAttempts, verified: Verified, event: Callable[[str], None]) -> None:
        self.attempts, self.verified = attempts, verified
        self._event = event
        self._followers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, address: str, account: str) -> float:
        """As FailedAttempts.begin."""
        when = self.attempts.begin(address, account)
        self._publish("begin", address, account, when)
        return when

    def withdrawn(self, address: str, account: str, when: float) -> None:
        """As FailedAttempts.withdrawn."""
        self.attempts.withdrawn(address, account, when)
        self._publish("withdrawn", address, account, when)

    def succeeded(self, address: str, account: str) -> None:
        """As FailedAttempts.succeeded."""
        self.attempts.succeeded(address, account)
        self._publish("succeeded", address, account)

    def verify(self, mark: bytes) -> None:
        """Remember credentials that were right just now."""
        self._publish("verified", mark.hex(), self.verified.add(mark))

    # --- from one process to the next

    async def share(self, own: Path) -> None:
        """Let the next process ask; beside the socket of this one."""
        with short_path(f"{own}{SUFFIX}") as path:
            await asyncio.start_unix_server(self._answer, path=path)

    async def take_over(self, own: Path) -> None:
        """Learn what the process that serves now knows, if there is one, and go on to follow it.

        Args:
            own: the socket of this process.
        """
        source = own.parent.parent / LINK
        with suppress(FileNotFoundError, ConnectionRefusedError):  # there is none: this is the first
            served = own.parent / source.readlink().name
            try:
                async with asyncio.timeout(_SECONDS):
                    with short_path(f"{served}{SUFFIX}") as path:
                        reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST_LINE)
                    self._know(json.loads(await reader.readline()))
            except (TimeoutError, ValueError, KeyError, TypeError) as error:
                self._event(f"begins without what the process before knew of logins: {type(error).__name__}")
                return
            self._keep(self._follow(reader, writer))

    def _know(self, tables: dict[str, Any]) -> None:
        self.attempts.take_over(tables["attempts"])
        self.verified.take_over(tables["verified"])

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kinds: dict[str, Callable[..., object]] = {
            "begin": self.attempts.begin,
            "withdrawn": self.attempts.withdrawn,
            "succeeded": self.attempts.succeeded,
            "verified": lambda mark, until: self.verified.add(bytes.fromhex(mark), until),
        }
        while line := await reader.readline():
            kind, *facts = json.loads(line)
            kinds[kind](*facts)
            self._send(line)  # to the process that follows this one meanwhile
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = {"attempts": self.attempts.tables(), "verified": self.verified.tables()}
        writer.write(json.dumps(known).encode("ascii") + b"\n")
        self._followers.add(writer)
        await reader.read()
        self._followers.discard(writer)
        writer.close()

    def _publish(self, *event: object) -> None:
        if self._followers:
            self._send(json.dumps(event).encode("ascii") + b"\n")

    def _send(self, line: bytes) -> None:
        for writer in list(self._followers):
            if writer.transport.get_write_buffer_size() > _MOST_UNREAD:
                self._followers.discard(writer)
                writer.close()
            else:
                writer.write(line)

    def _keep(self, follow: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.create_task(follow)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
