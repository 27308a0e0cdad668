"""GitLab as the registry meets it: a server with TLS that signs tokens for users, and can be wrong in each way."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.harness import tokens

USER, PASSWORD = "ada", "s3cret-of-ada-in-gitlab"


@dataclass
class GitLab:
    """What it does; each can be changed while it runs.

    Args:
        key: with which it signs.
        issuer: as which it signs.
        status: of every answer; 0: as it should be.
        ahead: seconds by which its clock is ahead.
        lifetime: seconds for which its tokens are good.
        location: where it sends whoever wants a token; "" for nowhere.
        page: what it shows in place of a token.
        endless: whether its answers never end.
    """

    key: str
    issuer: str = "omnibus-gitlab-issuer"
    status: int = 0
    ahead: int = 0
    lifetime: int = 300
    location: str = ""
    page: bytes = b""
    endless: bool = False

    def answer(self, target: str, authorization: str) -> tuple[int, bytes]:
        """The answer to a request for a token."""
        parts = urlsplit(target)
        if self.page:
            return 200, self.page
        if self.location and self.location not in target:
            return 302, b""
        if self.status or parts.path != "/jwt/auth":
            return self.status or 404, b"{}"
        given = base64.b64decode(authorization.partition(" ")[2]).decode() if authorization else ""
        if given != f"{USER}:{PASSWORD}":
            return 401, json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "HTTP Basic"}]}).encode()
        scopes = [scope.split(":") for scope in parse_qs(parts.query).get("scope", ())]
        access = [one for _, name, actions in scopes for one in tokens.repository_access(name, actions)]
        token = tokens.sign(self.key, access, issuer=self.issuer, seconds=self.lifetime)
        return 200, json.dumps({"token": token}).encode()


@contextmanager
def running(gitlab: GitLab, port: int, certificate: Path, key: Path) -> Iterator[ThreadingHTTPServer]:
    """Let it answer at https://localhost:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = gitlab.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", gitlab.location)
            if gitlab.page:
                self.send_header("Content-Type", "text/html")
            if not gitlab.endless:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # the client has enough
                while gitlab.endless and self.command != "HEAD":
                    self.wfile.write(bytes(65_536))
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() + gitlab.ahead, usegmt=True)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
