"""The token issuer as a process of a test's own, without supervisor and NGINX."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from ctl.auth.accounts import Accounts
from ctl.auth.accounts_file import render_accounts
from ctl.auth.config import Config
from tests.harness import seeds
from tests.harness.https import Answer, Client
from tests.harness.issuer import SERVICE, basic, password
from tests.harness.ports import Ports
from tests.harness.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Service:
    """A running issuer.

    Args:
        process: the server itself.
        folder: with its configuration, accounts and log.
        port: where it listens.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def client(self) -> Client:
        """A client, with patience for a loaded machine."""
        return Client(self.port, timeout=60)

    def get(
        self, name: str | None = None, *scopes: str, secret: str | None = None, address: str = "", **more: str
    ) -> Answer:
        """Ask for a token."""
        query = [("service", SERVICE), *(("scope", scope) for scope in scopes), *more.items()]
        headers = {} if name is None else {"Authorization": basic(name, secret or password(name))}
        headers |= {"X-Real-IP": address} if address else {}
        return self.client.request("GET", f"/jwt/auth?{urlencode(query)}", headers=headers)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self.client.get("/health").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it. Returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def signers(self) -> list[int]:
        """Process ids of its signers."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(word) for word in text.split()]

    def change(self, accounts: Accounts) -> None:
        """Put other accounts in place."""
        aside = self.folder / "accounts.new"
        aside.write_bytes(render_accounts(accounts))
        aside.replace(self.folder / "accounts.json")


def config_in(folder: Path, port: int) -> Config:
    """A configuration with short limits."""
    return Config(
        listen=f"127.0.0.1:{port}",
        realm="https://registry.example.com",
        service=SERVICE,
        issuer="issuer-of-tests",
        key_file=str(folder / "key.pem"),
        accounts_file=str(folder / "accounts.json"),
        lifetime=300,
        failed_per_account=5,
        failed_per_address=12,
        failed_period=3600,
        signers=2,
    )


@contextmanager
def served(folder: Path, accounts: Accounts, **changes: object) -> Iterator[Service]:
    """An issuer, until the end of the block."""
    ports = Ports()
    port = ports.take()
    config = replace(config_in(folder, port), **changes)  # type: ignore[arg-type]
    (folder / "key.pem").write_text(seeds.pair()[0], encoding="ascii")
    (folder / "accounts.json").write_bytes(render_accounts(accounts))
    process = start(folder, config.render())
    service = Service(process, folder, port)
    try:
        wait_for(lambda: service.answers() or process.poll() is not None, what="the issuer", seconds=30)
        assert process.poll() is None, service.log
        yield service
    finally:
        process.kill()
        process.wait()
        ports.release()


def start(folder: Path, config: str) -> subprocess.Popen[bytes]:
    """Start the program with a configuration."""
    (folder / "config.json").write_text(config, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-P", "-s", "-B", "-m", "ctl.auth", str(folder / "config.json")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environment
        )
