"""A client that keeps its connection and reads no more of an answer than a soak needs: processor time is for pushes."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tests.harness.images import MANIFEST

_SECONDS = 60.0
_ENDS = b"\r\n\r\n"


@dataclass(frozen=True)
class Plain:
    """An answer.

    Args:
        status: of HTTP.
        head: its headers, as they came.
        body: its content.
    """

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """A header, "" where it is missing."""
        at = self.head.lower().find(b"\r\n" + name.lower().encode() + b":")
        if at < 0:
            return ""
        return self.head[at + len(name) + 3 :].partition(b"\r\n")[0].strip().decode("ascii")


class KeptAlive:
    """One connection to a registry on loopback.

    Args:
        port: of the registry.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def request(self, method: str, path: str, body: bytes = b"", media_type: str = "") -> Plain:
        """Send one request; once more where the server has closed the connection meanwhile.

        Raises:
            OSError: nothing answers.
        """
        kind = f"Content-Type: {media_type}\r\n" if media_type else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {MANIFEST}\r\n"
            f"{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        if self._socket is not None:
            try:
                return self._exchange(self._socket, head.encode() + body, bodiless=method == "HEAD")
            except ConnectionError:
                self._socket.close()
        self._socket = socket.create_connection(("127.0.0.1", self._port), _SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._exchange(self._socket, head.encode() + body, bodiless=method == "HEAD")

    @staticmethod
    def _exchange(connection: socket.socket, sent: bytes, *, bodiless: bool) -> Plain:
        connection.sendall(sent)
        received = _more(connection)
        while _ENDS not in received:
            received += _more(connection)
        head, _, body = received.partition(_ENDS)
        found = Plain(int(head[9:12]), head, body)
        length = 0 if bodiless else int(found.header("Content-Length") or 0)
        while len(body) < length:
            body += _more(connection)
        return Plain(found.status, head, body)


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionResetError("the server closed the connection")
    return part
