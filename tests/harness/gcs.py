"""Google Cloud Storage by an emulator, as far as Google's own library and the registry's driver can be led there.

The library takes the address of the emulator from STORAGE_EMULATOR_HOST. The driver sends uploads that are larger
than a chunk to www.googleapis.com all the same, but through the proxy that HTTPS_PROXY names: that is here too, and
answers in Google's place, with a certificate that the registry must trust.
"""

from __future__ import annotations

import http.client
import http.server
import json
import shutil
import socket
import socketserver
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness import seeds
from tests.harness.server import Server

GOOGLE = "www.googleapis.com"


class GoogleServer(Server):
    """An emulator with one bucket, and beside it a proxy and who gives tokens for the service account's key.

    Attributes:
        folder: `key.json`, the service account's key, and `google.crt`, the certificate, are there.
    """

    def __init__(self, bucket: str) -> None:
        arguments = ["start", "--host", "127.0.0.1", "--port", "{port}", "--in-memory"]
        super().__init__(
            [sys.executable, "-m", "gcp_storage_emulator", *arguments, "--default-bucket", bucket]
        )
        self.folder = Path(tempfile.mkdtemp(prefix="ctl-google-"))
        self.folder.chmod(0o755)
        self._proxy = _Threads(("127.0.0.1", self.ports.take()), _Proxy)
        self._proxy.emulator = self.port
        self._tokens = http.server.ThreadingHTTPServer(("127.0.0.1", self.ports.take()), _Tokens)

    @property
    def key_file(self) -> Path:
        """The key file of a service account."""
        return self.folder / "key.json"

    @property
    def environment(self) -> dict[str, str]:
        """What the registry's environment must say."""
        return {
            "STORAGE_EMULATOR_HOST": self.endpoint,
            "HTTPS_PROXY": f"http://127.0.0.1:{self._proxy.server_address[1]}",
            "SSL_CERT_FILE": str(self.folder / "google.crt"),
        }

    def objects(self, bucket: str) -> dict[str, int]:
        """The size in bytes of each object of a bucket, by its name."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"/storage/v1/b/{bucket}/o")
        found = json.loads(connection.getresponse().read())
        connection.close()
        return {one["name"]: int(one["size"]) for one in found.get("items", [])}

    @property
    def uploads_by_google(self) -> int:
        """How many connections came for www.googleapis.com."""
        return self._proxy.connections

    def __enter__(self) -> Self:
        key, certificate = seeds.server_certificate(GOOGLE)
        files = [self.folder / "google.key", self.folder / "google.crt"]
        for path, content in zip(files, (key, certificate), strict=True):
            path.write_text(content, encoding="ascii")
        self._proxy.tls.load_cert_chain(files[1], files[0])
        self.key_file.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "client_email": "registry@example.com",
                    "private_key_id": "1",
                    "private_key": seeds.pair()[0],
                    "token_uri": f"http://127.0.0.1:{self._tokens.server_address[1]}/token",
                }
            ),
            encoding="ascii",
        )
        for server in (self._proxy, self._tokens):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._proxy, self._tokens):
            server.shutdown()
            server.server_close()
        super().__exit__(kind, error, trace)
        shutil.rmtree(self.folder)


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    emulator = 0
    connections = 0

    def __init__(self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(address, handler)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class _Proxy(socketserver.StreamRequestHandler):
    """Takes CONNECT (RFC 9110, section 9.3.6), and speaks in Google's place with the emulator's voice."""

    rbufsize = 0

    def handle(self) -> None:
        assert isinstance(self.server, _Threads)
        assert self.rfile.readline().split()[1] == f"{GOOGLE}:443".encode()
        while self.rfile.readline().strip():
            pass
        self.server.connections += 1
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        emulator = ("127.0.0.1", self.server.emulator)
        with (
            self.server.tls.wrap_socket(self.connection, server_side=True) as client,
            socket.create_connection(emulator) as server,
        ):
            back = threading.Thread(target=_relay, args=(server, client), daemon=True)
            back.start()
            # the emulator decides where the upload goes on by the name that it was called by
            _relay(client, server, (f"Host: {GOOGLE}".encode(), b"Host: %s:%d" % (b"127.0.0.1", emulator[1])))
            back.join()


def _relay(
    source: socket.socket, target: socket.socket, change: tuple[bytes, bytes] = (b"\0\0\0\0", b"\0\0\0\0")
) -> None:
    try:
        while part := source.recv(65536):
            target.sendall(part.replace(*change))
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one of the two has ended


class _Tokens(http.server.BaseHTTPRequestHandler):
    """Gives any key a token (RFC 7523, section 2.1)."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"access_token": "any", "token_type": "Bearer", "expires_in": 3600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
