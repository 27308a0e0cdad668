"""Requests of the doctor: whatever answers, or does not, they end."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from ctl.doctor.web import MOST, Server, no_longer


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], Server]]:
    """A server that does something with its first client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def begin(work: Callable[[socket.socket], None]) -> Server:
            def accept() -> None:
                with listener.accept()[0] as client:
                    work(client)

            threading.Thread(target=accept, daemon=True).start()
            return Server(f"http://127.0.0.1:{listener.getsockname()[1]}")

        yield begin


def test_what_comes_byte_by_byte_is_cut_off(serve: Callable[..., Server]) -> None:
    done = threading.Event()

    def drip(client: socket.socket) -> None:
        while not done.wait(0.01):
            client.sendall(b"x")

    def read(link: socket.socket) -> None:
        with link, no_longer(link, 0.2):
            while link.recv(1):
                pass

    with pytest.raises(ConnectionError, match="no whole answer within"):
        read(serve(drip).connect())
    done.set()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"\0\1\2 no http\r\n\r\n", "no answer in HTTP (BadStatusLine)"),
        (b"", "no answer in HTTP (RemoteDisconnected)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "no answer in HTTP (IncompleteRead)"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MOST + 2), "its answer is longer than 4 MB"),
    ],
)
def test_answers_that_are_none(serve: Callable[..., Server], answer: bytes, reason: str) -> None:
    def send(client: socket.socket) -> None:
        client.recv(65_536)
        client.sendall(answer)

    with pytest.raises(ConnectionError, match=re.escape(reason)):
        serve(send).ask("GET", "/")
