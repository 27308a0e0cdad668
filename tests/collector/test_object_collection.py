"""Collections of object storage: of each kind by a real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ctl.collector import object_quarantine
from ctl.collector.collection import collect
from ctl.collector.layout import (
    BLOBS,
    DATABASE_LOCK,
    QUARANTINE,
    REPOSITORIES,
    blob_folder,
    layer_folder,
    revision_folder,
)
from ctl.collector.object_quarantine import ObjectQuarantine
from ctl.collector.restoring import restore
from ctl.errors import LockHeld, PreflightError
from ctl.storage.made import open_store
from ctl.storage.store import Store
from tests.harness import images
from tests.harness.bare_registry import started
from tests.harness.cloud import BUCKET, Kept, s3_parameters, storage
from tests.harness.collecting import SILENT, Silent, at_once
from tests.harness.registries import Registry
from tests.harness.s3 import S3Server
from tests.harness.versity import VersityServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=["s3", "versity", "gcs", "azure"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with storage(request.param, tmp_path_factory.mktemp("images")) as made:
        yield made


@pytest.fixture
def store(kept: Kept) -> Store:
    """The storage, empty."""
    found = kept.open()
    for one in list(found.list("")):
        found.delete(one.key)
    return found


def push(store: Store, repository: str, image: images.Blob, *tags: str) -> None:
    for digest, one in image.family().items():
        is_manifest = one.media_type in (images.MANIFEST, images.INDEX)
        store.write(f"{blob_folder(digest)}/data", [one.content])
        folder = (revision_folder if is_manifest else layer_folder)(repository, digest)
        store.write(f"{folder}/link", [digest.encode()])
    for tag in tags:
        folder = f"{REPOSITORIES}/{repository}/_manifests/tags/{tag}"
        store.write(f"{folder}/index/{image.digest.replace(':', '/')}/link", [image.digest.encode()])
        store.write(f"{folder}/current/link", [image.digest.encode()])


def blobs(store: Store) -> set[str]:
    return {f"sha256:{one.key.split('/')[-2]}" for one in store.list(f"{BLOBS}/")}


def in_quarantine(store: Store) -> list[str]:
    return [one.key for one in store.list(f"{QUARANTINE}/") if "/docker/" in one.key]


class Counted:
    """A storage that notes what is asked of it."""

    def __init__(self, store: Store, asked: list[str]) -> None:
        self._store = store
        self._asked = asked

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the storage has
        found = getattr(self._store, name)
        if name in ("name", "driver"):
            return found

        def noted(key: str, *more: object, **named: object) -> Any:  # noqa: ANN401
            self._asked.append(key)
            return found(key, *more, **named)

        return noted


SHARED = images.layer("shared", size=100)
KEPT, GONE = images.image("kept", shared=[SHARED]), images.image("gone", shared=[SHARED])
OWN = GONE.family().keys() - KEPT.family().keys()


def test_what_nothing_needs_goes_into_quarantine_comes_back_and_is_purged(store: Store) -> None:
    push(store, "team/app", KEPT, "v1")
    push(store, "team/app", GONE)
    store.delete(f"{revision_folder('team/app', GONE.digest)}/link")
    before = {one.key for one in store.list("")}
    dry = collect(store, at_once(dry_run=True), SILENT)
    assert dry.counts["blobs_deleted"] == len(OWN)
    assert {one.key for one in store.list("")} == before
    report = collect(store, at_once(), SILENT)
    assert report.counts["blobs_deleted"] == len(OWN)
    assert blobs(store) == set(KEPT.family())
    assert len(in_quarantine(store)) == len(OWN)
    assert restore(store, report.run).counts["blobs_restored"] == len(OWN)
    assert blobs(store) == set(KEPT.family()) | OWN
    assert in_quarantine(store) == []
    collect(store, at_once(), SILENT)
    purged = collect(store, at_once(keep_for=0), SILENT)
    assert purged.counts["blobs_purged"] == len(OWN)
    assert purged.counts["bytes_freed"] > 2_000
    assert purged.counts["links_deleted"] >= 1
    assert blobs(store) == set(KEPT.family())
    with ObjectQuarantine(store) as quarantine:
        assert [one["dry_run"] for one in quarantine.history()] == [False] * 3


def test_untagged_manifests_go_and_a_push_brings_back_what_it_needs(store: Store) -> None:
    push(store, "team/app", KEPT, "v1")
    push(store, "team/app", GONE)
    report = collect(store, at_once(untagged=True), SILENT)
    assert report.manifests == [("team/app", GONE.digest)]
    assert blobs(store) == set(KEPT.family())
    push(store, "team/other", KEPT)
    folder = f"{REPOSITORIES}/team/app/_manifests/tags/late"
    store.write(f"{folder}/current/link", [GONE.digest.encode()])
    later = collect(store, at_once(untagged=True, keep_for=0), SILENT)
    assert later.counts["manifests_restored"] == 1
    assert blobs(store) == set(KEPT.family()) | OWN


def test_what_is_pushed_while_blobs_move_comes_back(store: Store) -> None:
    push(store, "team/app", KEPT, "v1")
    push(store, "team/app", GONE)
    store.delete(f"{revision_folder('team/app', GONE.digest)}/link")

    class Pushes(Silent):
        def step(self, text: str) -> None:
            if text == "moving blobs":  # the mark is over
                link = f"{revision_folder('team/other', GONE.digest)}/link"
                store.write(link, [GONE.digest.encode()])

    collect(store, replace(at_once(), settle=()), Pushes())
    assert blobs(store) == set(KEPT.family()) | OWN


def test_one_collection_at_a_time_and_a_killed_one_is_finished(store: Store) -> None:
    push(store, "team/app", KEPT, "v1")
    push(store, "team/app", GONE)
    with ObjectQuarantine(store) as quarantine:
        run = quarantine.begin(quarantine.now())
        for digest in GONE.family():
            assert quarantine.take(run, blob_folder(digest))
        with pytest.raises(LockHeld, match="process"):
            collect(store, at_once(), SILENT)
    assert not set(GONE.family()) <= blobs(store)
    report = collect(store, at_once(keep_for=0), SILENT)
    assert report.counts["blobs_restored"] == len(GONE.family())
    assert blobs(store) == set(KEPT.family()) | OWN


def test_the_lock_of_a_killed_collection_counts_for_minutes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(store, "team/app", KEPT, "v1")
    ObjectQuarantine(store).__enter__()
    with pytest.raises(LockHeld, match="process"):
        collect(store, at_once(), SILENT)
    monkeypatch.setattr(object_quarantine, "_ALIVE", 0)
    collect(store, at_once(), SILENT)
    assert store.find(f"{QUARANTINE}/lock") is None


def test_listings_do_instead_of_requests(kept: Kept, store: Store) -> None:
    """A request for each manifest in the first run, for none afterwards."""
    if kept.driver != "s3":
        pytest.skip("one server whose requests are counted is enough")
    asked: list[str] = []
    shared = [images.layer(f"shared {number}", size=20) for number in range(20)]
    made = [images.image(f"{number}", shared=shared) for number in range(3)]
    for number, image in enumerate(made):
        push(store, "team/app", image, f"v{number}")
        push(store, "team/other", image, f"v{number}", "latest")
    counted = cast("Store", Counted(store, asked))
    collect(counted, at_once(), SILENT)
    manifests = [key for key in asked if key.startswith(BLOBS) and key.endswith("/data")]
    assert sorted(manifests) == sorted(f"{blob_folder(image.digest)}/data" for image in made)
    asked.clear()
    collect(counted, at_once(), SILENT)
    assert [key for key in asked if not key.startswith(QUARANTINE)] == [f"{REPOSITORIES}/", f"{BLOBS}/"]
    # runs and locks (1), lock (2), what is remembered (2), the history, the lock's end
    assert len([key for key in asked if key.startswith(QUARANTINE)]) <= 7


def test_leftovers_go_though_no_blob_does(store: Store) -> None:
    push(store, "team/app", KEPT, "v1")
    collect(store, at_once(), SILENT)
    link = f"{layer_folder('team/app', images.layer('nowhere', size=9).digest)}/link"
    store.write(link, [b"x"])
    assert collect(store, at_once(), SILENT).counts == {"links_deleted": 1}
    assert store.find(link) is None


def test_of_collections_that_do_nothing_the_last_is_in_the_history(store: Store) -> None:
    def history() -> list[int]:
        return [one["blobs_deleted"] for one in ObjectQuarantine(store).history()]

    push(store, "team/app", KEPT, "v1")
    collect(store, at_once(), SILENT)
    collect(store, at_once(), SILENT)
    assert history() == [0]
    push(store, "team/app", GONE)
    store.delete(f"{revision_folder('team/app', GONE.digest)}/link")
    collect(store, at_once(), SILENT)
    collect(store, at_once(), SILENT)
    assert history() == [0, len(OWN), 0]


def test_an_empty_bucket_has_nothing_to_collect(store: Store) -> None:
    assert collect(store, at_once(), SILENT).damages == []
    store.write(f"{blob_folder(KEPT.digest)}/data", [KEPT.content])
    assert len(collect(store, at_once(), SILENT).blocked) == 1


def test_a_storage_of_a_database_is_refused(store: Store) -> None:
    push(store, "team/app", KEPT, "v1")
    store.write(DATABASE_LOCK, [b""])
    with pytest.raises(PreflightError, match=r"database-in-use exists: .* metadata database"):
        collect(store, at_once(), SILENT)


@pytest.fixture(params=[S3Server, VersityServer])
def versioned(request: pytest.FixtureRequest) -> Iterator[tuple[S3Server | VersityServer, Store]]:
    """A bucket that keeps what is deleted."""
    with request.param() as server:
        server.make_bucket(BUCKET)
        server.keep_versions(BUCKET)
        yield server, open_store("s3", s3_parameters(server), {})


def test_nothing_is_copied_where_the_bucket_keeps_versions(
    versioned: tuple[S3Server | VersityServer, Store],
) -> None:
    server, store = versioned
    push(store, "team/app", KEPT, "v1")
    push(store, "team/app", GONE)
    report = collect(store, at_once(untagged=True), SILENT)
    assert blobs(store) == set(KEPT.family())
    assert all(store.version(key)[1] == 0 for key in in_quarantine(store) if BLOBS in key)
    restored = restore(store, report.run)
    assert (restored.counts["blobs_restored"], restored.counts["manifests_restored"]) == (len(OWN), 1)
    for digest, blob in GONE.family().items():
        assert store.read(f"{blob_folder(digest)}/data") == blob.content
    collect(store, at_once(untagged=True), SILENT)
    again = f"{blob_folder(GONE.needs[-1].digest)}/data"
    store.write(again, [GONE.needs[-1].content])  # pushed again, without a link: it is older than nothing
    purged = collect(store, at_once(untagged=True, keep_for=0, older_than=10**15), SILENT)
    assert purged.counts["bytes_freed"] >= sum(len(GONE.family()[one].content) for one in OWN)
    assert store.read(again) == GONE.needs[-1].content
    store.delete(again)
    left = "".join(server.versions(BUCKET))
    own = sorted(key.partition(QUARANTINE)[2] for key in server.versions(BUCKET) if QUARANTINE in key)
    assert own == ["/history.jsonl", "/manifests.sqlite"]  # one version of each, whatever was run
    assert f"{blob_folder(GONE.digest)}/data" not in left
    assert f"{blob_folder(KEPT.digest)}/data" in left


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Server]:
    """A server with two buckets: a plain one, and one that keeps versions."""
    with S3Server() as server:
        server.make_bucket(BUCKET)
        server.make_bucket("versions")
        server.keep_versions("versions")
        yield server


@pytest.mark.parametrize("bucket", [BUCKET, "versions"])
def test_a_registry_serves_what_was_kept_and_what_came_back(
    moto: S3Server, bucket: str, registry_program: Registry, tmp_path: Path
) -> None:
    """By copies, or by deletions that leave versions."""
    parameters = s3_parameters(moto, bucket=bucket)
    store, s3 = open_store("s3", parameters, {}), {"s3": {**parameters, "forcepathstyle": True}}
    store.erase_all("")
    with started(registry_program.program, tmp_path / "none", storage=s3) as (client, _):
        client.push("team/app", KEPT, "v1")
        client.push("team/app", GONE)
        client.request("DELETE", f"/v2/team/app/manifests/{GONE.digest}")
        report = collect(store, at_once(), SILENT)
        assert report.counts["blobs_deleted"] == len(OWN)
        copied = [store.version(key)[1] for key in in_quarantine(store) if BLOBS in key]
        assert any(copied) == (bucket == BUCKET)
        assert client.pulls("team/app", KEPT, "v1")
        client.push("team/app", GONE, "again")
        assert client.pulls("team/app", GONE, "again")
        client.request("DELETE", f"/v2/team/app/manifests/{GONE.digest}")
        report = collect(store, at_once(), SILENT)
        restore(store, report.run)
        assert blobs(store) >= OWN
        collect(store, at_once(keep_for=0), SILENT)
        assert client.pulls("team/app", KEPT, "v1")


def test_a_manifest_in_quarantine_can_be_read_in_a_bucket_with_versions(moto: S3Server) -> None:
    """Though nothing is copied, and what manifests refer to was not put back by a collection that was killed."""
    store = open_store("s3", s3_parameters(moto, bucket="versions"), {})
    store.erase_all("")
    push(store, "team/app", KEPT, "v1")
    push(store, "team/app", GONE)
    collect(store, at_once(untagged=True), SILENT)
    store.erase_all(f"{QUARANTINE}/manifests.sqlite")
    report = collect(store, at_once(untagged=True), SILENT)
    assert (report.damages, report.counts.get("blobs_restored", 0)) == ([], 0)
    store.write(f"{REPOSITORIES}/team/app/_manifests/tags/late/current/link", [GONE.digest.encode()])
    store.erase_all(f"{QUARANTINE}/manifests.sqlite")
    assert collect(store, at_once(untagged=True), SILENT).counts["manifests_restored"] == 1
    assert blobs(store) == set(KEPT.family()) | OWN
