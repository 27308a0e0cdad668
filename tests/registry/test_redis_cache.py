"""A registry whose cache of blob descriptors is in a real Redis: what a collection does to it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import images, seeds
from tests.harness.ports import Ports
from tests.harness.processes import command_lines
from tests.harness.redis_server import PASSWORD, RedisServer
from tests.harness.registries import REGISTRIES, Registry
from tests.harness.registry_stack import Stack, stack
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real

Maker = Callable[..., Stack]
FORMS = {2: "addr", 3: "addrs"}
"""What each version of Distribution calls the server."""
OURS = ("blobs::", "repository::")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A server with a password, which the tests share."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def make_stack(redis: RedisServer) -> Iterator[Maker]:
    """Makes a registry that keeps its cache in Redis, given its `redis` section; the shared server is empty then."""
    with ExitStack() as held, redis.client() as client:
        client.flushall()
        ports = Ports()
        held.callback(ports.release)

        def make(section: dict[str, Any]) -> Stack:
            (program,) = (one for one in REGISTRIES if FORMS[one.major] in section)
            if program.missing:
                pytest.skip(program.missing)
            return held.enter_context(stack(ports, program=program.program, cache="redis", redis=section))

        yield make


@pytest.fixture
def registry(registry_program: Registry, make_stack: Maker, redis: RedisServer) -> Stack:
    """A registry of each program with the shared server."""
    return make_stack(_section(FORMS[registry_program.major], redis.address))


def _section(form: str, address: str, **more: object) -> dict[str, Any]:
    found = {"password": PASSWORD, "dialtimeout": "1s", "readtimeout": "1s", "writetimeout": "1s", **more}
    return {form: [address] if form == "addrs" else address, **found}


def _push_and_delete(registry: Stack, seed: str = "in the cache") -> images.Blob:
    image = images.image(seed, size=5_000)
    registry.client.push("grp/app", image, "v1")
    assert _pulls(registry, image)
    assert registry.client.request("DELETE", f"/v2/grp/app/manifests/{image.digest}").status == 202
    return image


def _pulls(registry: Stack, image: images.Blob) -> bool:
    """A blob that the cache promises, and that is gone, is cut off after the headers of the answer."""
    try:
        return registry.client.pulls("grp/app", image, "v1")
    except ConnectionError:
        return False


def _promises(redis: RedisServer) -> set[str]:
    return _ours(redis.keys())


def _ours(keys: Iterable[str]) -> set[str]:
    return {key for key in keys if key.startswith(OURS)}


def test_the_programs_own_collection_breaks_the_next_push(registry: Stack, redis: RedisServer) -> None:
    """Why the cache must be emptied; and a proof that the next test can fail."""
    image = _push_and_delete(registry)
    registry.sv("stop")
    subprocess.run([registry.program, "garbage-collect", registry.config], check=True, capture_output=True)
    registry.sv("start")
    wait_for(registry.serves, what="the registry serves")
    assert _promises(redis)
    registry.client.push("grp/app", image, "v1")
    assert not _pulls(registry, image)


def test_after_a_collection_deleted_images_can_be_pushed_again(registry: Stack, redis: RedisServer) -> None:
    with redis.client() as client, redis.client(db=1) as other:
        client.mset({"resque:gitlab": "1", "blobs:one-colon": "2", "my-repository::x": "3"})
        other.set("blobs::of-another-database", "4")
    image = _push_and_delete(registry)
    assert _promises(redis)
    assert "deleted 3 blobs" in registry.collect()
    assert redis.keys() == {"resque:gitlab", "blobs:one-colon", "my-repository::x"}
    assert redis.keys(db=1) == {"blobs::of-another-database"}
    registry.client.push("grp/app", image, "v1")
    assert _pulls(registry, image)
    assert _promises(redis), "the registry does not use the cache any more"


def test_exactly_the_keys_of_what_went_are_deleted(registry: Stack, redis: RedisServer) -> None:
    """By ctl's own collector, while the registry serves and is not even restarted."""
    kept = images.image("kept", size=3_000)
    registry.client.push("grp/app", kept, "kept")
    image = _push_and_delete(registry)
    assert registry.client.pulls("grp/app", kept, "kept")
    registry.mode = ("--quarantine", "--older-than", "0")
    line, before = registry.sv("status").split(")")[0], _promises(redis)
    assert "moved 3 blobs" in registry.collect()
    gone = {key for key in before if any(digest in key for digest in image.family())}
    assert gone
    assert _promises(redis) == before - gone
    with redis.client() as client:
        members = set(client.smembers("repository::grp/app::blobs"))
    assert not members & image.family().keys()
    assert registry.sv("status").startswith(line)
    registry.client.push("grp/app", image, "v1")
    assert _pulls(registry, image)


def test_a_killed_collection_leaves_no_promises(registry: Stack, redis: RedisServer) -> None:
    image = _push_and_delete(registry)
    with registry.held("-m") as process:
        assert not [line for line in command_lines() if PASSWORD in line]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    wait_for(registry.serves, what="the registry serves again")
    assert not _promises(redis)
    registry.client.push("grp/app", image, "v1")
    assert _pulls(registry, image)


def test_an_interrupted_and_a_failed_collection_leave_no_promises(
    registry: Stack, redis: RedisServer
) -> None:
    _push_and_delete(registry)
    with registry.held("-m") as process:
        with redis.client() as client:  # as a registry of another machine would do
            client.set("blobs::sha256:filled-meanwhile", "1")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    wait_for(registry.serves, what="the registry serves again")
    assert not _promises(redis)
    image = _push_and_delete(registry, "another")
    (registry.signs / "fail").touch()
    registry.collect(code=1)
    assert not _promises(redis)
    registry.client.push("grp/app", image, "v1")
    assert _pulls(registry, image)


def test_nothing_is_begun_without_redis_and_the_registry_goes_on(
    make_stack: Maker, registry_program: Registry
) -> None:
    with RedisServer() as own:
        registry = make_stack(_section(FORMS[registry_program.major], own.address))
        image = _push_and_delete(registry)
        line, before = registry.sv("status").split(")")[0], registry.stored()
        own.stop()
        output = registry.collect("-m", code=1)
        assert f"Redis at 127.0.0.1:{own.port}" in output
        assert "nothing was begun" in output
        assert "refused" in output
        assert registry.sv("status").split(")")[0] == line
        assert registry.stored() == before
        assert "would delete blob" in registry.collect("-d"), "a dry run needs no cache"
        registry.client.push("grp/other", image, "v1")
        assert registry.client.pulls("grp/other", image, "v1")
        own.start()
        registry.collect("-m")
        registry.client.push("grp/app", image, "v1")
        assert _pulls(registry, image)


def test_a_dry_run_leaves_the_cache_alone_and_a_read_only_registry_is_collected_as_others(
    registry: Stack, redis: RedisServer
) -> None:
    _push_and_delete(registry)
    before = redis.keys()
    assert "would delete blob" in registry.collect("-d")
    assert redis.keys() == before != set()
    document = json.loads(registry.config.read_text(encoding="utf-8"))
    document["storage"]["maintenance"] = {"readonly": {"enabled": True}}
    registry.config.write_text(json.dumps(document), encoding="utf-8")
    assert "deleted 3 blobs" in registry.collect()
    assert not _promises(redis)
    assert registry.client.request("POST", "/v2/grp/app/blobs/uploads/").status == 405


def test_a_wrong_password_and_missing_rights_are_reported(make_stack: Maker, redis: RedisServer) -> None:
    registry = make_stack(_section("addr", redis.address, password="not-the-password"))
    registry.client.push("grp/app", images.image("no cache"), "v1")
    output = registry.collect("-m", code=1)
    assert "invalid username-password pair" in output
    assert "not-the-password" not in output
    assert registry.serves()


def test_rights_for_the_keys_of_registries_are_enough(make_stack: Maker, redis: RedisServer) -> None:
    with redis.client() as client:
        client.acl_setuser(
            "registry", enabled=True, passwords=["+of-the-registry"], reset=True, categories=["+@all", "-@dangerous"],
            keys=["blobs::*", "repository::*"],
        )  # fmt: skip
        client.acl_setuser(
            "reader", enabled=True, passwords=["+of-the-reader"], reset=True, categories=["+@read", "+@connection"],
            keys=["*"],
        )  # fmt: skip
        client.set("of-others", "1")
    registry = make_stack(_section("addrs", redis.address, username="registry", password="of-the-registry"))
    image = _push_and_delete(registry)
    assert _promises(redis)
    registry.collect()
    assert not _promises(redis)
    registry.client.push("grp/app", image, "v1")
    assert _pulls(registry, image)
    registry.write(redis=_section("addrs", redis.address, username="reader", password="of-the-reader"))
    output = registry.collect(code=1)
    assert "no permissions to run the 'unlink' command" in output
    assert registry.serves()


def test_settings_of_the_registrys_environment_win(make_stack: Maker, redis: RedisServer) -> None:
    """A password may come from there alone, as one that config.yml must not hold."""
    registry = make_stack(_section("addr", "127.0.0.1:1", password=""))
    environment = registry.layout.path("/opt/gitlab/etc/registry/env")
    environment.mkdir(parents=True)
    (environment / "REGISTRY_REDIS_ADDR").write_text(redis.address)
    (environment / "REGISTRY_REDIS_PASSWORD").write_text(PASSWORD)
    registry.client.push("grp/app", images.image("settings"), "v1")
    with redis.client() as client:
        client.hset("blobs::sha256:stale", "digest", "x")
    registry.collect()
    assert not _promises(redis)


Way = tuple[dict[str, Any], Callable[[], set[str]]]
"""A `redis` section, and the keys that are in the server then."""


@contextmanager
def _by_socket(_folder: Path) -> Iterator[Way]:
    with RedisServer() as server:
        yield {"addrs": [str(server.socket)]}, server.keys


@contextmanager
def _by_tls(folder: Path) -> Iterator[Way]:
    """The server wants a certificate of its clients, and has one of an authority that the machine does not know."""
    key, certificate = (folder / name for name in ("redis.key", "redis.crt"))
    for path, content in zip((key, certificate), seeds.server_certificate("localhost"), strict=True):
        path.write_text(content)
    ports = Ports()
    port = ports.take()
    files = f"tls-cert-file {certificate}\ntls-key-file {key}\ntls-ca-cert-file {certificate}"
    tls = {"certificate": str(certificate), "key": str(key), "rootcas": [str(certificate)]}
    client = {"port": port, "host": "localhost", "ssl": True, "ssl_ca_certs": str(certificate)}
    client |= {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    with RedisServer(f"tls-port {port}", "tls-auth-clients yes", files) as server:
        yield {"addrs": [f"localhost:{port}"], "tls": tls}, lambda: server.keys(**client)
    ports.release()


@contextmanager
def _by_sentinel(_folder: Path) -> Iterator[Way]:
    with RedisServer() as server:
        lines = [
            f"sentinel monitor images 127.0.0.1 {server.port} 1",
            f"sentinel auth-pass images {PASSWORD}",
            "requirepass of-the-sentinel",
        ]
        with RedisServer(*lines, sentinel=True) as sentinel:
            section = {"mastername": "images", "sentinelpassword": "of-the-sentinel"}
            yield {"addrs": [sentinel.address], **section}, server.keys


@contextmanager
def _by_cluster(_folder: Path) -> Iterator[Way]:
    lines = ["cluster-enabled yes", f"masterauth {PASSWORD}"]
    with RedisServer(*lines) as one, RedisServer(*lines) as other:
        with one.client() as first, other.client() as second:
            first.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
            second.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
            first.execute_command("CLUSTER MEET", "127.0.0.1", other.port, other.bus_port)
            for node in (first, second):
                wait_for(lambda: node.cluster("INFO")["cluster_state"] == "ok", what="the cluster")  # noqa: B023
        yield {"addrs": [one.address, other.address]}, lambda: one.keys() | other.keys()


_WAYS = {"socket": _by_socket, "tls": _by_tls, "sentinel": _by_sentinel, "cluster": _by_cluster}


@pytest.mark.parametrize("way", _WAYS)
def test_other_ways_to_redis(make_stack: Maker, way: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ctl-redis-"))
    folder.chmod(0o755)
    try:
        with _WAYS[way](folder) as (section, keys):
            registry = make_stack({"password": PASSWORD, **section})
            image = _push_and_delete(registry)
            assert _ours(keys())
            registry.collect()
            assert not _ours(keys())
            registry.client.push("grp/app", image, "v1")
            assert _pulls(registry, image)
    finally:
        shutil.rmtree(folder)
