"""What is looked for in a storage, without a registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ctl.images.fsck.check import check
from ctl.images.fsck.repair import Repair, restore
from ctl.storage.filesystem import FilesystemStore
from tests.harness import images
from tests.harness.images import Blob
from tests.harness.registry_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "images")
    made.push("grp/app", images.two_platforms("whole"), "v1")
    return made


def _kinds(store: Store, *, checksums: bool = False) -> list[str]:
    return sorted(
        one.kind for one in check(FilesystemStore(str(store.root)), lambda: None, checksums=checksums)
    )


def test_a_whole_storage_has_no_damage(store: Store) -> None:
    store.delete("grp/app", images.two_platforms("whole").digest)  # leaves a folder without a link
    store.untag("grp/app", "v1")
    store.path("docker/registry/v2/repositories/grp/app/_uploads/1").mkdir(parents=True)
    assert _kinds(store, checksums=True) == []


def test_content_of_the_right_length_shows_by_its_sum_only(store: Store) -> None:
    image = images.image("changed", size=4_000)
    store.push("grp/changed", image, "v1")
    layer = next(one for one in image.family().values() if one.media_type == images.LAYER)
    store.data(layer.digest).write_bytes(b"x" * len(layer.content))
    assert _kinds(store) == []
    assert _kinds(store, checksums=True) == ["blob"]


def test_layers_that_are_elsewhere_are_not_missing(store: Store) -> None:
    """As those of Windows, which no registry has (OCI image specification, `urls`)."""
    layer = {"mediaType": images.LAYER, "digest": f"sha256:{'0' * 64}", "size": 9}
    document = {"schemaVersion": 2, "mediaType": images.MANIFEST, "layers": [layer]}
    store.push("grp/lost", Blob(images.MANIFEST, json.dumps(document).encode()), "v1")
    assert _kinds(store) == ["missing_blob"]
    layer["urls"] = ["https://example.com/layer"]
    store.path("docker/registry/v2/repositories/grp/lost").rename(store.root / "away")
    store.push("grp/foreign", Blob(images.MANIFEST, json.dumps(document).encode()), "v1")
    assert _kinds(store) == []


def test_a_repair_that_is_taken_back(store: Store) -> None:
    link = store.revision("grp/app", images.two_platforms("whole").digest)
    link.write_bytes(b"garbled")
    there = FilesystemStore(str(store.root))
    repair = Repair(there)
    assert repair.repair(check(there, lambda: None)) == []
    assert link.read_bytes() != b"garbled"
    assert _kinds(store) == []
    link.unlink()
    assert restore(there, repair.run) == 1
    assert link.read_bytes() == b"garbled"


@pytest.mark.parametrize("what", ["tag", "manifest", "layer"])
def test_what_was_pushed_since_it_was_looked_at_is_left_alone(store: Store, what: str) -> None:
    """A client does what the report says while the repair is on its way."""
    image, other = images.image("pushed again"), images.image("another")
    store.push("grp/again", image, "v1")
    store.push("grp/again", other)
    damaged = {
        "tag": store.link("grp/again", "v1"),
        "manifest": store.data(image.digest),
        "layer": store.layer("grp/again", image.needs[1].digest),
    }[what]
    damaged.unlink() if what == "manifest" else damaged.write_bytes(b"")
    there = FilesystemStore(str(store.root))
    faults = check(there, lambda: None)
    assert faults
    store.push("grp/again", image, "v1")
    store.tag("grp/again", "v1", other.digest)
    left = Repair(there).repair(faults)
    assert left
    assert all("it was written meanwhile" in one.remedy for one in left)
    assert store.link("grp/again", "v1").read_text() == other.digest
    assert check(there, lambda: None, checksums=True) == []
