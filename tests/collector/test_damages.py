"""A storage that is damaged, not there, or another's: what stops a collection, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ctl.collector.collection import collect
from ctl.collector.layout import (
    BLOBS,
    DATABASE_LOCK,
    QUARANTINE,
    REPOSITORIES,
    blob_folder,
    layer_folder,
)
from ctl.collector.quarantine import Quarantine
from ctl.errors import CtlError, LockHeld, PreflightError
from tests.harness import images
from tests.harness.collecting import NAME, SILENT, at_once, pushed, run
from tests.harness.registry_store import Store


def test_one_damage_keeps_its_repository_and_the_rest_goes_on(store: Store) -> None:
    pushed(store, "elsewhere", "v1", name="other")
    gone = pushed(store, "gone", name="other")
    damaged = pushed(store, "damaged", "v1")
    store.data(damaged.digest).write_bytes(b"{")
    store.age()
    report = run(store, untagged=True)
    assert report.manifests == [("other", gone.digest)]
    assert {one.digest for one in damaged.needs} <= store.blobs()
    assert [(one.path, one.repository) for one in report.damages] == [(str(store.data(damaged.digest)), NAME)]


def test_what_cannot_be_read_stops_every_deletion(store: Store) -> None:
    pushed(store, "elsewhere", "v1", name="other")
    store.delete("other", pushed(store, "gone", name="other").digest)
    pushed(store, "unknown", "v1")
    shut = store.path(f"{REPOSITORIES}/{NAME}")
    shutil.rmtree(shut)
    shut.symlink_to(shut)
    before = store.blobs()
    report = run(store, untagged=True)
    assert report.blocked[0].path == str(shut)
    assert store.blobs() == before


def test_stray_names_below_blobs_are_reported_and_stay(store: Store) -> None:
    pushed(store, "kept", "v1")
    store.delete(NAME, pushed(store, "gone").digest)
    strays = [
        store.path(f"docker/registry/v2/blobs/{name}")
        for name in ("sha256/ab/ABCD", "sha256/zzz", "tarsum", ".DS_Store", "sha256/ab/" + "a" * 63)
    ]
    for stray in strays:
        stray.mkdir(parents=True)
    store.age()
    report = run(store)
    assert {one.path for one in report.damages} == {str(path) for path in strays}
    assert report.counts["blobs_deleted"] == 3
    assert all(path.exists() for path in strays)


def test_a_database_that_manages_the_storage_is_respected(store: Store) -> None:
    pushed(store, "kept", "v1")
    store.write(DATABASE_LOCK, b"")
    with pytest.raises(PreflightError, match="database-in-use exists"):
        run(store)


def test_only_one_at_a_time(store: Store) -> None:
    pushed(store, "kept", "v1")
    with Quarantine(str(store.root)), pytest.raises(LockHeld, match=f"process {os.getpid()} on "):
        run(store)
    run(store)


def test_the_cache_of_manifests_may_be_damaged(store: Store) -> None:
    kept = pushed(store, "kept", "v1")
    store.delete(NAME, pushed(store, "gone").digest)
    store.age()
    cache = store.root / QUARANTINE / "manifests.sqlite"
    cache.parent.mkdir()
    cache.write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    run(store)
    assert store.blobs() == set(kept.family())


def test_nothing_is_read_through_symbolic_links_in_the_quarantine(store: Store, tmp_path: Path) -> None:
    pushed(store, "kept", "v1")
    outside = tmp_path / "outside"
    outside.mkdir()
    (store.root / QUARANTINE).mkdir()
    (store.root / QUARANTINE / "20200101T000000Z-0000").symlink_to(outside)
    store.age()
    run(store, keep_for=0)
    assert outside.exists()


def test_links_of_images_whose_blobs_are_away_stay(store: Store, tmp_path: Path) -> None:
    """A disk that is not mounted: everything is there again afterwards."""
    image, unused = images.image("kept"), images.layer("unused", size=9)
    store.push("app", image, "v1")
    store.write(f"{layer_folder('app', unused.digest)}/link", unused.digest.encode())
    (layer,) = (one for one in image.needs if one.media_type == images.LAYER)
    shard = store.path(blob_folder(layer.digest)).parent
    shard.rename(tmp_path / "disk")
    shard.symlink_to(tmp_path / "not-mounted")
    report = collect(str(store.root), at_once(untagged=True), SILENT)
    assert report.counts["links_deleted"] == 1
    assert store.layer("app", layer.digest).exists()
    assert [one.what for one in report.damages] == ["it is a symbolic link to what is not there"]


def test_no_blob_at_all_stops_every_deletion(store: Store) -> None:
    image = images.image("kept")
    store.push("app", image, "v1")
    shutil.rmtree(store.path(BLOBS))
    report = collect(str(store.root), at_once(untagged=True), SILENT)
    assert [one.what for one in report.blocked] == ["there is no blob"]
    assert all(store.layer("app", one.digest).exists() for one in image.needs)


def test_a_quarantine_that_leads_elsewhere_is_refused(store: Store, tmp_path: Path) -> None:
    store.push("app", images.image("kept"), "v1")
    (tmp_path / "etc").mkdir()
    store.path(QUARANTINE).symlink_to(tmp_path / "etc")
    with pytest.raises(CtlError, match=r"ctl-quarantine is a symbolic link"):
        collect(str(store.root), at_once(), SILENT)
    assert list((tmp_path / "etc").iterdir()) == []
