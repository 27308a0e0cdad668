"""A way to a server over HTTP on which a client is killed between two of its requests."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHANGING = ("PUT", "POST", "DELETE")


class Way(ThreadingHTTPServer):
    """Hands requests on, and counts those that change something.

    Args:
        server: host and port of the server.
    """

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.server = server
        self._lock = threading.Lock()
        self.expect()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def expect(self, number: int = 0, *, answered: bool = False) -> None:
        """Count anew.

        Args:
            number: of the request at which the client is killed; 0 for none.
            answered: whether the server gets that request, too.
        """
        self.count, self.victim = 0, 0
        self._number, self._answered = number, answered

    def passes(self, method: str) -> tuple[bool, bool]:
        """Whether the client must be killed before a request is handed on, and whether after it was."""
        with self._lock:
            self.count += method in CHANGING
            here = bool(self._number) and method in CHANGING and self.count >= self._number
        return here and not self._answered, here

    def kill(self) -> None:
        """Kill the client."""
        os.kill(self.victim, signal.SIGKILL)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Way

    def _hand_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        before, after = self.server.passes(self.command)
        if before:
            self.server.kill()
            self.close_connection = True
            return
        onward = http.client.HTTPConnection(self.server.server)
        onward.request(self.command, self.path, content, dict(self.headers))
        answer = onward.getresponse()
        body = answer.read()
        onward.close()
        if after:
            self.server.kill()
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _hand_on  # noqa: N815 - names of http.server

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as there
        """Keep quiet."""


@contextmanager
def way_to(server: str) -> Iterator[Way]:
    """A way to a server that lasts as long as the context.

    Args:
        server: its URL.
    """
    way = Way(server.partition("//")[2])
    thread = threading.Thread(target=way.serve_forever, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.shutdown()
        thread.join()
        way.server_close()
