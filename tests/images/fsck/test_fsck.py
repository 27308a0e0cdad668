"""Damage in the storage of real registries: what clients notice of it, what is found, what a repair changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ctl.collector.layout import REPOSITORIES
from ctl.storage.made import open_store
from tests.harness import images
from tests.harness.cloud import BUCKET, s3_parameters
from tests.harness.images import Blob
from tests.harness.ports import Ports
from tests.harness.registries import Registry
from tests.harness.registry_stack import Stack, stack
from tests.harness.registry_store import Store
from tests.harness.s3 import S3Server

pytestmark = pytest.mark.real
FSCK = "registry-fsck"
Damage = Callable[[Store, str, Blob], object]


@dataclass(frozen=True)
class Case:
    """A repository with one damage.

    Args:
        kind: that is found.
        damage: does it.
        after: a repair: "pulled", "gone" (the tag is no longer listed), "pushed" (a push works again), "left".
    """

    kind: str
    damage: Damage
    after: str


def _child(image: Blob) -> str:
    return image.needs[0].digest


def _layer(image: Blob) -> str:
    return next(one.digest for one in image.family().values() if one.media_type == images.LAYER)


def _two(store: Store, name: str, _: Blob) -> None:
    store.write(
        f"{REPOSITORIES}/{name}/_manifests/tags/v1/index/sha256/{'0' * 64}/link", b"sha256:" + b"0" * 64
    )
    store.link(name, "v1").write_bytes(b"")


def _bare(store: Store, name: str, _: Blob) -> None:
    folder = store.link(name, "v1").parents[1]
    shutil.rmtree(folder)
    folder.mkdir()


def _current_gone(store: Store, name: str, _: Blob) -> None:
    shutil.rmtree(store.link(name, "v1").parent)


def _link(content: bytes) -> Damage:
    return lambda store, name, _: store.link(name, "v1").write_bytes(content)


def _manifest(length: int) -> Damage:
    return lambda store, _, image: store.data(image.digest).write_bytes(image.content[:length])


def _revision_gone(store: Store, name: str, image: Blob) -> None:
    shutil.rmtree(store.revision(name, image.digest).parent)


def _no_layers(store: Store, name: str, image: Blob) -> None:
    shutil.rmtree(store.layer(name, _layer(image)).parents[2])


def _blob_gone(store: Store, _: str, image: Blob) -> None:
    shutil.rmtree(store.data(_layer(image)).parent)


CASES = {
    "tag-empty": Case("tag", _link(b""), "pulled"),
    "tag-missing": Case("tag", _current_gone, "pulled"),
    "tag-garbled": Case("tag", _link(b"\0" * 71), "pulled"),
    "tag-of-two": Case("tag", _two, "gone"),
    "tag-bare": Case("tag", _bare, "gone"),
    "target": Case("target", _revision_gone, "pulled"),
    "revision": Case(
        "revision", lambda store, name, image: store.revision(name, image.digest).write_bytes(b""), "pulled"
    ),
    "layer": Case(
        "layer_link", lambda store, name, image: store.layer(name, _layer(image)).write_bytes(b""), "pulled"
    ),
    "layer-gone": Case(
        "layer_link", lambda store, name, image: store.layer(name, _layer(image)).unlink(), "pulled"
    ),
    "no-layers": Case("layers", _no_layers, "pulled"),
    "manifest": Case("manifest", _manifest(0), "pushed"),
    "manifest-cut": Case("manifest", _manifest(90), "pushed"),
    "blob-cut": Case("blob", lambda store, _, image: store.data(_layer(image)).write_bytes(b"cut"), "pushed"),
    "blob-gone": Case("missing_blob", _blob_gone, "left"),
}
"""By the name of the repository."""


@dataclass
class Damaged:
    """A registry whose storage has every damage."""

    registry: Stack
    pushed: dict[str, Blob]

    def pulls(self, name: str) -> bool:
        return self.registry.client.pulls(
            f"grp/{name}", self.pushed[name], "v1"
        ) and self.registry.client.pulls(f"grp/{name}", self.pushed[name])

    def push(self, name: str) -> None:
        self.registry.client.push(f"grp/{name}", self.pushed[name], "v1")

    def tags(self, name: str) -> list[str]:
        found = self.registry.client.get(f"/v2/grp/{name}/tags/list").json()
        return list(found.get("tags") or [])


@pytest.fixture
def damaged(registry_program: Registry) -> Iterator[Damaged]:
    ports = Ports()
    with stack(ports, program=registry_program.program) as registry:
        found = Damaged(registry, {name: images.image(f"fsck {name}", size=3_000) for name in CASES})
        store = Store(registry.images)
        for name, case in CASES.items():
            found.push(name)
            assert found.pulls(name)
            case.damage(store, f"grp/{name}", found.pushed[name])
        both = images.two_platforms("fsck both")
        found.registry.client.push("grp/both", both, "v1")
        shutil.rmtree(store.revision("grp/both", _child(both)).parent)
        for path in registry.images.rglob("*"):  # what tests wrote
            registry.own(path)
        for stray in ("blobs/sha256/aa/notadigest", "repositories/grp/both/_manifests/tags/.DS_Store"):
            path = store.write(f"docker/registry/v2/{stray}", b"stray")
            registry.own(path, path.parent)
        registry.restart()  # it has descriptors of blobs in memory
        yield found
    ports.release()


def _report(registry: Stack, code: int, *options: str) -> dict[str, Any]:
    found = json.loads(registry.ctl(FSCK, "--json", *options, code=code))
    assert isinstance(found, dict)
    return found


def _kinds(report: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in report["damages"]:
        found.setdefault(one["repository"].removeprefix("grp/"), []).append(one["kind"])
    return found


def test_every_damage_is_found_repaired_and_brought_back(damaged: Damaged) -> None:
    registry = damaged.registry
    assert [name for name in CASES if damaged.pulls(name)] == [], "each damage has an effect"
    damaged.push("blob-cut")
    assert not damaged.pulls("blob-cut"), (
        "a registry takes content that is there for whole: no push repairs it"
    )
    before = _tree(registry.images)
    report = _report(registry, 1)
    found = _kinds(report)
    for name, case in CASES.items():
        assert case.kind in found.pop(name), name
    assert sorted(found.pop("both")) == ["child_link", "stray"]
    assert found == {"": ["stray"]}
    assert all(
        one["effect"] and one["remedy"] and one["path"].startswith(str(registry.images))
        for one in report["damages"]
    )
    assert _tree(registry.images) == before, "looking changes nothing"

    repaired = _report(registry, 1, "--repair")
    assert [one["repository"] for one in repaired["damages"] if not one["repaired"]] == ["grp/blob-gone"]
    for name, case in CASES.items():
        _check_after(damaged, name, case)
    assert registry.client.pulls("grp/both", images.two_platforms("fsck both"), "v1")
    damaged.push("blob-gone")
    assert damaged.pulls("blob-gone")
    assert "no damage" in registry.ctl(FSCK)

    run = Path(repaired["quarantine"])
    kept = {path for path in before if not (registry.images / path).exists() and not (run / path).exists()}
    assert not kept, "nothing is deleted"
    registry.ctl(
        "registry-garbage-collect", "--quarantine"
    )  # nor by a collection, nor does one bring the damage back
    assert "no damage" in registry.ctl(FSCK)
    assert "brought back" in registry.ctl(FSCK, "--restore", run.name)
    assert "stray" in {one["kind"] for one in _report(registry, 1)["damages"]}


def _check_after(damaged: Damaged, name: str, case: Case) -> None:
    if case.after == "pulled":
        assert damaged.pulls(name), name
    elif case.after == "gone":
        assert damaged.tags(name) == [], name
    elif case.after == "pushed":
        assert not damaged.pulls(name), name
        damaged.push(name)
        assert damaged.pulls(name), name


def _tree(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and "ctl-quarantine" not in path.parts
    }


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        server.make_bucket(BUCKET)
        yield server


def test_what_aws_datasync_leaves(registry_program: Registry, s3: S3Server) -> None:
    parameters = s3_parameters(s3, forcepathstyle=True)
    ports, image = Ports(), images.image("datasync")
    storage = {"s3": parameters, "delete": {"enabled": True}, "redirect": {"disable": True}}
    with stack(ports, program=registry_program.program, storage=storage) as registry:
        registry.client.push("grp/app", image, "v1")
        registry.client.push("grp/empty", image, "v1")
        store = open_store("s3", parameters, {})
        folder = f"{REPOSITORIES}/grp/app/_manifests/tags/"
        s3.put(BUCKET, f"deep/down/{folder}")
        s3.put(BUCKET, f"deep/down/{REPOSITORIES}/grp/app/")
        store.write(f"{REPOSITORIES}/grp/empty/_manifests/tags/v1/current/link", [])
        tags = "/v2/grp/app/tags/list"
        if registry_program.major == 2:  # the other one passes it over
            assert registry.client.get(tags).json()["tags"] != ["v1"]
        assert not registry.client.pulls("grp/empty", image, "v1")
        found = _kinds(_report(registry, 1))
        assert found == {"app": ["nameless_tag", "nameless_tag"], "empty": ["tag"]}
        report = _report(registry, 0, "--repair")
        assert report["left"] == 0
        assert registry.client.get(tags).json()["tags"] == ["v1"]
        assert registry.client.pulls("grp/empty", image, "v1")
        assert registry.client.pulls("grp/app", image, "v1")
        assert "no damage" in registry.ctl(FSCK)
        assert any(one.key.startswith("ctl-quarantine/fsck-") for one in store.list("ctl-quarantine/"))
    ports.release()
