"""A collection that is killed, or gets an error of the disk, at every call that changes something.

Afterwards a whole collection must find every image, and everything that nothing needs gone.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from ctl.collector.collection import HOUR, collect
from ctl.collector.layout import QUARANTINE, REPOSITORIES
from ctl.collector.restoring import restore
from tests.harness import images
from tests.harness.breaking import broken, points
from tests.harness.collecting import SILENT, at_once
from tests.harness.registry_store import Store

pytestmark = pytest.mark.real

NAME = "grp/app"


def act(store: Store, action: str) -> None:
    root = str(store.root)
    if action == "restore":
        restore(root, next((store.root / QUARANTINE).glob("20*")).name)
    elif action == "purge":
        collect(root, at_once(untagged=True, keep_for=0), SILENT)
    else:
        collect(root, at_once(untagged=True, paused=action == "paused"), SILENT)


def filled(folder: Path, action: str) -> tuple[Store, set[str]]:
    """A storage with what must stay, whose digests are returned, and with garbage of every kind."""
    store = Store(folder)
    shared = images.layer("shared", size=200)
    stay = [images.image("stays", shared=[shared]), images.two_platforms("two", size=100)]
    for number, blob in enumerate(stay):
        store.push(NAME, blob, f"t{number}")
    store.push(NAME, images.image("untagged", shared=[shared]))
    store.push("gone/whole", images.image("nobody's"))
    deleted = images.image("deleted")
    store.push(NAME, deleted)
    store.delete(NAME, deleted.digest)
    store.write(f"{REPOSITORIES}/{NAME}/_uploads/0f/data", b"x")
    store.age()
    if action in ("purge", "restore"):
        collect(str(store.root), at_once(untagged=True), SILENT)
    return store, {digest for blob in stay for digest in blob.family()}


def child(store: Store, number: int, error: int | None, action: str) -> int:
    """Act in a child that breaks at a change."""
    return broken(lambda: act(store, action), store.root, number, error)


@pytest.mark.parametrize("error", [None, errno.EIO, errno.ENOSPC], ids=["killed", "EIO", "ENOSPC"])
@pytest.mark.parametrize("action", ["collect", "purge", "restore", "paused"])
def test_no_image_is_lost_wherever_it_breaks(tmp_path: Path, action: str, error: int | None) -> None:
    whole, _ = filled(tmp_path / "whole", action)
    total = child(whole, 0, None, action)
    assert total > 10
    for number in points(total):
        store, stay = filled(tmp_path / str(number), action)
        links = {path for path in store.root.rglob("link") if QUARANTINE not in path.parts}
        child(store, number, error, action)
        assert stay <= store.blobs(), f"lost at change {number} of {total}"
        for _ in range(4):  # blobs, then the links to them, and the purge of each
            collect(str(store.root), at_once(untagged=True, keep_for=0), SILENT)
            assert stay <= store.blobs(), f"lost after change {number} of {total}"
        kept = {path for path in links if "tags" in path.parts}
        assert all(path.exists() for path in kept)
        assert store.blobs() == stay, f"not all is collected after change {number} of {total}"
        assert not list((store.root / QUARANTINE).glob("20*/docker")), number
        shutil.rmtree(store.root)


def test_what_was_broken_off_can_be_brought_back(tmp_path: Path) -> None:
    total = child(filled(tmp_path / "whole", "collect")[0], 0, None, "collect")
    for number in points(total):
        store, _ = filled(tmp_path / str(number), "collect")
        before = store.blobs()
        child(store, number, None, "collect")
        for run in (store.root / QUARANTINE).glob("20*"):
            restore(str(store.root), run.name)
        assert store.blobs() == before, f"not all came back after change {number}"
        report = collect(str(store.root), at_once(untagged=True, older_than=HOUR), SILENT)
        assert report.counts.get("blobs_deleted", 0) <= len(before)
