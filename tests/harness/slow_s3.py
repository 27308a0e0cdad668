"""A slow S3: a proxy in front of a server in which deletions wait for as long as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_SECONDS = 60.0
_PER_CONNECTION = {"connection", "content-length", "transfer-encoding"}


@dataclass
class Deletions:
    """What becomes of requests to delete something.

    Args:
        endpoint: URL of the proxy.
        go_on: cleared, they wait; set, they are passed on.
        waits: set while one waits.
    """

    endpoint: str
    go_on: threading.Event = field(default_factory=threading.Event)
    waits: threading.Event = field(default_factory=threading.Event)

    def pass_by(self) -> None:
        """Wait where deletions must."""
        if not self.go_on.is_set():
            self.waits.set()
            assert self.go_on.wait(_SECONDS)


@contextmanager
def slow_deletions(port: int) -> Iterator[Deletions]:
    """Put the proxy in front of a server.

    Args:
        port: of the server, on 127.0.0.1.
    """

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "DELETE" or "delete" in parse_qs(
                urlsplit(self.path).query, keep_blank_values=True
            ):
                deletions.pass_by()
            behind = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _PER_CONNECTION:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815 - as http.server names them

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        deletions = Deletions(f"http://127.0.0.1:{server.server_port}")
        deletions.go_on.set()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield deletions
        finally:
            deletions.go_on.set()
            server.shutdown()
            thread.join()
