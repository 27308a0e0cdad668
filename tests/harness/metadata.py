"""What a machine at Amazon asks for the credentials of its role (EC2 user guide, 'Use IMDSv2')."""

from __future__ import annotations

import http.server
import json
import threading
from types import TracebackType
from typing import Self

from tests.harness.ports import Ports
from tests.harness.s3 import Credentials

_FOLDER = "/latest/meta-data/iam/security-credentials/"
_TOKEN = "of-this-session"


class MachineMetadata:
    """The instance metadata service of a machine with one role; use it as a context.

    Args:
        role: its credentials.
    """

    def __init__(self, role: Credentials) -> None:
        self._ports = Ports()
        self._server = _Server(("127.0.0.1", self._ports.take()), _Handler)
        self._server.role = role

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._ports.release()


class _Server(http.server.ThreadingHTTPServer):
    role = Credentials("", "")


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        self._say(200 if self.path == "/latest/api/token" else 404, _TOKEN)

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        if self.headers.get("X-aws-ec2-metadata-token") != _TOKEN:
            self._say(401, "")
        elif self.path == _FOLDER:
            self._say(200, "machine")
        elif self.path == f"{_FOLDER}machine":
            role = self.server.role
            fields = {
                "Code": "Success",
                "Type": "AWS-HMAC",
                "LastUpdated": "2024-01-01T00:00:00Z",
                "Expiration": "2099-01-01T00:00:00Z",
                "AccessKeyId": role.access_key,
                "SecretAccessKey": role.secret_key,
                "Token": role.token,
            }
            self._say(200, json.dumps(fields))
        else:
            self._say(404, "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-aws-ec2-metadata-token-ttl-seconds", "3600")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
