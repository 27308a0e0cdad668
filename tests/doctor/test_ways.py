"""`ctl doctor` on a real node: the way of clients, what the registry uses, and what logs hold."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.doctor import http2
from ctl.doctor.web import Server
from tests.harness import balancers, images, seeds, tokens
from tests.harness.doctor_node import (
    CERTIFICATE,
    CONFIG,
    GUARDED,
    KEY,
    STORAGE,
    Breakage,
    Broken,
    Node,
    assert_found,
    assert_well,
    names_of,
    only_root,
)
from tests.harness.root import SETTINGS
from tests.harness.waiting import listening, wait_for

pytestmark = [pytest.mark.real, only_root]


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
def http2_not_offered(node: Node) -> Iterator[None]:
    with node.edited(SETTINGS, lambda text: f'{text}registry["nginx"]["http2_enabled"] = True\n'):
        yield


@contextmanager
def storage_of_root(node: Node) -> Iterator[None]:
    node.root.client.push("grp/stored", images.image("stored"), "v1")
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
def foreign_tokens(node: Node) -> Iterator[None]:
    """Somebody shows tokens of another key: the registry logs each."""
    node.root.client.request(
        "GET", "/v2/", headers={"Authorization": f"Bearer {tokens.sign(seeds.pair(1)[0], [])}"}
    )
    log = node.root.path / "var/log/gitlab/registry/refused/current"
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


@contextmanager
def storage_not_entered(node: Node) -> Iterator[None]:
    folder = (node.root.path / STORAGE).parent
    mode = folder.stat().st_mode & 0o7777
    folder.chmod(0o700)
    try:
        yield
    finally:
        folder.chmod(mode)


@contextmanager
def wrong_password_of_redis(node: Node) -> Iterator[None]:
    with node.edited(CONFIG, lambda text: text.replace(node.redis.password, "another-password")):
        yield


@contextmanager
def redis_of_another(node: Node) -> Iterator[None]:
    """A replica takes nothing."""
    with node.redis.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", node.root.redirect_port)
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def redis_full(node: Node) -> Iterator[None]:
    with node.redis.client() as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


@contextmanager
def redis_hangs(node: Node) -> Iterator[None]:
    with node.redis.client() as client:
        pid = client.info()["process_id"]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


SMALL = ("client_max_body_size 0", "client_max_body_size 100m")
BROKEN: list[Broken] = [
    ("headers", without("X-Forwarded-Proto"), "failure", "are sent to http://localhost", "X-Forwarded-Proto"),
    ("headers", instead("Host $http_host", "Host registry.internal"), "failure", "sent to registry.internal", "Host"),
    ("headers", instead(*SMALL), "failure", "refuses large layers", "client_max_body_size 0"),
    ("headers", without("proxy_request_buffering"), "warning", "takes in the whole of a request", "buffering off"),
    ("headers", without("proxy_buffering"), "warning", "the whole of an answer before", "buffering off"),
    ("headers", http2_not_offered, "warning", "does not offer HTTP/2, which is enabled", "ctl hup nginx"),
    ("storage", storage_of_root, "failure", "cannot write its storage as user docker-registry", "chown"),
    ("redis", redis_down, "failure", "Redis at 127.0.0.1:", "start it"),
    ("redis", redis_of_another, "failure", "against a read only replica", 'registry["redis"]'),
    ("redis", redis_full, "failure", "'maxmemory'", 'registry["redis"]'),
    ("redis", redis_hangs, "failure", "Timeout reading from socket", "start it"),
    ("notifications", endpoint_down, "warning", "events wait, ", "let the endpoint answer"),
    ("notifications", endpoint_gone, "failure", "is not reached", "start what receives them"),
    ("debug-server", debug_open, "failure", "open to other machines", "debug_addr"),
    ("push", instead(*GUARDED), "failure", "push the manifest: PUT is answered by 403", "--trace"),
    ("errors", foreign_tokens, "warning", "tokens are signed with another key", "ctl doctor token"),
    ("clients", old_docker, "warning", "docker/1.9.1 asked", "compatibility_schema1_enabled"),
    ("storage", storage_not_entered, "failure", "docker-registry may not enter", "chmod"),
    ("redis", wrong_password_of_redis, "failure", "invalid username-password pair", 'registry["redis"]'),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=names_of(BROKEN))
def test_what_is_broken_is_found(node: Node, broken: Broken) -> None:
    assert_found(node, broken)


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


GOOD = (
    "client_max_body_size 0; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; "
    "proxy_set_header X-Forwarded-Proto $scheme;"
)
FRONTS = {
    GOOD: ("ok", ""),
    GOOD.replace("proxy_buffering off", "proxy_buffering on"): ("warning", "takes in the whole of an answer"),
    f'{GOOD} proxy_set_header Authorization "";': ("failure", "does not pass on tokens"),
    f"{GOOD} proxy_hide_header Location;": ("failure", "does not pass on the header Location"),
    f"{GOOD} proxy_hide_header Docker-Distribution-Api-Version;": (
        "failure",
        "the header Docker-Distribution",
    ),
    f"{GOOD} return 503;": ("failure", "(not the registry's own answer: nginx"),
}


def test_what_somebody_in_front_does_wrong(node: Node, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    paths = (node.root.path / CERTIFICATE, node.root.path / KEY)
    for lines, (state, cause) in FRONTS.items():
        port = node.root.ports.take()
        with balancers.ending_tls(tmp_path, port, node.root.registry_port, *paths, lines=lines):
            found = node.doctor("headers", "--from", f"https://localhost:{port}")["headers"]
        causes = [one["cause"] for one in found["findings"] if f"localhost:{port}" in one["cause"]]
        assert found["state"] == state, lines
        assert len(causes) == 1, "one fault is one finding"
        assert cause in causes[0]


def test_http2_that_works_and_one_that_is_only_offered(node: Node) -> None:
    """NGINX itself; then a balancer that offers it, and passes bytes to a server that does not speak it."""
    with node.vhost(lambda text: text.replace(" ssl;", " ssl http2;")):
        found = node.doctor("headers")["headers"]
    assert (found["state"], found["findings"][0]["cause"]) == (
        "ok",
        "NGINX passes on what it should, by HTTP/2",
    )
    port, paths = node.root.ports.take(), (node.root.path / CERTIFICATE, node.root.path / KEY)
    url = f"https://localhost:{port}"
    with balancers.only_offering_http2(port, node.root.registry_port, *paths):
        found = node.doctor("headers", "--from", url)["headers"]
    causes = " ".join(one["cause"] for one in found["findings"])
    assert f"{url} offers HTTP/2, and does not speak it: it answers in HTTP/1." in causes


def test_the_answer_of_another_program_over_http2(node: Node) -> None:
    """Its headers are packed in another way than NGINX's (Go)."""
    port, folder = node.root.ports.take(), node.root.home
    config = {
        "version": 0.1,
        "storage": {"inmemory": {}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {
                "certificate": str(node.root.path / CERTIFICATE),
                "key": str(node.root.path / KEY),
            },
        },
    }
    (folder / "tls.yml").write_text(json.dumps(config))
    process = subprocess.Popen(["/usr/bin/docker-registry", "serve", str(folder / "tls.yml")])
    try:
        wait_for(lambda: listening(port), what="the registry")
        server = Server(f"https://localhost:{port}")
        assert http2.offers(server)
        for path, status in (
            ("/v2/", 200),
            (f"/v2/{'a/' * 120}tags/list", 404),
            ("/v2/a//tags/list", 301),
        ):
            assert http2.status(server, path) == server.ask("GET", path, verify=False).status == status
    finally:
        process.kill()
        process.wait()


def test_all_is_well_again(node: Node) -> None:
    assert_well(node)
