"""Tags, manifests and repositories go into quarantine and come back, whole; what changed meanwhile stays."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress

import pytest

from ctl.collector.collection import HOUR, collect
from ctl.collector.filesystem import RepositoryScan
from ctl.collector.layout import QUARANTINE, blob_folder
from ctl.collector.manifests import Manifests
from ctl.collector.quarantine import Quarantine
from ctl.collector.reading import Reader
from ctl.collector.restoring import restore
from ctl.errors import LockHeld, RunFailed
from ctl.images import removal
from ctl.images.removal import Removed, Remover, led_to
from tests.harness import images, tree
from tests.harness.collecting import SILENT, at_once
from tests.harness.registry_store import Store


@pytest.fixture(autouse=True)
def _one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pushes here later than a test says."""
    monkeypatch.setattr(removal, "LOOKS", (0.0,))


def remover(store: Store, forget: Callable[[object], None] = lambda _: None) -> Remover:
    return Remover(str(store.root), forget, note="delete")


def scan(store: Store, name: str = "a") -> RepositoryScan:
    found = remover(store).storage.repository(name)
    assert found is not None
    return found


def content(store: Store) -> dict[str, bytes]:
    """All files with their content, without the quarantine."""
    files = [path for path in store.root.rglob("*") if path.is_file() and QUARANTINE not in path.parts]
    return {str(path.relative_to(store.root)): path.read_bytes() for path in files}


def untag(store: Store, *names: str) -> Removed:
    with remover(store) as one:
        one.tags(scan(store), {name: store.link("a", name).read_text() for name in names})
    return one.removed


def test_one_tag_goes_without_its_siblings_and_comes_back(store: Store) -> None:
    image = images.image("one")
    store.push("a", image, "v1", "v2")
    before = content(store)
    removed = untag(store, "v1")
    assert removed.tags == [("a", "v1")]
    assert not store.link("a", "v1").exists()
    assert content(store) == {name: one for name, one in before.items() if "/tags/v1/" not in name}
    report = restore(str(store.root), removed.run)
    assert report.counts["tags_restored"] == 1
    assert content(store) == before
    assert not list((store.root / QUARANTINE).glob("20*"))


def test_a_tag_keeps_its_date_when_it_comes_back(store: Store) -> None:
    store.push("a", images.image("one"), "v1")
    store.age()
    restore(str(store.root), untag(store, "v1").run)
    assert store.link("a", "v1").stat().st_mtime == 10**9


def test_a_tag_that_was_pushed_after_the_look_stays(store: Store) -> None:
    old, new = images.image("old"), images.image("new")
    store.push("a", old, "v1")
    looked = scan(store)
    store.push("a", new, "v1")
    with remover(store) as one:
        one.tags(looked, {"v1": old.digest})
    assert one.removed.tags == []
    assert one.removed.kept == ["a:v1 was pushed meanwhile"]
    assert one.removed.run == ""
    assert store.link("a", "v1").read_text() == new.digest


def test_a_tag_that_is_written_just_when_it_is_moved_comes_back(store: Store) -> None:
    """The registry has the file open; its content arrives after the rename."""
    old, new = images.image("old"), images.image("new")
    store.push("a", old, "v1")
    store.push("a", new)
    descriptor = os.open(store.link("a", "v1"), os.O_WRONLY)
    with remover(store) as one:
        one.tags(scan(store), {"v1": old.digest})
        assert one.removed.tags
        os.pwrite(descriptor, new.digest.encode(), 0)
    os.close(descriptor)
    assert one.removed.tags == []
    assert store.link("a", "v1").read_text() == new.digest


def test_a_tag_that_was_pushed_again_is_newer_than_what_comes_back(store: Store) -> None:
    old, new = images.image("old"), images.image("new")
    store.push("a", old, "v1")
    removed = untag(store, "v1")
    store.push("a", new, "v1")
    report = restore(str(store.root), removed.run)
    assert store.link("a", "v1").read_text() == new.digest
    assert "was pushed again meanwhile" in str(report.damages[0])


def test_a_tag_comes_back_with_what_a_collection_has_taken_since(store: Store) -> None:
    image = images.two_platforms("one")
    store.push("a", image, "v1")
    store.push("a", images.image("other"), "other")
    before = content(store)
    removed = untag(store, "v1")
    store.age()
    report = collect(str(store.root), at_once(untagged=True), SILENT)
    assert report.counts["manifests_deleted"] == 3
    restore(str(store.root), removed.run)
    assert content(store) == before


def test_a_tag_whose_manifest_is_gone_for_good_is_reported(store: Store) -> None:
    image = images.image("one")
    store.push("a", image, "v1")
    store.push("a", images.image("other"), "other")
    removed = untag(store, "v1")
    store.revision("a", image.digest).unlink()
    report = restore(str(store.root), removed.run)
    assert not store.link("a", "v1").exists()
    assert f"tag v1 named {image.digest}, which is gone for good" in str(report.damages[0])
    assert list((store.root / QUARANTINE).glob("20*"))


def test_damaged_tags_go_and_come_back_as_they_were(store: Store) -> None:
    store.push("a", images.image("one"), "v1", "hollow", "empty")
    store.link("a", "hollow").unlink()
    store.link("a", "empty").write_bytes(b"")
    before = content(store)
    with remover(store) as one:
        one.tags(scan(store), {"hollow": "", "empty": ""})
    assert sorted(one.removed.tags) == [("a", "empty"), ("a", "hollow")]
    restore(str(store.root), one.removed.run)
    assert content(store) == before


def test_a_whole_repository(store: Store) -> None:
    shared = images.layer("shared", size=100)
    store.push("a", images.image("one", shared=[shared]), "v1")
    store.push("a/b", images.image("two", shared=[shared]), "v1")
    before = content(store)
    forgotten: list[object] = []
    with remover(store, forgotten.append) as one:
        one.repository(scan(store))
    assert one.removed.repositories == ["a"]
    assert content(store) == {name: one for name, one in before.items() if "repositories/a/_" not in name}
    assert len(one.removed.links) == 4, "its manifest, config and layers must be forgotten"
    assert forgotten
    store.age()
    collect(str(store.root), at_once(untagged=True), SILENT)
    restore(str(store.root), one.removed.run)
    assert content(store) == before


def test_the_last_repository_can_go_and_the_storage_is_still_collected(store: Store) -> None:
    store.push("a", images.image("one"), "v1")
    with remover(store) as one:
        one.repository(scan(store))
    store.age()
    report = collect(str(store.root), at_once(untagged=True), SILENT)
    assert (report.blocked, report.counts["blobs_deleted"]) == ([], 3)


def test_manifests_that_only_removed_tags_led_to(store: Store) -> None:
    shared = images.image("in both")
    gone, stays = images.index(shared, images.image("in one")), images.index(shared)
    about = images.referrer(gone)
    for one, tag in ((gone, "gone"), (stays, "stays")):
        store.push("a", one, tag)
    store.push("a", about)
    untagged = images.image("never tagged")
    store.push("a", untagged)
    with remover(store) as one_remover:
        read = Reader(one_remover.storage, Manifests(one_remover.storage)).read(scan(store))
        below = led_to(read, [gone.digest])
        one_remover.tags(scan(store), {"gone": gone.digest})
        one_remover.unneeded("a", below)
    expected = {gone.digest, gone.needs[1].digest, about.digest}
    assert {digest for _, digest in one_remover.removed.manifests} == expected
    assert store.revision("a", shared.digest).exists()
    assert store.revision("a", untagged.digest).exists(), "no policy has removed its tag"


def test_manifests_of_a_damaged_repository_stay(store: Store) -> None:
    one, torn = images.image("one"), images.image("torn")
    store.push("a", one, "v1")
    store.push("a", torn, "v2")
    store.data(torn.digest).write_bytes(b"{")
    with remover(store) as own:
        own.tags(scan(store), {"v1": one.digest})
        own.unneeded("a", {one.digest})
    assert own.removed.manifests == []
    assert "its manifests, as" in own.removed.kept[0]


def test_what_is_tagged_again_while_it_goes_comes_back(store: Store) -> None:
    image = images.image("one")
    store.push("a", image, "v1")

    def push(_: object) -> None:
        store.tag("a", "again", image.digest)

    with remover(store, push) as own:
        own.tags(scan(store), {"v1": image.digest})
        own.unneeded("a", {image.digest})
    assert store.revision("a", image.digest).exists()
    assert own.removed.manifests == []


def test_nothing_happens_beside_a_collection(store: Store) -> None:
    store.push("a", images.image("one"), "v1")
    before = tree.snapshot(store.root / "docker")
    with Quarantine(str(store.root)), pytest.raises(LockHeld), remover(store):
        pass
    assert tree.changed(before, tree.snapshot(store.root / "docker")) == set()


def test_what_was_removed_is_purged_when_its_time_has_come(store: Store) -> None:
    store.push("a", images.image("one"), "v1", "v2")
    removed = untag(store, "v1")
    collect(str(store.root), at_once(keep_for=24 * HOUR), SILENT)
    assert (store.root / QUARANTINE / removed.run).exists()
    collect(str(store.root), at_once(keep_for=0), SILENT)
    assert not (store.root / QUARANTINE / removed.run).exists()
    with pytest.raises(RunFailed, match="there is no run"):
        restore(str(store.root), removed.run)


def test_a_removal_that_fails_half_way_can_be_undone(store: Store) -> None:
    store.push("a", images.image("one"), "v1", "v2")
    before = content(store)
    own = remover(store)
    with suppress(ZeroDivisionError), own:
        own.tags(scan(store), {"v1": store.link("a", "v1").read_text()})
        raise ZeroDivisionError
    assert content(store) != before
    restore(str(store.root), own.removed.run)
    assert content(store) == before
    shutil.rmtree(store.root / QUARANTINE)


def test_a_manifest_that_was_deleted_stays_deleted_though_it_is_about_one_that_stays(store: Store) -> None:
    """A collection brings back what follows its subject, but not what somebody has named."""
    image = images.image("one")
    signature = images.referrer(image)
    store.push("a", image, "v1")
    store.push("a", signature)
    with remover(store) as own:
        own.manifest("a", signature.digest)
    store.age()
    for _ in range(2):
        report = collect(str(store.root), at_once(untagged=True), SILENT)
        assert report.counts.get("manifests_restored", 0) == 0
    assert not store.revision("a", signature.digest).exists()
    restore(str(store.root), own.removed.run)
    assert store.revision("a", signature.digest).exists()
    assert signature.family().keys() <= store.blobs(), "what it needs was collected meanwhile, and is back"


def test_a_tag_comes_back_whole_though_its_repository_was_deleted_afterwards(store: Store) -> None:
    image = images.image("one")
    store.push("a", image, "v1", "v2")
    removed = untag(store, "v1")
    with remover(store) as own:
        own.repository(scan(store))
    restore(str(store.root), removed.run)
    assert store.link("a", "v1").exists()
    assert store.revision("a", image.digest).exists()
    assert all(store.layer("a", blob.digest).exists() for blob in image.needs)
    assert not store.link("a", "v2").exists()


def test_what_a_push_needs_of_a_repository_that_goes_comes_back(store: Store) -> None:
    """The registry has looked at the layers before they went, and links the manifest afterwards."""
    old, new = images.image("old"), images.image("new")
    store.push("a", old, "v1")
    for blob in new.needs:
        store.push("a", blob)
        store.layer("a", blob.digest).parent.mkdir(parents=True, exist_ok=True)
        store.layer("a", blob.digest).write_text(blob.digest)

    def push(_: object) -> None:
        store.write(f"{blob_folder(new.digest)}/data", new.content)
        store.revision("a", new.digest).parent.mkdir(parents=True)
        store.revision("a", new.digest).write_text(new.digest)
        store.tag("a", "v2", new.digest)

    with remover(store, push) as own:
        own.repository(scan(store))
    assert own.removed.kept == ["a: layers of an image that was pushed meanwhile"]
    assert all(store.layer("a", blob.digest).exists() for blob in new.needs)
    assert not any(store.layer("a", blob.digest).exists() for blob in old.needs)
    assert own.removed.manifests == [("a", old.digest)]
