"""An authority that speaks ACME: pebble, with a name server of its own for which every name leads to 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ctl.tls.authority import issue, make_authority
from tests.harness.ports import Ports
from tests.harness.server import end, start
from tests.harness.waiting import listening, wait_for


class Pebble:
    """pebble on loopback ports; use it as a context.

    Args:
        http_port: where it looks for challenges, instead of 80.
        life: seconds for which its certificates are good.
        variables: of its environment.

    Attributes:
        ca_file: by which it is trusted itself.
    """

    def __init__(
        self, http_port: int, *, life: int = 90 * 86_400, variables: Mapping[str, str] | None = None
    ) -> None:
        self._ports = Ports()
        self._folder = Path(tempfile.mkdtemp(prefix="ctl-pebble-"))
        self._folder.chmod(0o755)
        self._variables = dict(variables or {})
        self._port, self._management, self._dns, self._dns_management = (self._ports.take() for _ in range(4))
        self._pebble: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        self.ca_file = self._folder / "ca.pem"
        self._prepare(http_port, life)

    @property
    def directory(self) -> str:
        """The URL of its directory."""
        return f"https://localhost:{self._port}/dir"

    def _prepare(self, http_port: int, life: int) -> None:
        now = datetime.now(UTC)
        authority = make_authority("pebble", now=now)
        server = issue(authority, ["localhost"], now=now)
        self.ca_file.write_bytes(authority.certificate)
        for name, content in (("server.pem", server.certificate), ("server.key", server.key)):
            (self._folder / name).write_bytes(content)
        config = {
            "listenAddress": f"127.0.0.1:{self._port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self._folder / "server.pem"),
            "privateKey": str(self._folder / "server.key"),
            "httpPort": http_port,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": life,
        }
        (self._folder / "pebble.json").write_text(json.dumps({"pebble": config}), encoding="utf-8")

    def __enter__(self) -> Self:
        log = self._stack.enter_context((self._folder / "log").open("ab"))
        names = [
            *("pebble-challtestsrv", "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""),
            *("-dns01", f"127.0.0.1:{self._dns}", "-management", f"127.0.0.1:{self._dns_management}"),
        ]
        self._stack.callback(end, start(names, log))
        self.begin()
        wait_for(lambda: listening(self._dns_management), seconds=30, what="the name server")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._stack.close()
        self._ports.release()
        shutil.rmtree(self._folder)

    def begin(self) -> None:
        """Start it; it has forgotten all accounts."""
        log = self._stack.enter_context((self._folder / "log").open("ab"))
        command = [
            *("pebble", "-config", str(self._folder / "pebble.json")),
            *("-dnsserver", f"127.0.0.1:{self._dns}"),
        ]
        variables = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", **self._variables}
        self._pebble = start(command, log, variables)
        wait_for(lambda: listening(self._port), seconds=30, what="pebble")
        wait_for(lambda: listening(self._management), seconds=30, what="pebble's management")

    def end(self) -> None:
        """Stop it."""
        if self._pebble is not None:
            end(self._pebble)
            self._pebble = None

    def log(self) -> str:
        """What it printed."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def calls(self, path: str = "") -> int:
        """How many requests it has had, of a path's beginning."""
        return sum(f" {method} /{path}" in line for line in self.log().splitlines() for method in _METHODS)

    def root(self, number: int = 0) -> bytes:
        """A root to which its certificates lead, as PEM."""
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection("localhost", self._management, timeout=10, context=trust)
        connection.request("GET", f"/roots/{number}")
        content = connection.getresponse().read()
        connection.close()
        return content

    def resolve(self, name: str, *addresses: str) -> None:
        """Let a name lead elsewhere; without addresses back to 127.0.0.1."""
        host = f"{name}."
        self._tell("clear-a", {"host": host})
        if addresses:
            self._tell("add-a", {"host": host, "addresses": list(addresses)})

    def lose(self, name: str) -> None:
        """Let nobody resolve a name any more."""
        self._tell("set-servfail", {"host": f"{name}."})

    def find(self, name: str) -> None:
        """Let it be resolved again."""
        self._tell("clear-servfail", {"host": f"{name}."})

    def _tell(self, path: str, value: Any) -> None:  # noqa: ANN401 - JSON
        connection = http.client.HTTPConnection("127.0.0.1", self._dns_management, timeout=10)
        connection.request("POST", f"/{path}", body=json.dumps(value))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()


_METHODS = ("GET", "POST", "HEAD")
