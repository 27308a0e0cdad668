"""One HTTP request with nothing but a socket: `ctl status` does without the libraries, which take longer to load."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ctl.machine.ports import connect_to

_LARGEST_HEAD = 65_536
HEALTH_PATH = "/health"
"""Where a program of ctl's own answers that it is well."""


class Reply(NamedTuple):
    """An HTTP answer.

    Args:
        status: as 401.
        reason: as "Unauthorized".
        headers: names in small letters.
        certificate: the leaf that the server presented, DER; b"" without TLS.
        body: what of the content was asked for.
    """

    status: int
    reason: str
    headers: Mapping[str, str] = {}
    certificate: bytes = b""
    body: bytes = b""


def get(
    address: str,
    path: str,
    *,
    host: str,
    seconds: float,
    tls: bool = False,
    proxy_protocol: bool = False,
    roots: Path | None = None,
    headers: Mapping[str, str] | None = None,
    most: int = 0,
) -> Reply:
    """GET a path.

    Args:
        address: where to connect, as `ctl.machine.ports.answers` takes it.
        path: as "/v2/".
        host: for the Host header and, without its port, the name in TLS.
        seconds: for all of it.
        tls: whether to speak TLS.
        proxy_protocol: whether the server wants to get the client's address first.
        roots: certificates to verify the server's by, which may be that very one; None verifies nothing.
        headers: further ones.
        most: bytes of content to read.

    Raises:
        OSError: no connection, no answer in time, a failed handshake (ssl.SSLError).
        ValueError: the answer is not HTTP.
    """
    end = time.monotonic() + seconds
    with connect_to(address, seconds) as plain:
        if proxy_protocol:
            plain.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n")
        with _secured(plain, host, roots) if tls else plain as link:
            fields = {"Host": host, "User-Agent": "ctl", "Connection": "close", **(headers or {})}
            lines = [
                f"GET {path} HTTP/1.{0 if most else 1}",
                *(f"{name}: {value}" for name, value in fields.items()),
            ]
            link.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            head, _, body = _received(link, end).partition(b"\r\n\r\n")
            reply = _parse(head)
            while len(body) < most and (part := _part(link, end)):
                body += part
            presented = link.getpeercert(binary_form=True) if tls else b""  # type: ignore[attr-defined]
    return Reply(reply.status, reply.reason, reply.headers, presented or b"", body[:most])


def _secured(plain: socket.socket, host: str, roots: Path | None) -> socket.socket:
    import ssl  # loaded here because only a vhost with TLS needs it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if roots is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(roots)
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.strip("[]")
    # as bytes for the reason of connect_to
    return context.wrap_socket(plain, server_hostname=name.encode("ascii") if name.isascii() else name)


def _received(link: socket.socket, end: float) -> bytes:
    """The head, and what came with it."""
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _LARGEST_HEAD:
        part = _part(link, end)
        if not part:
            break
        received += part
    return received


def _part(link: socket.socket, end: float) -> bytes:
    link.settimeout(max(0.001, end - time.monotonic()))
    return link.recv(4096)


def _parse(head: bytes) -> Reply:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    number, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/") or not number.isdecimal():
        raise ValueError("no HTTP")
    pairs = (line.partition(":") for line in lines)
    return Reply(int(number), reason, {name.strip().lower(): value.strip() for name, _, value in pairs})
