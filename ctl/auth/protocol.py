"""HTTP as uvicorn speaks it, with a time limit for header fields, a bound of connections, and the header Date."""

from __future__ import annotations

import asyncio
import functools
import time
from email.utils import formatdate

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
"""In which the header fields of a request must have come, the first after connecting, others after they began."""
MOST_CONNECTIONS = 1024
"""Beyond them a connection is closed at once."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Further bytes; where they begin a request on an idle connection, its header fields must follow."""
        self.server_state.default_headers = _date(int(time.time()))
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._await_headers()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """They came in time."""
        self._headers_came()
        super().on_headers_complete()

    def _await_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _headers_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@functools.lru_cache(maxsize=1)
def _date(second: int) -> list[tuple[bytes, bytes]]:
    """The header Date, made once a second, and in no second without a request."""
    return [(b"date", formatdate(second, usegmt=True).encode())]
