"""The token issuer as a process: signers beside it, one event loop, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import uvicorn

from ctl.auth.app import App
from ctl.auth.attempts import FailedAttempts
from ctl.auth.config import Config
from ctl.auth.decisions import Log
from ctl.auth.issuer import Issuer
from ctl.auth.memory import Memory
from ctl.auth.protocol import MOST_CONNECTIONS, Protocol
from ctl.auth.refresh import RefreshTokens
from ctl.auth.signers import Signers, fork_signers, usual_number
from ctl.auth.store import Watched
from ctl.auth.verified import Verified
from ctl.errors import CtlError
from ctl.registry.token import SigningKey

GRACE = 20
"""Seconds in which requests under way are finished after SIGTERM; they take some tenths."""
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than another NGINX keeps it (60 s); ctl's makes new ones."""


def serve(config: Config) -> int:
    """Serve until SIGTERM.

    Returns:
        The exit code: 1 where a signer has ended by itself, for the supervisor to start all of it anew.

    Raises:
        CtlError: the key cannot be used, or the address not be listened on.
    """
    pem = read_key(Path(config.key_file))
    refresh = RefreshTokens(pem, issuer=config.issuer, service=config.service)
    signers = Signers(fork_signers(SigningKey(pem), config.signers or usual_number()))
    del pem
    # after the signers: they would hold the port open while the server ends
    place = config.listen or f"unix:{os.environ.get('CTL_SOCKET', '')}"
    listening = listen(place)
    return asyncio.run(_run(config, place, listening, signers, refresh))


async def _run(
    config: Config, place: str, listening: socket.socket, signers: Signers, refresh: RefreshTokens
) -> int:
    log = Log()
    watched = Watched(Path(config.accounts_file), log.event)
    memory = _memory(config, log)
    if not config.listen:
        own = Path(place.removeprefix("unix:"))
        await memory.take_over(own)
        await memory.share(own)
    issuer = Issuer(config, watched.current, signers, refresh, memory)
    app = App(issuer, realm=config.realm, log=log, start=signers.start, stop=issuer.close)
    server = _Server(_server_config(app))
    watcher = asyncio.create_task(_end_with_signers(signers, server, log))
    watched.current()
    log.event(f"listening on {place}")
    try:
        await server.serve(sockets=[listening])
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        signers.close()
    log.event("ended")
    return int(signers.lost.is_set() or not server.started)


def _memory(config: Config, log: Log) -> Memory:
    attempts = FailedAttempts(
        per_account=config.failed_per_account,
        per_address=config.failed_per_address,
        period=config.failed_period,
    )
    return Memory(attempts, Verified(), log.event)


class _Server(uvicorn.Server):
    """Sleeps until it must end, where uvicorn's own looks ten times a second whether it must.

    It ends after a signal without sending it to itself once more, so that what comes after it is done, too.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until `end`. Nothing else is left to look for: the protocol sets the header Date."""
        await self._ending.wait()

    def end(self) -> None:
        """Finish what is under way, then end."""
        self.should_exit = True
        self._ending.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come; the second SIGINT waits for no request."""
        super().handle_exit(sig, frame)
        self._ending.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Finish what is under way, at a signal. After SIGHUP the supervisor starts it anew, as after SIGTERM."""
        loop, ending = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in ending:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
        for number in ending:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


def _server_config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=None,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


async def _end_with_signers(signers: Signers, server: _Server, log: Log) -> None:
    await signers.lost.wait()
    log.event("a signer ended by itself: the service ends, to be started anew")
    server.end()


def listen(address: str) -> socket.socket:
    """A listening socket.

    Args:
        address: "host:port", or "unix:/path".

    Raises:
        CtlError: the address cannot be had.
    """
    try:
        made = _bound(address)
    except OSError as error:
        raise CtlError(f"cannot listen on {address}: {error.strerror}") from error
    made.listen(MOST_CONNECTIONS)
    return made


def _bound(address: str) -> socket.socket:
    if address.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.bind(address.removeprefix("unix:"))
        return made
    host, _, port = address.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    family, kind, protocol, _, place = found[0]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(place)
    return made


def read_key(path: Path) -> str:
    """The registry's internal key.

    Raises:
        CtlError: it cannot be read.
    """
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not PEM"
        raise CtlError(f"{path}: cannot be read: {reason}") from None
