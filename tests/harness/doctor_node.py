"""A node with everything that `ctl doctor` asks, to be broken in each way and mended again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from ctl.__main__ import run
from tests.harness import gitlab
from tests.harness.certificates import Issued, issue_one, key_pem
from tests.harness.gitlab import PASSWORD, USER, GitLab
from tests.harness.listener import Listener, listening
from tests.harness.people import myself
from tests.harness.redis_server import RedisServer
from tests.harness.root import Root
from tests.harness.waiting import wait_for

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can break a node in each way")
SECRETS = "etc/gitlab/gitlab-secrets.json"
CONFIG = "var/opt/gitlab/registry/config.yml"
BUNDLE = "var/opt/gitlab/registry/gitlab-registry.crt"
VHOST = "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
CERTIFICATE, KEY = "etc/gitlab/ssl/localhost.crt", "etc/gitlab/ssl/localhost.key"
STORAGE = "var/opt/gitlab/gitlab-rails/shared/registry"
OUTCOME = "var/opt/gitlab/timer/outcomes/logrotate.json"
LOG = "var/log/gitlab/registry/current"
LASTING = ("errors", "clients")
"""What was logged stays in the log for an hour."""
GUARDED = (
    "location / {\n    error_log",
    "location ~ /manifests/ { return 403; }\n  location / {\n    error_log",
)


@dataclass
class Node:
    """A node with everything that can break."""

    root: Root
    gitlab: GitLab
    redis: RedisServer
    listener: Listener
    gitlab_port: int
    stack: ExitStack

    def doctor(self, *arguments: str, password: str = PASSWORD) -> dict[str, Any]:
        """The checks by name, each with its state, and all causes and remedies as one text."""
        out, stdin = io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(f"{password}\n")
        try:
            with contextlib.redirect_stdout(out):
                code = run(["--root", str(self.root.path), "doctor", "--json", *arguments])
        finally:
            sys.stdin = stdin
        document = json.loads(out.getvalue())
        assert code == {"ok": 0, "warning": 0, "unknown": 3, "failure": 1}[document["state"]]
        return {one["name"]: one for one in document["checks"]}

    def edited(self, name: str, change: Callable[[str], str]) -> AbstractContextManager[None]:
        """A file with another content for a while; owner, mode and time are as before afterwards."""
        return edited(self.root.path / name, change)

    def forget(self) -> None:
        """Empty the logs: what was logged is reported for an hour."""
        for path in (self.root.path / "var/log/gitlab").rglob("*"):
            if path.name == "current" or path.suffix == ".log":
                os.truncate(path, 0)

    def reload(self) -> None:
        """Let NGINX read its files, and its former workers end."""
        before = self._workers()
        self.root.ctl("hup", "nginx").ok()
        wait_for(lambda: not before & self._workers() and self._workers(), what="new workers", seconds=30)

    def _workers(self) -> set[int]:
        return {one.pid for one in self.root.processes() if "worker process" in one.arguments[0]}

    @contextmanager
    def vhost(self, change: Callable[[str], str]) -> Iterator[None]:
        """NGINX with another vhost for a while."""
        with self.edited(VHOST, change):
            self.reload()
            yield
        self.reload()

    @contextmanager
    def certificate(self, key: str, certificate: str) -> Iterator[None]:
        """NGINX with another certificate for a while."""
        with self.edited(KEY, lambda _: key), self.edited(CERTIFICATE, lambda _: certificate):
            self.reload()
            yield
        self.reload()

    @property
    def authority(self) -> Issued:
        """Its own CA."""
        folder = self.root.path / "etc/gitlab/ssl"
        signer = load_pem_private_key((folder / "ca.key").read_bytes(), None)
        assert isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        return Issued((folder / "ca.crt").read_bytes(), signer)

    def sign(self, host: str, *, days: int = 90, server: bool = True) -> tuple[str, str]:
        """A key and a certificate of the node's own CA."""
        found = issue_one(
            host,
            self.authority,
            hosts=(host,),
            purpose=ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH,
            now=datetime.now(UTC),
            days=days,
        )
        return key_pem(found.key).decode(), found.certificate.decode()


@contextmanager
def edited(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    """A file with another content for a while."""
    before, facts = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(change(before), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@contextmanager
def doctor_node() -> Iterator[Node]:
    """A node with services beside it; whatever breaks something mends it."""
    with ExitStack() as stack:
        root = Root(myself())
        stack.callback(root.end)
        redis, listener = stack.enter_context(RedisServer()), stack.enter_context(listening())
        gitlab_port, debug = root.ports.take(), root.ports.take()
        root.settings(
            f'external_url = "https://localhost:{gitlab_port}"',
            f'registry["debug_addr"] = "127.0.0.1:{debug}"',
            f'registry["storage"] = {{"filesystem": {{"rootdirectory": "{root.path / STORAGE}"}}, '
            '"cache": {"blobdescriptor": "redis"}}',
            f'registry["redis"] = {{"addr": "{redis.address}", "password": "{redis.password}"}}',
            f'registry["notifications"] = [{{"name": "hook", "url": "{listener.url}/events", "timeout": "500ms", '
            '"threshold": 1, "backoff": "1s"}]',
        )
        root.reconfigure(timeout=120)
        server = GitLab(root.secrets()["internal_key"])
        stack.enter_context(gitlab.running(server, gitlab_port, root.path / CERTIFICATE, root.path / KEY))
        yield Node(root, server, redis, listener, gitlab_port, stack)


Breakage = Callable[[Node], AbstractContextManager[None]]
Broken = tuple[str, Breakage, str, str, str]
"""A check, what breaks its thing, the state that it has then, and parts of the cause and of the remedy."""


def names_of(broken: list[Broken]) -> list[str]:
    """Ids of tests."""
    return [f"{one[0]}-{getattr(one[1], '__name__', '')}-{number}" for number, one in enumerate(broken)]


def assert_found(node: Node, broken: Broken) -> None:
    """The check finds what is broken, names the cause, and has the remedy."""
    check, breakage, state, cause, remedy = broken
    asked = {"login": ("--user", USER), "push": ("--push",)}.get(check, ())
    with breakage(node):
        found = node.doctor(check, *asked)[check]
        output = json.dumps(found["findings"], ensure_ascii=False)
        assert found["state"] == state, output
        assert cause in output, output
        assert any(remedy in (one["remedy"] or "") for one in found["findings"]), output


def assert_well(node: Node) -> None:
    """All is well again, but for what logs hold."""
    found = node.doctor("--push", "--user", USER)
    wrong = {name: one for name, one in found.items() if one["state"] != "ok" and name not in LASTING}
    assert wrong == {}


@contextmanager
def no_supervisor(node: Node) -> Iterator[None]:
    """Its supervisor is killed."""
    (supervisor,) = (one for one in node.root.processes() if one.arguments[0].endswith("runsvdir"))
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{supervisor.pid}").exists(), what="its end")
    yield
    node.root.ctl("start").ok()
