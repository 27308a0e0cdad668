"""Passes connections at one address on to the debug server of the process that serves.

The program's debug server listens on TCP only, and two processes cannot have one port.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

_BUFFER = 1 << 16
_SECONDS = 60.0
"""After which a connection that says nothing is closed: profiles take 30 s."""


class Relay:
    """A listener at an address.

    Args:
        address: "127.0.0.1:5001".
        port: returns the port on the same host at which the process that serves answers now; None for none.
    """

    def __init__(self, address: str, port: Callable[[], int | None]) -> None:
        self.host = host_of(address)
        self._port = port
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, int(address.rpartition(":")[2])))
        self.listener.listen()

    def accept(self) -> None:
        """Take one connection, and serve it in threads of its own."""
        client, _ = self.listener.accept()
        port = self._port()
        if port is None:
            client.close()
            return
        threading.Thread(target=_serve, args=(client, self.host, port), daemon=True).start()


def host_of(address: str) -> str:
    """The host of an address; loopback where it names none."""
    return address.rpartition(":")[0].strip("[]") or "127.0.0.1"


def free_port(host: str) -> int:
    """A port on a host that nobody has now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _serve(client: socket.socket, host: str, port: int) -> None:
    with client:
        try:
            server = socket.create_connection((host, port), timeout=_SECONDS)
        except OSError:
            return  # the client sees the connection closed
        with server:
            client.settimeout(_SECONDS)
            threading.Thread(target=_copy, args=(client, server), daemon=True).start()
            _copy(server, client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until either side closes."""
    with suppress(OSError):
        while data := source.recv(_BUFFER):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
