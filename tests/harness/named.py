"""A client that comes under any name, from any loopback address, with a certificate of its own if it has one."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.harness.https import Client


@dataclass(frozen=True)
class NamedClient(Client):
    """As Client, but the name is not looked up: it is that of SNI, of the Host header and of the certificate.

    Args:
        name: of the server.
        shown_port: in the Host header, where that is another than is connected to; 443 and 80 are not included.
        source: the loopback address from which it comes.
        certificate: its certificate and key.
    """

    name: str = "localhost"
    shown_port: int | None = None
    source: str = "127.0.0.1"
    certificate: tuple[Path, Path] | None = None

    def connection(self) -> http.client.HTTPConnection:
        """To that name, whatever it resolves to."""
        wire = socket.create_connection(
            ("127.0.0.1", self.port), timeout=self.timeout, source_address=(self.source, 0)
        )
        port = self.port if self.shown_port is None else self.shown_port
        if self.ca is None:
            connection = http.client.HTTPConnection(self.name, port, timeout=self.timeout)
            connection.sock = wire
            return connection
        trust = ssl.create_default_context(cafile=str(self.ca))
        if self.certificate is not None:
            trust.load_cert_chain(*self.certificate)
        secure = http.client.HTTPSConnection(self.name, port, timeout=self.timeout, context=trust)
        try:
            secure.sock = trust.wrap_socket(wire, server_hostname=self.name)
        except BaseException:
            wire.close()
            raise
        return secure
