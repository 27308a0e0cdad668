"""What fills a storage: sums by repository against what was written."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctl.collector.collection import collect
from ctl.collector.layout import REPOSITORIES
from ctl.collector.manifests import Manifests
from ctl.collector.readable import readable
from ctl.images.usage.measure import measure
from ctl.images.usage.usage import RepositoryUsage, Usage
from tests.harness import images, tree
from tests.harness.collecting import SILENT, at_once
from tests.harness.registry_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one."""
    return Store(tmp_path / "images")


def usage(store: Store) -> tuple[Usage, dict[str, RepositoryUsage]]:
    found = measure(str(store.root))
    return found, {one.name: one for one in found.repositories}


def total(*blobs: images.Blob) -> int:
    family = {digest: one for blob in blobs for digest, one in blob.family().items()}
    return sum(len(one.content) for one in family.values())


def test_own_and_shared_bytes(store: Store) -> None:
    layer = images.layer("shared", size=5_000)
    one, other = images.image("one", shared=[layer]), images.image("other", shared=[layer])
    index = images.two_platforms("index")
    store.push("a", one, "v1", "v2")
    store.push("a", index, "multi")
    store.push("a/b", other, "v1")
    found, by_name = usage(store)
    assert by_name["a"].shared == by_name["a/b"].shared == len(layer.content)
    assert by_name["a"].size == total(one, index)
    assert by_name["a/b"].size == total(other)
    assert (by_name["a"].tags, by_name["a"].manifests) == (3, 4)
    assert (found.shared.count, found.shared.bytes) == (1, len(layer.content))
    assert found.blobs.bytes == total(one, other, index)
    assert found.unreferenced.count == 0


def test_what_nothing_needs_and_what_is_in_quarantine(store: Store) -> None:
    gone = images.image("gone")
    store.push("a", images.image("kept"), "v1")
    store.push("a", gone)
    store.delete("a", gone.digest)
    store.age()
    found, _ = usage(store)
    assert (found.unreferenced.count, found.unreferenced.bytes) == (3, total(gone))
    collect(str(store.root), at_once(), SILENT)
    found, _ = usage(store)
    assert found.unreferenced.count == 0
    assert found.quarantined.count == 3
    assert found.quarantined.bytes >= total(gone)


def test_uploads(store: Store) -> None:
    store.push("a", images.image("kept"), "v1")
    store.write(f"{REPOSITORIES}/a/_uploads/dead/data", b"12345")
    store.age()
    store.write(f"{REPOSITORIES}/a/_uploads/live/data", b"123")
    found, by_name = usage(store)
    assert (found.dead_uploads.count, found.dead_uploads.bytes) == (1, 5)
    assert (found.uploads.count, found.uploads.bytes) == (1, 3)
    assert by_name["a"].uploads == 2


def test_the_last_push_is_that_of_the_newest_link(store: Store) -> None:
    store.push("a", images.image("one"), "v1")
    store.age()
    assert usage(store)[0].as_json()["repositories"][0]["last_push"] == "2001-09-09T01:46:40Z"
    now = int(time.time())
    os.utime(store.link("a", "v1"), (now, now))
    assert usage(store)[1]["a"].last_push == now * 10**9


def test_damages_are_reported_and_sums_are_at_least(store: Store) -> None:
    damaged = images.image("damaged")
    store.push("a", damaged, "v1")
    store.push("b", images.image("whole"), "v1")
    store.data(damaged.digest).write_bytes(b"{")
    found, by_name = usage(store)
    assert not by_name["a"].complete
    assert by_name["b"].complete
    assert [str(store.data(damaged.digest))] == [one.path for one in found.damages]
    assert found.unreferenced.count == 0, "what a damaged manifest may need is not called unneeded"


def test_layers_that_are_not_there_count_as_missing(store: Store) -> None:
    """As layers of Windows, which clients get elsewhere."""
    image = images.image("foreign")
    store.push("a", image, "v1")
    store.data(image.needs[1].digest).unlink()
    found, by_name = usage(store)
    assert by_name["a"].missing == 1
    assert by_name["a"].size == total(image) - len(image.needs[1].content)
    assert found.blobs.count == 2


@pytest.mark.parametrize("untagged", [True, False])
def test_what_a_collection_remembers_changes_no_sum(
    store: Store, monkeypatch: pytest.MonkeyPatch, untagged: bool
) -> None:
    """Its manifests are not read again, but each must still be there."""
    image, layer = images.two_platforms("one"), images.layer("shared", size=5_000)
    for name in ("a", "a/b"):
        store.push(name, image, "v1")
        store.push(name, images.image(f"of {name}", shared=[layer]), "v2")
    store.age()
    before = measure(str(store.root)).as_json()
    monkeypatch.setattr("ctl.collector.collection._SETTLED", -(10**9))
    collect(str(store.root), at_once(untagged=untagged), SILENT)
    reads: list[str] = []
    monkeypatch.setattr(Manifests, "get", lambda _, digest: reads.append(digest))
    assert measure(str(store.root)).as_json() == before
    assert reads == []
    monkeypatch.undo()
    store.data(image.needs[0].digest).unlink()
    found, by_name = usage(store)
    assert not by_name["a"].complete
    assert any(image.needs[0].digest in one.what for one in found.damages)


def test_an_empty_storage_has_nothing(store: Store) -> None:
    store.root.mkdir()
    found, by_name = usage(store)
    assert (by_name, found.damages, found.blobs.count) == ({}, [], 0)


def test_nothing_is_written(store: Store) -> None:
    store.push("a", images.image("kept"), "v1")
    before = tree.snapshot(store.root)
    usage(store)
    assert tree.changed(before, tree.snapshot(store.root)) == set()


def test_names_of_folders_can_be_printed(store: Store) -> None:
    assert readable("team/app") == "team/app"
    assert readable("a\x1b[2Jb\nc") == r"a\x1b[2Jb\nc"
    assert readable(os.fsdecode(b"\xff")).isascii()


@settings(suppress_health_check=list(HealthCheck))
@given(
    contents=st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True)),
        max_size=6,
    )
)
def test_sums_agree_with_a_model(
    tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[str, list[int]]]
) -> None:
    store = Store(tmp_path_factory.mktemp("model"))
    needs: dict[str, dict[str, images.Blob]] = {}
    for name, layers in contents:
        blobs = [images.Blob(images.LAYER, b"x" * (one + 1)) for one in layers]
        image = images.of_layers(blobs)
        store.push(name, image, "v1")
        needs.setdefault(name, {}).update(image.family())
    found, by_name = usage(store)
    assert by_name.keys() == needs.keys()
    for name, family in needs.items():
        others = {digest for other in needs if other != name for digest in needs[other]}
        assert by_name[name].shared == sum(len(family[one].content) for one in family.keys() & others)
        assert by_name[name].own == sum(len(family[one].content) for one in family.keys() - others)
    assert found.blobs.bytes == sum(
        len(one.content) for one in {k: v for f in needs.values() for k, v in f.items()}.values()
    )
