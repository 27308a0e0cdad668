"""Requests as bytes, of any form, to the registry's address of a root; and many of them in a row."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from collections import Counter
from typing import Any

from tests.harness.https import Answer
from tests.harness.root import Root


def connect(
    root: Root, *, tls: bool = True, source: str = "127.0.0.1", certificate: str = ""
) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", root.port), timeout=30, source_address=(source, 0))
    if not tls:
        return plain
    trust = ssl.create_default_context(cafile=str(root.ca))
    if certificate:
        trust.load_cert_chain(certificate)
    return trust.wrap_socket(plain, server_hostname="localhost")


def ask(root: Root, request: bytes, **how: Any) -> Answer:  # noqa: ANN401
    """Send bytes, and read the answer to them."""
    with connect(root, **how) as link:
        link.sendall(request)
        return answer(link)


def answer(link: socket.socket) -> Answer:
    received = b""
    while part := link.recv(65_536):
        received += part
        head, _, body = received.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if length and len(body) >= int(length[0].partition(b":")[2]):
            break
    head, _, body = received.partition(b"\r\n\r\n")
    first, _, fields = head.partition(b"\r\n")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    return Answer(int(first.split()[1]), headers, body)


def get(path: str = "/v2/", host: str = "localhost", *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode()


def flood(root: Root, request: bytes, number: int, source: str) -> Counter[int]:
    """Requests in a row on a few connections. Returns how often each status came."""
    found: Counter[int] = Counter()

    def send() -> None:
        link = connect(root, source=source)
        for _ in range(number // 4):
            link.sendall(request)
            found[answer(link).status] += 1
        link.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
