"""Processes that sign: a signature with RSA 4096 is some milliseconds of work, during which Python does nothing else.

Each is forked before the server begins, holds the key, and signs what comes through a pair of sockets, a line
for a line. It ends when the server does, however that ends. A signer that ends by itself ends the server: the
supervisor starts both anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ctl.registry.token import SigningKey

MOST_PENDING = 512
"""Tokens that may wait for their signature: at 200 a second, more wait longer than clients do."""
MOST_SIGNERS = 16


class Busy(Exception):
    """Too many wait already."""


def usual_number() -> int:
    """One a CPU that this process may use."""
    return min(len(os.sched_getaffinity(0)), MOST_SIGNERS)


def fork_signers(key: SigningKey, count: int) -> list[socket.socket]:
    """Start signers. Before any thread, and any event loop, of this process.

    Args:
        key: signs.
        count: of processes.

    Returns:
        A socket to each.
    """
    ours: list[socket.socket] = []
    for _ in range(count):
        near, far = socket.socketpair()
        if os.fork() == 0:
            for other in (*ours, near):
                other.close()
            _serve(key, far)
        far.close()
        ours.append(near)
    return ours


def _serve(key: SigningKey, line: socket.socket) -> NoReturn:
    """A signer's life. The signals that end the server are the server's: it has requests to finish."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with line.makefile("rwb") as stream:
            for request in stream:
                stream.write(key.sign(json.loads(request)).encode("ascii") + b"\n")
                stream.flush()
        code = 0
    except OSError:  # the server is gone
        code = 0
    except Exception as error:
        sys.stderr.write(f"a signer failed: {type(error).__name__}: {error}\n")
        sys.stderr.flush()
    os._exit(code)


class Signers:
    """The signers as the server's event loop sees them.

    Args:
        sockets: as `fork_signers` returns them.

    Attributes:
        lost: set once a signer has ended by itself.
    """

    def __init__(self, sockets: list[socket.socket]) -> None:
        self._sockets = sockets
        self._lines: list[_Line] = []
        self.lost = asyncio.Event()

    async def start(self) -> None:
        """Connect; in the event loop that calls `sign`."""
        for one in self._sockets:
            reader, writer = await asyncio.open_connection(sock=one)
            self._lines.append(_Line(reader, writer, self.lost.set))

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """A token of these claims, by whichever signer has least to do.

        Raises:
            Busy: too many wait, or the signers have ended.
        """
        line = min(self._lines, key=lambda one: one.pending)
        if sum(one.pending for one in self._lines) >= MOST_PENDING or line.ended:
            raise Busy
        return await line.sign(claims)

    def close(self) -> None:
        """Let the signers end."""
        for one in self._lines:
            one.close()


class _Line:
    """One signer: answers come in the order of the requests."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: Callable[[], None]
    ) -> None:
        self._reader, self._writer, self._lost = reader, writer, lost
        self._waiting: deque[asyncio.Future[str]] = deque()
        self.ended = False
        self._task = asyncio.create_task(self._receive())

    @property
    def pending(self) -> int:
        """Requests without an answer."""
        return len(self._waiting)

    def sign(self, claims: Mapping[str, Any]) -> asyncio.Future[str]:
        """The token, once it is there."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._writer.write(json.dumps(claims).encode("ascii") + b"\n")
        return future

    def close(self) -> None:
        """Close the socket."""
        self._task.cancel()
        self._writer.close()

    async def _receive(self) -> None:
        while answer := await self._answer():
            future = self._waiting.popleft()
            # whoever waited may have gone away
            if not future.done():
                future.set_result(answer.decode("ascii").rstrip("\n"))
        self.ended = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(Busy())
        self._waiting.clear()
        self._lost()

    async def _answer(self) -> bytes:
        try:
            answer = await self._reader.readline()
        except OSError:
            return b""
        return answer if answer.endswith(b"\n") else b""
