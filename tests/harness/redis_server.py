"""Redis servers on loopback ports, with nothing in them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.harness.ports import Ports
from tests.harness.waiting import wait_for

PROGRAM = "/usr/bin/redis-server"
PASSWORD = "redis-password-of-the-tests"


class RedisServer:
    """One server; use it as a context. Its configuration comes through its standard input, the password in it.

    Args:
        lines: more of its configuration.
        password: "" for none.
        sentinel: whether it watches other servers; then its configuration is a file that it writes itself.

    Attributes:
        port: on 127.0.0.1.
        bus_port: where other members of its cluster find it.
        folder: its own.
    """

    def __init__(self, *lines: str, password: str = PASSWORD, sentinel: bool = False) -> None:
        self._ports = Ports()
        self.port, self.bus_port = self._ports.take(), self._ports.take()
        self.folder = Path(tempfile.mkdtemp(prefix="ctl-redis-"))
        self.folder.chmod(0o755)
        self.password = password
        self._sentinel = sentinel
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """As registries are configured."""
        return f"127.0.0.1:{self.port}"

    @property
    def socket(self) -> Path:
        """Its socket, which everybody may use."""
        return self.folder / "redis.sock"

    def client(self, **more: Any) -> Any:  # noqa: ANN401 - the library's own
        """A client with the password; it takes and gives texts."""
        import redis

        given = {"decode_responses": True, "password": self.password or None, "host": "127.0.0.1"}
        return redis.Redis(**(given | {"port": self.port} | more))

    def keys(self, **more: Any) -> set[str]:  # noqa: ANN401
        """All keys of its first database."""
        with self.client(**more) as client:
            return set(client.scan_iter(count=1000))

    def start(self) -> None:
        """Run it, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        command = [PROGRAM, "-"]
        if self._sentinel:
            config = self.folder / "sentinel.conf"
            config.write_text("\n".join(self._configuration()), encoding="utf-8")
            command = [PROGRAM, str(config), "--sentinel"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder
        )
        log.close()
        assert self._process.stdin is not None
        with self._process.stdin as given:
            given.write("\n".join(self._configuration()).encode())
        wait_for(lambda: "Ready to accept" in self._log() or "Sentinel ID" in self._log(), what="Redis")

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)
            self._process = None
        (self.folder / "log").unlink(missing_ok=True)

    def _configuration(self) -> Sequence[str]:
        plain = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", "loglevel notice"]
        if self._sentinel:
            return [*plain, *self._lines]
        store = ['save ""', "appendonly no", f"unixsocket {self.socket}", "unixsocketperm 777"]
        secret = [f"requirepass {self.password}"] if self.password else []
        return [*plain, *store, f"cluster-port {self.bus_port}", *secret, *self._lines]

    def _log(self) -> str:
        assert self._process is not None
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        assert self._process.poll() is None, f"Redis ended: {text}"
        return text

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._ports.release()
        shutil.rmtree(self.folder)
