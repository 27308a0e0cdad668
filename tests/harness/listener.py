"""An HTTP server that takes notifications, and can fail at first; of all else it keeps the path."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Event:
    """One event of a delivery.

    Args:
        path: to which it was posted.
        headers: of the delivery.
        content: the event itself.
    """

    path: str
    headers: Message
    content: dict[str, Any]

    @property
    def about(self) -> tuple[str, str]:
        """Action and media type."""
        return self.content["action"], self.content["target"]["mediaType"]

    @property
    def repository(self) -> str:
        """Of the image."""
        return str(self.content["target"]["repository"])


@dataclass
class Listener:
    """What has arrived.

    Args:
        url: of the server; endpoints differ by the path behind it.
        events: those of deliveries that were answered with 200.
        failures: how many deliveries to each path are still to be refused with 500.
        refused: how many were, by path.
        ahead: seconds by which its clock is.
        paths: to which anything was posted.
    """

    url: str = ""
    events: list[Event] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    ahead: float = 0.0
    paths: list[str] = field(default_factory=list)

    def at(self, path: str) -> list[Event]:
        """What arrived at one endpoint."""
        return [event for event in list(self.events) if event.path == path]


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a loopback port of its own."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(data) if "json" in self.headers["Content-Type"] else {}
            listener.paths.append(self.path)
            fails = listener.failures.get(self.path, 0) > 0
            if fails:
                listener.failures[self.path] -= 1
                listener.refused[self.path] = listener.refused.get(self.path, 0) + 1
            else:
                listener.events += [Event(self.path, self.headers, one) for one in body.get("events", [])]
            self.send_response(500 if fails else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + listener.ahead)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    listener.url = f"http://127.0.0.1:{server.server_port}"
    yield listener
    server.shutdown()
    server.server_close()
