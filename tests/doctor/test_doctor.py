"""`ctl doctor` on a real node: each thing is broken once, found, named with its remedy, and well again afterwards."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from ctl.__main__ import run
from tests.harness import balancers, gitlab, images, seeds, tokens
from tests.harness.certificates import Issued, issue_one, key_pem
from tests.harness.gitlab import PASSWORD, USER, GitLab
from tests.harness.listener import Listener, listening
from tests.harness.namespaces import need_mounts
from tests.harness.people import myself, ordinary
from tests.harness.redis_server import RedisServer
from tests.harness.root import SETTINGS, Root
from tests.harness.waiting import wait_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can break a node in each way"),
]

SECRETS = "etc/gitlab/gitlab-secrets.json"
CONFIG = "var/opt/gitlab/registry/config.yml"
BUNDLE = "var/opt/gitlab/registry/gitlab-registry.crt"
VHOST = "var/opt/gitlab/nginx/conf/gitlab-registry.conf"
CERTIFICATE, KEY = "etc/gitlab/ssl/localhost.crt", "etc/gitlab/ssl/localhost.key"
STORAGE = "var/opt/gitlab/gitlab-rails/shared/registry"
OUTCOME = "var/opt/gitlab/timer/outcomes/logrotate.json"
LOG = "var/log/gitlab/registry/current"


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

    def edited(self, name: str, change: Callable[[str], str]) -> contextlib.AbstractContextManager[None]:
        """A file with another content for a while; owner, mode and time are as before afterwards."""
        return edited(self.root.path / name, change)

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

    def sign(self, host: str, *, days: int = 90, server: bool = True) -> tuple[str, str]:
        """A key and a certificate of the node's own CA."""
        folder = self.root.path / "etc/gitlab/ssl"
        signer = load_pem_private_key((folder / "ca.key").read_bytes(), None)
        assert isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        found = issue_one(
            host,
            Issued((folder / "ca.crt").read_bytes(), signer),
            hosts=(host,),
            purpose=ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH,
            now=datetime.now(UTC),
            days=days,
        )
        return key_pem(found.key).decode(), found.certificate.decode()


@contextmanager
def edited(path: Path, change: Callable[[str], str]) -> Iterator[None]:
    before, facts = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(change(before), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """One node for all of them; whatever breaks something mends it."""
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


def test_a_healthy_node(node: Node) -> None:
    before = {path for path in (node.root.path / STORAGE).rglob("*") if path.is_file()}
    found = node.doctor("--push", "--user", USER)
    wrong = {name: one for name, one in found.items() if one["state"] != "ok"}
    assert wrong == {}
    assert {"login", "push", "redis", "notifications", "debug-server", "gitlab-tls", "clock"} <= found.keys()
    assert {path for path in (node.root.path / STORAGE).rglob("*") if path.is_file()} == before
    assert not list((node.root.path / STORAGE).rglob("*ctl-doctor*")), "no trace of the image"
    again = node.doctor()
    assert again["errors"]["state"] == "ok", "what the checks themselves do is no error"


def test_an_ordinary_user_learns_what_could_not_be_asked(node: Node) -> None:
    with ordinary() as person:
        if person is None:
            pytest.skip("no Python of this version that an ordinary user can run")
        done = subprocess.run(
            person.command(["--root", str(node.root.path), "doctor", "--json"]),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=node.root.environment() | {"PYTHONPATH": person.pythonpath},
        )
    found = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    assert done.returncode in (1, 3), done.stdout
    assert found["services"]["state"] == found["files"]["state"] == "unknown"
    assert found["token"]["state"] != "ok"


# --- one breakage each

Breakage = Callable[[Node], contextlib.AbstractContextManager[None]]


@contextmanager
def wrong_setting(node: Node) -> Iterator[None]:
    with node.edited(SETTINGS, lambda text: text + 'registry["log_level"] = "lout"\n'):
        yield


@contextmanager
def missing_program(node: Node) -> Iterator[None]:
    with node.edited(SETTINGS, lambda text: text + 'registry["executable"] = "/opt/none/registry"\n'):
        yield


@contextmanager
def unsupported(node: Node) -> Iterator[None]:
    with node.edited(
        SETTINGS, lambda text: text + 'registry["database"] = {"enabled": True, "host": "db"}\n'
    ):
        yield


@contextmanager
def changed_by_hand(node: Node) -> Iterator[None]:
    path = node.root.path / CONFIG
    path.chmod(0o644)
    yield
    path.chmod(0o640)


@contextmanager
def interrupted(node: Node) -> Iterator[None]:
    journal = node.root.path / "var/opt/gitlab/ctl/journal"
    journal.mkdir()
    yield
    journal.rmdir()


@contextmanager
def no_supervisor(node: Node) -> Iterator[None]:
    (supervisor,) = (one for one in node.root.processes() if one.arguments[0].endswith("runsvdir"))
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{supervisor.pid}").exists(), what="its end")
    yield
    node.root.ctl("start").ok()


@contextmanager
def taken_port(node: Node) -> Iterator[None]:
    node.root.ctl("stop", "nginx").ok()
    with socket.create_server(("127.0.0.1", node.root.port)):
        yield
    node.root.ctl("start", "nginx").ok()


@contextmanager
def stopped(node: Node) -> Iterator[None]:
    node.root.ctl("stop", "timer").ok()
    yield
    node.root.ctl("start", "timer").ok()


@contextmanager
def failed_task(node: Node) -> Iterator[None]:
    path = node.root.path / OUTCOME
    wait_for(path.exists, what="the timer's first look")
    now = datetime.now(UTC).isoformat()
    outcome = {"since": now, "started": now, "ended": now, "status": 1, "reason": "no room", "failures": 2}
    with node.edited(OUTCOME, lambda _: json.dumps(outcome)):
        yield


@contextmanager
def overdue(node: Node) -> Iterator[None]:
    then = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    outcome = {"since": then, "started": then, "ended": then, "status": 0, "reason": "", "failures": 0}
    with node.edited(OUTCOME, lambda _: json.dumps(outcome)):
        yield


@contextmanager
def unread(node: Node) -> Iterator[None]:
    path = node.root.path / CONFIG
    facts = path.stat()
    os.utime(path)
    yield
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@contextmanager
def socket_gone(node: Node) -> Iterator[None]:
    link = node.root.path / "var/opt/gitlab/run/registry/current.sock"
    aside = link.rename(link.with_name("aside"))
    yield
    aside.rename(link)


@contextmanager
def another_certificate(node: Node) -> Iterator[None]:
    _, certificate = node.sign("localhost")
    with node.edited(CERTIFICATE, lambda _: certificate):
        yield


@contextmanager
def unknown_host(node: Node) -> Iterator[None]:
    text = f'external_url = "https://localhost:{node.gitlab_port}"'
    with node.edited(SETTINGS, lambda old: old.replace(text, 'external_url = "https://nowhere.invalid"')):
        yield


@contextmanager
def wrong_key_file(node: Node) -> Iterator[None]:
    key, _ = node.sign("localhost")
    with node.edited(KEY, lambda _: key):
        yield


def presented(**facts: Any) -> Breakage:  # noqa: ANN401
    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        with node.certificate(
            *node.sign(facts.get("host", "localhost"), **{k: v for k, v in facts.items() if k != "host"})
        ):
            yield

    return breakage


@contextmanager
def foreign_authority(node: Node) -> Iterator[None]:
    with node.certificate(*seeds.server_certificate("localhost")):
        yield


@contextmanager
def gitlab_untrusted(node: Node) -> Iterator[None]:
    with node.edited("etc/gitlab/ssl/ca.crt", lambda _: seeds.server_certificate("another authority")[1]):
        yield


def gitlab_with(**changes: Any) -> Breakage:  # noqa: ANN401
    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        before = {name: getattr(node.gitlab, name) for name in changes}
        for name, value in changes.items():
            setattr(node.gitlab, name, value)
        yield
        for name, value in before.items():
            setattr(node.gitlab, name, value)

    return breakage


@contextmanager
def other_key_in_secrets(node: Node) -> Iterator[None]:
    with node.edited(SECRETS, lambda _: seeds.secrets_json(1)):
        yield


@contextmanager
def registry_with_the_former_pair(node: Node) -> Iterator[None]:
    """Both files are new, and the process has read neither."""
    with (
        node.edited(SECRETS, lambda _: seeds.secrets_json(1)),
        node.edited(BUNDLE, lambda _: seeds.pair(1)[1]),
    ):
        yield


@contextmanager
def other_issuer(node: Node) -> Iterator[None]:
    line = 'gitlab_rails["registry_issuer"] = "another-issuer"\n'
    with node.edited(SETTINGS, lambda text: text + line):
        yield


def without(line: str) -> Breakage:
    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        with node.vhost(lambda text: "\n".join(one for one in text.split("\n") if line not in one)):
            yield

    return breakage


def instead(old: str, new: str) -> Breakage:
    @contextmanager
    def breakage(node: Node) -> Iterator[None]:
        with node.vhost(lambda text: text.replace(old, new)):
            yield

    return breakage


@contextmanager
def storage_of_root(node: Node) -> Iterator[None]:
    folder = node.root.path / STORAGE / "docker"
    facts = folder.stat()
    os.chown(folder, 0, 0)
    folder.chmod(0o755)
    yield
    os.chown(folder, facts.st_uid, facts.st_gid)
    folder.chmod(facts.st_mode & 0o7777)


@contextmanager
def redis_down(node: Node) -> Iterator[None]:
    node.redis.stop()
    yield
    node.redis.start()


@contextmanager
def endpoint_down(node: Node) -> Iterator[None]:
    """It refuses one event for longer than the registry tries at once."""
    node.listener.failures["/events"] = 10_000
    node.root.client.push("grp/noticed", images.image("noticed"), "v1")
    wait_for(lambda: node.listener.refused.get("/events"), what="a refused event")
    yield
    node.listener.failures["/events"] = 0
    wait_for(lambda: node.listener.at("/events"), what="the event", seconds=30)
    wait_for(
        lambda: node.doctor("notifications")["notifications"]["state"] == "ok",
        what="no event waits",
        seconds=30,
    )


@contextmanager
def endpoint_gone(node: Node) -> Iterator[None]:
    with node.edited(
        CONFIG, lambda text: text.replace(node.listener.url, f"http://127.0.0.1:{node.root.redirect_port}")
    ):
        yield


@contextmanager
def debug_open(node: Node) -> Iterator[None]:
    with node.edited(
        SETTINGS, lambda text: text.replace('"debug_addr"] = "127.0.0.1:', '"debug_addr"] = "0.0.0.0:')
    ):
        node.root.reconfigure(timeout=120)
        yield
    node.root.reconfigure(timeout=120)


@contextmanager
def long_collection(node: Node) -> Iterator[None]:
    gate = node.root.path / "var/opt/gitlab/ctl/collect.lock"
    with gate.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        os.utime(gate, (time.time() - 200_000,) * 2)
        yield


@contextmanager
def foreign_tokens(node: Node) -> Iterator[None]:
    """Somebody shows tokens of another key: the registry logs each."""
    node.root.client.request(
        "GET", "/v2/", headers={"Authorization": f"Bearer {tokens.sign(seeds.pair(1)[0], [])}"}
    )
    log = node.root.path / LOG
    wait_for(lambda: "untrusted" in log.read_text(encoding="utf-8"), what="the line")
    yield


@contextmanager
def old_docker(node: Node) -> Iterator[None]:
    agent = "docker/1.9.1 go/go1.4.3 git-commit/a34a1d5 kernel/3.13.0"
    path = "/v2/grp/old/tags/list"
    node.root.client.authorised("GET", path, repository="grp/old", User_Agent=agent)
    log = node.root.path / "var/log/gitlab/nginx/gitlab_registry_access.log"
    wait_for(lambda: "docker/1.9.1" in log.read_text(encoding="utf-8"), what="the line")
    yield


LASTING = ("errors", "clients")
"""What was logged stays in the log for an hour."""
SMALL = ("client_max_body_size 0", "client_max_body_size 100m")
GUARDED = (
    "location / {\n    proxy_pass",
    "location ~ /manifests/ { return 403; }\n  location / {\n    proxy_pass",
)
BROKEN: list[tuple[str, Breakage, str, str, str]] = [
    ("settings", wrong_setting, "failure", "registry.log_level: must be", ""),
    ("programs", missing_program, "failure", "is not installed", "install it"),
    ("programs", unsupported, "failure", "needs GitLab's registry", "install it"),
    ("files", changed_by_hand, "warning", "config.yml is not as the last run left it: mode", "ctl reconfigure"),
    ("files", interrupted, "failure", "was interrupted", "ctl recover"),
    ("supervisor", no_supervisor, "failure", "the supervisor does not run", "ctl start"),
    ("ports", taken_port, "failure", "nginx cannot listen at 127.0.0.1:", "kill"),
    ("services", stopped, "failure", "timer is stopped", "ctl start timer"),
    ("timers", failed_task, "failure", "logrotate failed on", "run it by hand"),
    ("timers", overdue, "failure", "logrotate is overdue", "ctl restart timer"),
    ("processes", unread, "warning", "registry has not read", "ctl restart registry"),
    ("registry", socket_gone, "failure", "does not answer at", "ctl tail registry"),
    ("nginx", another_certificate, "failure", "presents another certificate", "ctl restart nginx"),
    ("dns", unknown_host, "failure", "nowhere.invalid (external_url) is not known", "DNS"),
    ("certificates", wrong_key_file, "failure", "localhost.key, the key of", "ctl certificates"),
    ("tls", presented(days=-1), "failure", "certificate has expired", "ssl_certificate"),
    ("tls", presented(days=3), "warning", "in 2 days", "renew it"),
    ("tls", presented(host="other.example.com"), "failure", "it is for other.example.com", "ssl_certificate"),
    ("tls", presented(server=False), "failure", "purpose", "ssl_certificate"),
    ("tls", foreign_authority, "failure", "self-signed certificate", "ssl_certificate"),
    ("gitlab-tls", gitlab_untrusted, "failure", "is not trusted here", "update-ca-certificates"),
    ("clock", gitlab_with(ahead=300), "failure", "tokens are refused as not yet good", "synchronise"),
    ("clock", gitlab_with(ahead=-30), "warning", "GitLab differ by", "synchronise"),
    ("token", other_key_in_secrets, "failure", "the registry's side is wrong", "ctl reconfigure"),
    ("token", registry_with_the_former_pair, "failure", "has not read", "ctl restart registry"),
    ("token", other_issuer, "failure", "this node signs as 'another-issuer'", "registry_issuer"),
    ("realm", gitlab_with(status=404), "failure", "answers 404", "external_url"),
    ("realm", gitlab_with(status=502), "failure", "answers 502", "production.log"),
    ("login", gitlab_with(key=seeds.pair(1)[0]), "failure", "GitLab's side is wrong", "ctl secrets export"),
    ("login", gitlab_with(issuer="gitlab"), "failure", "GitLab signs as 'gitlab'", "registry_issuer"),
    ("login", gitlab_with(lifetime=-300), "failure", "the clocks differ", "clocks"),
    ("headers", without("X-Forwarded-Proto"), "failure", "are sent to http://localhost", "X-Forwarded-Proto"),
    ("headers", instead("Host $http_host", "Host registry.internal"), "failure", "sent to registry.internal", "Host"),
    ("headers", instead(*SMALL), "failure", "refuses large layers", "client_max_body_size 0"),
    ("headers", without("proxy_request_buffering"), "warning", "takes in the whole of a request", "buffering off"),
    ("storage", storage_of_root, "failure", "cannot write its storage as user docker-registry", "chown"),
    ("redis", redis_down, "failure", "Redis at 127.0.0.1:", "start it"),
    ("notifications", endpoint_down, "warning", "events wait, ", "let the endpoint answer"),
    ("notifications", endpoint_gone, "failure", "is not reached", "start what receives them"),
    ("debug-server", debug_open, "failure", "open to other machines", "debug_addr"),
    ("push", instead(*GUARDED), "failure", "push the manifest: PUT is answered by 403", "--trace"),
    ("collection", long_collection, "warning", "is under way", "ctl tail"),
    ("errors", foreign_tokens, "warning", "tokens are signed with another key", "ctl doctor token"),
    ("clients", old_docker, "warning", "docker/1.9.1 asked", "compatibility_schema1_enabled"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "breakage", "state", "cause", "remedy"),
    BROKEN,
    ids=[f"{one[0]}-{getattr(one[1], '__name__', '')}-{number}" for number, one in enumerate(BROKEN)],
)
def test_what_is_broken_is_found(
    node: Node, check: str, breakage: Breakage, state: str, cause: str, remedy: str
) -> None:
    asked = {"login": ("--user", USER), "push": ("--push",)}.get(check, ())
    with breakage(node):
        found = node.doctor(check, *asked)[check]
        said = json.dumps(found["findings"], ensure_ascii=False)
        assert found["state"] == state, said
        assert cause in said
        assert any(remedy in (one["remedy"] or "") for one in found["findings"]), said


def test_a_wrong_password_is_told_from_a_wrong_key(node: Node) -> None:
    found = node.doctor("login", "--user", USER, password="wrong")["login"]
    assert "gives user ada no token: 401" in found["findings"][0]["cause"]
    assert "wrong" not in found["findings"][0]["cause"].replace("wrong side", "")


def test_one_cause_is_one_failure(node: Node) -> None:
    """Without a supervisor nothing that needs one is asked; settings and names still are."""
    with no_supervisor(node):
        found = node.doctor()
    failed = [name for name, one in found.items() if one["state"] == "failure"]
    assert failed == ["supervisor"]
    assert found["nginx"]["findings"][0]["cause"] == "not asked, because of registry"
    assert found["registry"]["findings"][0]["cause"] == "not asked, because of supervisor"
    assert found["dns"]["state"] == "ok"


def test_what_is_in_front_is_asked_too(node: Node, tmp_path: Path) -> None:
    """A proxy that ends TLS, and passes neither the scheme nor a request before it has it whole."""
    port = node.root.ports.take()
    tmp_path.chmod(0o755)
    paths = (node.root.path / CERTIFICATE, node.root.path / KEY)
    with balancers.ending_tls(tmp_path, port, node.root.registry_port, *paths):
        found = node.doctor("headers", "--from", f"https://localhost:{port}")["headers"]
    causes = " ".join(one["cause"] for one in found["findings"])
    assert found["state"] == "failure"
    assert (
        f"clients that reach https://localhost:{port} are sent to http://localhost:{port} to push" in causes
    )
    assert "takes in the whole of a request" in causes


def test_a_full_disk_and_logs_that_grow(node: Node) -> None:
    """In a name space of its own, where a small file system is mounted in the place of the logs."""
    need_mounts()
    logs = node.root.path / "var/log/gitlab"
    command = node.root.person.command(["--root", str(node.root.path), "doctor", "--json", "space", "logs"])
    script = f'mount -t tmpfs -o size=400k tmpfs {logs} && head -c "$0" /dev/zero >{logs}/some.log; exec "$@"'
    states = {}
    for size in ("100k", "380k", "400k"):
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, size, *command],
            capture_output=True,
            text=True,
            check=False,
            env=node.root.environment(),
        )
        states[size] = {one["name"]: one["state"] for one in json.loads(done.stdout)["checks"]}
    assert states["100k"] == {"space": "ok", "logs": "warning"}
    assert states["380k"]["space"] == "warning"
    assert states["400k"]["space"] == "failure"


def test_all_is_well_again(node: Node) -> None:
    found = node.doctor("--push", "--user", USER)
    wrong = {name: one for name, one in found.items() if one["state"] != "ok" and name not in LASTING}
    assert wrong == {}


def test_a_trace_shows_each_request_and_no_secret(node: Node) -> None:
    before = set((node.root.path / STORAGE).rglob("data"))
    result = node.root.ctl("doctor", "--trace", "grp/traced", timeout=60).ok()
    for step in (
        "ask without a token",
        "begin the upload of the layer",
        "push the manifest",
        "pull the layer",
    ):
        assert step in result.out
    assert f"PATCH https://localhost:{node.root.port}/v2/grp/traced/blobs/uploads/" in result.out
    assert 'WWW-Authenticate: Bearer realm="https://localhost:' in result.out
    assert "Authorization: Bearer ********" in result.out
    assert "_state=********" in result.out
    assert "eyJ" not in result.out
    assert set((node.root.path / STORAGE).rglob("data")) == before
    with node.vhost(lambda text: text.replace(*GUARDED)):
        broken = node.root.ctl("doctor", "--trace", "grp/traced", "--json", timeout=60).exits(1).json()
    assert broken["problem"].startswith("push the manifest: PUT is answered by 403")
    assert broken["exchanges"][-1]["step"] == "delete the blob", "what was uploaded goes again"
    assert broken["exchanges"][0]["milliseconds"]["answer"] > 0


def test_a_trace_signs_in_as_a_user(node: Node) -> None:
    command = node.root.person.command(
        ["--root", str(node.root.path), "doctor", "--trace", "grp/u", "--user", USER]
    )
    done = subprocess.run(
        command, input=PASSWORD, capture_output=True, text=True, check=False, env=node.root.environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"get a token as {USER}" in done.stdout
    assert "Authorization: Basic ********" in done.stdout
    assert PASSWORD not in done.stdout


def test_a_bundle_of_the_running_node_holds_no_secret(node: Node, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    node.root.ctl("support-bundle", "-o", str(target), timeout=60).ok()
    with tarfile.open(target) as archive:
        texts = {one.name: archive.extractfile(one).read() for one in archive.getmembers()}  # type: ignore[union-attr]
    assert not [name for name, text in texts.items() if b"left out" in text]
    secrets = node.root.secrets()
    key = "".join(line for line in secrets["internal_key"].splitlines() if "-----" not in line)
    for secret in (secrets["http_secret"], node.redis.password, key[640:704], key[704:768]):
        for form in (
            secret.encode(),
            secret.encode().hex().encode(),
            base64.b64encode(secret.encode())[4:-4],
        ):
            assert not [name for name, text in texts.items() if form in text]
    assert any(
        name.endswith("log/registry/current") and b"level=info" in text for name, text in texts.items()
    )


def test_no_secret_is_shown(node: Node) -> None:
    text = json.dumps([node.doctor("--user", USER), node.doctor("-v")])
    for secret in (PASSWORD, node.redis.password, node.root.secrets()["http_secret"]):
        assert secret not in text
