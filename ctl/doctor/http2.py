"""One request over HTTP/2 (RFC 9113), to see whether a server that offers it answers over it; only the status is read.

Clients in Go (Docker, containerd, skopeo) take HTTP/2 wherever it is offered.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ctl.doctor.web import SECONDS, TOTAL, Server, no_longer

if TYPE_CHECKING:
    from h2.connection import H2Connection
    from h2.events import Event


def offers(server: Server) -> bool:
    """Whether it takes HTTP/2 from a client that names it (ALPN). Raises OSError."""
    with server.handshake(_context(server)) as link:
        return link.selected_alpn_protocol() == "h2"


def status(server: Server, path: str) -> int:
    """The status of the answer to a GET.

    Raises:
        OSError: it does not answer in HTTP/2; says how it does instead.
    """
    # imported here, as other libraries that only one check needs: it takes as long as all of click
    from h2.connection import H2Connection
    from h2.events import ConnectionTerminated, ResponseReceived, StreamReset

    connection = H2Connection()
    connection.initiate_connection()
    connection.send_headers(1, _request(server, path), end_stream=True)
    with server.handshake(_context(server), SECONDS) as link, no_longer(link, TOTAL):
        for event in _events(connection, link):
            if isinstance(event, ResponseReceived):
                return int(dict(event.headers)[b":status"])
            if isinstance(event, ConnectionTerminated | StreamReset):
                code = getattr(event.error_code, "name", event.error_code)
                raise ConnectionError(f"it ends the connection: {code}")
    raise ConnectionError("it ends the connection without an answer")


def _context(server: Server) -> ssl.SSLContext:
    """The certificate is judged elsewhere."""
    context = server.context(verify=False)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _request(server: Server, path: str) -> list[tuple[str, str]]:
    authority = server.parts.netloc.rpartition("@")[2]
    names = {
        ":method": "GET",
        ":scheme": "https",
        ":authority": authority,
        ":path": path,
        "user-agent": "ctl",
    }
    return [*names.items()]


def _events(connection: H2Connection, link: ssl.SSLSocket) -> Iterator[Event]:
    """What the other side sends, until it ends the connection; what the protocol wants in return is sent."""
    from h2.exceptions import H2Error

    link.sendall(connection.data_to_send())
    while content := link.recv(1 << 16):
        if content.startswith(b"HTTP/"):
            raise ConnectionError(f"it answers in {content[:9].decode(errors='replace').strip()}")
        try:
            yield from connection.receive_data(content)
        except H2Error as error:
            raise ConnectionError(f"what it answers is not HTTP/2: {error}") from error
        link.sendall(connection.data_to_send())
