"""A private root in which a test runs `ctl` with real programs, on loopback ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.harness import seeds, tokens, tree
from tests.harness.https import Client
from tests.harness.people import Person
from tests.harness.ports import Ports
from tests.harness.processes import Process, below, end_all
from tests.harness.registries import REGISTRIES, Registry
from tests.harness.report import RunReport, read_report
from tests.harness.result import Result
from tests.harness.skopeo import Skopeo

SETTINGS = "etc/gitlab/gitlab.py"
GITLAB_URL = "https://gitlab.example.com"
REGISTRY_ACCOUNT = "docker-registry"
WEB_ACCOUNT = "www-data"
GITLAB_ACCOUNT = "news"
ISSUER_ACCOUNT = "games"
"""Accounts that every Debian and Ubuntu machine with these programs has: tests make none on the machine."""


class Root:
    """One private root.

    Args:
        person: who runs `ctl` there and owns the root.
        registry: the registry program.
        seeded: whether a secrets file made beforehand is put there, which saves the time of making a key.

    Attributes:
        path: the root, as given to --root.
        home: an empty folder beside it, HOME of everything that runs.
        port, registry_port, status_port, redirect_port, issuer_port: NGINX, the registry, the status page, the
            redirect, the token issuer.
    """

    alive: ClassVar[list[Root]] = []

    def __init__(self, person: Person, *, registry: Registry = REGISTRIES[0], seeded: bool = True) -> None:
        self.person, self.registry = person, registry
        self.folder = Path(tempfile.mkdtemp(prefix="ctl-test-"))
        self.path, self.home = self.folder / "root", self.folder / "home"
        self.folder.chmod(0o755)
        for folder in (self.path, self.home):
            folder.mkdir(mode=0o755)
            os.chown(folder, person.uid, person.gid)
        self.ports = Ports()
        self.port, self.registry_port, self.status_port, self.redirect_port, self.issuer_port = (
            self.ports.take() for _ in range(5)
        )
        Root.alive.append(self)
        if seeded:
            self.write("etc/gitlab/gitlab-secrets.json", seeds.secrets_json(), mode=0o600)

    # --- files

    def write(self, name: str, content: str, *, mode: int = 0o644) -> Path:
        """Write a file below the root as the person would; folders are made."""
        path = self.path / name
        missing = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
        for one in (path, *missing):
            os.chown(one, self.person.uid, self.person.gid)
        return path

    def read(self, name: str) -> str:
        """A file below the root."""
        return (self.path / name).read_text(encoding="utf-8")

    def settings(self, *lines: str, first: Sequence[str] = (), registry: bool = True) -> Path:
        """Write the settings file.

        Args:
            lines: they come last, and so win.
            first: lines before what every test root needs.
            registry: whether there is a registry_external_url.
        """
        base = [line for line in self._base() if registry or not line.startswith("registry_external_url")]
        return self.write("etc/gitlab/gitlab.py", "\n".join((*first, *base, *lines, "")))

    def _base(self) -> list[str]:
        lines = [
            f'external_url = "{GITLAB_URL}"',
            f'registry_external_url = "{self.url}"',
            f'registry["registry_http_addr"] = "127.0.0.1:{self.registry_port}"',
            'registry["nginx"]["listen_addresses"] = ["127.0.0.1"]',
            f'nginx["status"]["port"] = {self.status_port}',
            f'registry_auth["listen_addr"] = "127.0.0.1:{self.issuer_port}"',
            'nginx["worker_processes"] = 1',
            # a second of life is enough for programs that are known to go on
            'registry["health_gate_timeout"] = 10',
            'letsencrypt["enable"] = False',
            *self.registry.settings,
        ]
        return lines + (_ACCOUNTS if self.person.is_root else [])

    @property
    def url(self) -> str:
        """Where clients reach the registry."""
        return f"https://localhost:{self.port}"

    def secrets(self) -> dict[str, str]:
        """The registry's generated secrets."""
        found = json.loads(self.read("etc/gitlab/gitlab-secrets.json"))["registry"]
        assert isinstance(found, dict)
        return found

    def snapshot(self) -> tree.Tree:
        """Everything below the root as it is now, without what the programs change all the time."""
        return tree.snapshot(self.path)

    # --- ctl

    def ctl(
        self,
        *arguments: str,
        timeout: float = 60,
        env: dict[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> Result:
        """Run `ctl --root ROOT …` to its end, by way of the program `before`."""
        done = subprocess.run(
            [*before, *self.person.command(["--root", str(self.path), *arguments])],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=self.environment() | (env or {}),
        )
        return Result(done.returncode, done.stdout, done.stderr, arguments)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `ctl --root ROOT …` in a process group of its own and go on."""
        return subprocess.Popen(
            self.person.command(["--root", str(self.path), *arguments]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd="/",
            env=self.environment(),
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        """A clean environment, with an ordinary user's PATH."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": self.person.pythonpath,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def reconfigure(self, *arguments: str, timeout: float = 60) -> RunReport:
        """A run that must succeed. Returns what it says it did."""
        result = self.ctl("reconfigure", "--json", *arguments, timeout=timeout).ok()
        return read_report(result.json(), self.path)

    def status(self) -> dict[str, Any]:
        """What `status --json` prints of each service, by name."""
        found = json.loads(self.ctl("status", "--json").out)
        return {one["name"]: one for one in found["services"]}

    def pids(self) -> dict[str, int]:
        """The process of each service that serves, by name."""
        return {name: serving_pid(one) for name, one in self.status().items()}

    def lasting_pids(self) -> dict[str, int]:
        """As pids(), without log rotation, whose process ends and starts anew every minute."""
        return {name: pid for name, pid in self.pids().items() if name != "logrotate"}

    # --- clients

    @property
    def ca(self) -> Path:
        """The certificate authority that clients must trust."""
        return self.path / "etc/gitlab/ssl/ca.crt"

    @property
    def client(self) -> Client:
        """A client of the registry through NGINX and TLS, with tokens signed by the registry's key."""
        return Client(self.port, self.ca, self.sign)

    @property
    def direct(self) -> Client:
        """A client that goes to the registry past NGINX."""
        return Client(self.registry_port, None, self.sign)

    @property
    def skopeo(self) -> Skopeo:
        """skopeo with this root's trust."""
        return Skopeo(f"localhost:{self.port}", self.ca, self.home)

    def sign(self, repository: str, actions: str) -> str:
        """A token made by the tests themselves."""
        key = self.secrets()["internal_key"]
        return tokens.sign(key, tokens.repository_access(repository, actions))

    def serves(self) -> bool:
        """Whether the registry answers through NGINX: to a request without a token it says 401."""
        return self.client.get("/v2/").status == 401

    # --- processes

    def processes(self) -> list[Process]:
        """All processes of this root."""
        return below(self.path)

    def process(self, matches: Callable[[Process], bool]) -> Process | None:
        """The first process of this root that matches."""
        return next((one for one in self.processes() if matches(one)), None)

    def logs(self) -> str:
        """The ends of all logs, for the report of a failed test."""
        found = sorted((self.path / "var/log/gitlab").rglob("*"))
        written = [path for path in found if path.name == "current" or path.suffix == ".log"]
        parts = [f"--- {path}\n{_end_of(path)}" for path in written if path.is_file()]
        listing = [f"{one.pid} uid={one.uid} {' '.join(one.arguments)}" for one in self.processes()]
        return "\n".join([*parts, "--- processes", *listing])

    def end(self) -> None:
        """End every process of the root and remove it."""
        end_all(self.path)
        Root.alive.remove(self)
        self.ports.release()
        shutil.rmtree(self.folder)


_ACCOUNTS = [
    'manage_accounts["enable"] = False',
    f'registry["username"] = registry["group"] = "{REGISTRY_ACCOUNT}"',
    f'web_server["username"] = web_server["group"] = "{WEB_ACCOUNT}"',
    f'user["username"] = user["group"] = "{GITLAB_ACCOUNT}"',
    f'registry_auth["username"] = registry_auth["group"] = "{ISSUER_ACCOUNT}"',
]


def kill(process: subprocess.Popen[str]) -> None:
    """End a started `ctl` at once (SIGKILL) and collect it. What it started goes on."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)


def _end_of(path: Path, *, limit: int = 3_000) -> str:
    return path.read_bytes()[-limit:].decode("utf-8", "replace")


RootMaker = Callable[..., Root]
"""Makes private roots: see the fixture make_root."""


def serving_pid(service: dict[str, Any]) -> int:
    """The process that serves, of a service in `status --json`: behind a master it is another than sv's."""
    behind = [one["pid"] for one in service["processes"] or () if one["state"] == "current"]
    return int([*behind, service["pid"]][0])
