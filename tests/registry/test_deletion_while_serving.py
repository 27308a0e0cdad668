"""`ctl registry-delete` beside real registries that serve: what clients see afterwards, and after it is undone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.ports import Ports
from tests.harness.redis_server import PASSWORD, RedisServer
from tests.harness.registries import Registry
from tests.harness.registry_stack import Stack, registry_uid, stack
from tests.harness.registry_store import Store
from tests.harness.skopeo import Skopeo

pytestmark = pytest.mark.real

NAME = "grp/app"
IMAGE, OTHER = images.image("one"), images.image("other")


@pytest.fixture(params=["inmemory", "redis"])
def registry(request: pytest.FixtureRequest, registry_program: Registry) -> Iterator[Stack]:
    """One with each cache, that has served what is deleted."""
    ports = Ports()
    if request.param == "inmemory":
        with stack(ports, program=registry_program.program) as one:
            yield filled(one)
    else:
        with RedisServer() as redis:
            form = "addr" if registry_program.major == 2 else "addrs"
            address = redis.address if form == "addr" else [redis.address]
            section = {form: address, "password": PASSWORD}
            with stack(ports, program=registry_program.program, cache="redis", redis=section) as one:
                yield filled(one)
    ports.release()


def filled(registry: Stack) -> Stack:
    registry.client.push(NAME, IMAGE, "v1", "v2")
    registry.client.push(NAME, OTHER, "other")
    registry.client.push(f"{NAME}/inner", OTHER, "v1")
    assert registry.client.pulls(NAME, IMAGE, "v1")
    assert registry.client.pulls(NAME, OTHER, "other")
    return registry


def tags(registry: Stack) -> list[str]:
    answer = registry.client.get(f"/v2/{NAME}/tags/list")
    return sorted(answer.json()["tags"] or []) if answer.status == 200 else []


def blob(registry: Stack, digest: str) -> int:
    return registry.client.request("HEAD", f"/v2/{NAME}/blobs/{digest}").status


def test_a_tag_a_manifest_a_repository(registry: Stack, tmp_path: Path) -> None:
    line = registry.sv("status").split(")")[0]
    found = registry.answer("registry-delete", f"{NAME}:v1", "--yes")
    assert registry.sv("status").startswith(line), "nobody caches tags: nothing is restarted for them"
    assert tags(registry) == ["other", "v2"]
    assert registry.client.manifest(NAME, "v1").status == 404
    assert registry.client.pulls(NAME, IMAGE, "v2")
    registry.ctl("registry-garbage-collect", "--restore", found["run"])
    assert registry.client.pulls(NAME, IMAGE, "v1")

    found = registry.answer("registry-delete", f"{NAME}@{IMAGE.digest}", "--yes")
    assert tags(registry) == ["other"]
    assert registry.client.manifest(NAME, IMAGE.digest).status == 404
    registry.ctl("registry-garbage-collect", "--restore", found["run"])
    assert registry.client.pulls(NAME, IMAGE, "v1")
    assert registry.client.pulls(NAME, IMAGE, "v2")

    found = registry.answer("registry-delete", NAME, "--yes")
    assert tags(registry) == []
    assert registry.client.get(f"/v2/{NAME}/tags/list").status == 404
    assert registry.client.get("/v2/_catalog").json()["repositories"] == [f"{NAME}/inner"]
    assert registry.client.manifest(NAME, IMAGE.digest).status == 404
    assert blob(registry, IMAGE.needs[1].digest) == 404, (
        "the registry would promise a layer that it does not link to"
    )
    assert registry.client.pulls(f"{NAME}/inner", OTHER, "v1")
    registry.client.push(NAME, OTHER, "new")
    assert registry.client.pulls(NAME, OTHER, "new")
    registry.ctl("registry-garbage-collect", "--restore", found["run"])
    assert tags(registry) == ["new", "other", "v1", "v2"]
    skopeo = Skopeo(f"127.0.0.1:{registry.port}", None, tmp_path)
    assert sorted(skopeo_tags(skopeo)) == ["new", "other", "v1", "v2"]
    assert registry.client.pulls(NAME, IMAGE, "v1")
    owners = {path.lstat().st_uid for path in registry.images.rglob("*")}
    assert owners == {registry_uid()}


def skopeo_tags(skopeo: Skopeo) -> list[str]:
    done = skopeo.run(["list-tags", "--tls-verify=false", f"docker://{skopeo.registry}/{NAME}"])
    return list(json.loads(done.stdout)["Tags"])


@pytest.mark.one_registry("both keep such a cache")
def test_without_the_switch_the_registry_promises_what_went(registry: Stack) -> None:
    """A proof that the test above can fail: the same renames, and nothing is forgotten."""
    store = Store(registry.images)
    shutil.rmtree(store.path(f"docker/registry/v2/repositories/{NAME}/_manifests"))
    shutil.rmtree(store.path(f"docker/registry/v2/repositories/{NAME}/_layers"))
    assert blob(registry, IMAGE.needs[1].digest) == 200
