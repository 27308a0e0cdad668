"""Collections of a storage: what goes, what stays, what comes back, and what is left alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ctl.collector.collection import HOUR, Hooks, Options
from ctl.collector.layout import (
    QUARANTINE,
    REPOSITORIES,
    revision_folder,
)
from ctl.collector.quarantine import Quarantine
from ctl.collector.restoring import restore
from ctl.errors import RunFailed
from tests.harness import images
from tests.harness.collecting import NAME, pushed, run
from tests.harness.registry_store import Store


def test_what_nothing_needs_goes_into_quarantine_and_is_purged_later(store: Store) -> None:
    kept, gone = pushed(store, "kept", "v1"), pushed(store, "gone")
    store.delete(NAME, gone.digest)
    store.age()
    report = run(store, keep_for=HOUR)
    assert store.blobs() == set(kept.family())
    assert report.counts["blobs_deleted"] == len(gone.family())
    assert report.counts["bytes_deleted"] == sum(len(one.content) for one in gone.family().values())
    moved = Store(store.root / QUARANTINE / report.run)
    assert moved.blobs() == set(gone.family())
    assert run(store, keep_for=HOUR).counts.get("blobs_purged", 0) == 0
    again = run(store, keep_for=0)
    assert again.counts["blobs_purged"] == len(gone.family())
    assert again.counts["bytes_freed"] == report.counts["bytes_deleted"]
    assert not moved.root.exists()


def test_untagged_manifests_go_with_m_only(store: Store) -> None:
    kept, gone = pushed(store, "kept", "v1"), pushed(store, "gone")
    store.age()
    assert run(store).counts.get("blobs_deleted", 0) == 0
    report = run(store, untagged=True)
    assert report.manifests == [(NAME, gone.digest)]
    assert store.blobs() == set(kept.family())
    assert not store.revision(NAME, gone.digest).exists()


def test_indexes_and_referrers_keep_what_they_lead_to(store: Store) -> None:
    nested = images.index(images.two_platforms("inner"), images.image("beside"))
    store.push(NAME, nested, "v1")
    about = images.referrer(nested.needs[1])
    store.push(NAME, about)
    lost = images.referrer(images.image("nowhere"))
    store.push(NAME, lost)
    store.age()
    report = run(store, untagged=True)
    assert report.manifests == [(NAME, lost.digest)]
    assert store.blobs() == nested.family().keys() | about.family().keys()


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_other_algorithms(store: Store, digest: str) -> None:
    kept = images.image("kept", algorithm=digest)
    gone = images.image("gone", algorithm=digest)
    store.push(NAME, kept, "v1")
    store.push(NAME, gone)
    store.age()
    run(store, untagged=True)
    assert store.blobs() == set(kept.family())


def test_what_is_new_is_left_alone(store: Store) -> None:
    pushed(store, "kept", "v1")
    pushed(store, "young")
    before = store.blobs()
    report = run(store, untagged=True, older_than=HOUR)
    assert store.blobs() == before
    assert report.manifests == []
    store.age()
    deleted = pushed(store, "young again")
    store.delete(NAME, deleted.digest)
    assert run(store, older_than=HOUR).counts["blobs_recent"] == len(deleted.family())


def test_a_blob_that_was_linked_lately_is_left_alone(store: Store) -> None:
    """A mount, or an upload of what is there already, renews the link only."""
    pushed(store, "kept", "v1")
    gone = pushed(store, "gone")
    store.delete(NAME, gone.digest)
    store.age()
    layer = gone.needs[1].digest
    store.push("other", gone.needs[1])
    store.data(layer).touch()
    store.age()
    os.utime(store.layer("other", layer))
    run(store, older_than=HOUR)
    assert store.data(layer).exists()
    assert not store.data(gone.digest).exists()


def test_a_backup_that_reads_every_link_keeps_nothing_alive(store: Store) -> None:
    pushed(store, "kept", "v1")
    for number in range(15):
        store.delete(NAME, pushed(store, f"gone {number}").digest)
    store.age()
    for link in store.path(f"{REPOSITORIES}/{NAME}/_layers").rglob("link"):
        os.utime(link, ns=(2**62, link.stat().st_mtime_ns))
    assert run(store, older_than=HOUR).counts["blobs_deleted"] == 45


def test_a_run_is_brought_back(store: Store) -> None:
    pushed(store, "kept", "v1")
    gone = images.two_platforms("gone")
    store.push(NAME, gone)
    store.age()
    before = store.blobs()
    report = run(store, untagged=True)
    assert store.blobs() != before
    back = restore(str(store.root), report.run)
    assert store.blobs() == before
    assert store.revision(NAME, gone.digest).exists()
    assert back.counts == {"blobs_restored": 7, "manifests_restored": 3}
    assert not (store.root / QUARANTINE / report.run).exists()
    assert run(store, untagged=True, older_than=HOUR).manifests == [], "it counts as new"


def test_a_run_that_is_not_there_is_an_error(store: Store) -> None:
    pushed(store, "kept", "v1")
    with pytest.raises(RunFailed, match="there is no run 2026"):
        restore(str(store.root), "2026")


def test_what_is_needed_again_comes_back(store: Store) -> None:
    """A manifest that was checked before the blobs went, and linked long after."""
    pushed(store, "kept", "v1")
    late = pushed(store, "late")
    store.delete(NAME, late.digest)
    store.age()
    run(store)
    assert not store.data(late.digest).exists()
    store.write(f"{store.revision(NAME, late.digest).relative_to(store.root)}", late.digest.encode())
    store.tag(NAME, "late", late.digest)
    report = run(store, keep_for=0)
    assert report.counts["blobs_restored"] == len(late.family())
    assert set(late.family()) <= store.blobs()


def test_an_untagged_manifest_that_is_tagged_again_comes_back(store: Store) -> None:
    pushed(store, "kept", "v1")
    late = pushed(store, "late")
    store.age()
    run(store, untagged=True)
    assert not store.revision(NAME, late.digest).exists()
    store.tag(NAME, "late", late.digest)
    for untagged in (True, False):
        run(store, keep_for=0, untagged=untagged)
        assert store.revision(NAME, late.digest).exists()
        assert set(late.family()) <= store.blobs()


def test_what_was_pushed_again_is_purged(store: Store) -> None:
    pushed(store, "kept", "v1")
    gone = pushed(store, "gone")
    store.age()
    report = run(store, untagged=True)
    store.push(NAME, gone, "again")
    assert run(store, untagged=True, keep_for=0).counts["blobs_purged"] == len(gone.family())
    assert set(gone.family()) <= store.blobs()
    assert not (store.root / QUARANTINE / report.run).exists()


def test_a_dry_run_changes_nothing_and_knows_what_a_run_does(store: Store) -> None:
    pushed(store, "kept", "v1")
    pushed(store, "gone")
    store.age()
    would = run(store, untagged=True, dry_run=True)
    assert not (store.root / QUARANTINE).exists()
    done = run(store, untagged=True)
    assert (would.counts, would.manifests, would.blobs) == (done.counts, done.manifests, done.blobs)


def test_paused_deletes_at_once(store: Store) -> None:
    kept, gone = pushed(store, "kept", "v1"), pushed(store, "gone")
    store.age()
    report = run(store, untagged=True, paused=True)
    assert store.blobs() == set(kept.family())
    assert report.counts["bytes_freed"] >= sum(len(one.content) for one in gone.family().values())
    assert not list((store.root / QUARANTINE).glob("20*"))


def test_dead_uploads_and_links_to_nothing_go(store: Store) -> None:
    pushed(store, "kept", "v1")
    gone = pushed(store, "gone")
    store.delete(NAME, gone.digest)
    dead = store.write(f"{REPOSITORIES}/{NAME}/_uploads/0f/data", b"x").parent
    (dead / "startedat").touch()
    store.age()
    alive = store.write(f"{REPOSITORIES}/{NAME}/_uploads/1f/data", b"x").parent
    run(store, uploads_after=HOUR)
    assert (dead.exists(), alive.exists()) == (False, True)
    links = [store.layer(NAME, one.digest) for one in gone.needs]
    assert all(link.exists() for link in links), "as what they lead to may come back"
    report = run(store, keep_for=0)
    assert report.counts["links_deleted"] == 2
    assert not any(link.exists() for link in links)


def test_empty_repositories_go_and_those_below_them_stay(store: Store) -> None:
    below = pushed(store, "below", "v1", name=f"{NAME}/below")
    pushed(store, "gone", name=NAME)
    store.age()
    for _ in range(3):
        run(store, untagged=True, keep_for=0)
        store.age()
    folder = store.path(f"{REPOSITORIES}/{NAME}")
    assert [path.name for path in folder.iterdir()] == ["below"]
    assert set(below.family()) == store.blobs()


def test_keys_of_what_went_are_forgotten_and_the_process_is_switched(store: Store) -> None:
    pushed(store, "kept", "v1")
    gone = pushed(store, "gone")
    store.delete(NAME, gone.digest)
    store.age()
    forgotten: dict[str, list[str]] = {}
    switched: list[bool] = []
    hooks = Hooks(
        forget=lambda links: forgotten.update({one: list(names) for one, names in links.items()}),
        switch=lambda: switched.append(store.data(gone.digest).exists()),
    )
    run(store, hooks)
    assert forgotten == {gone.digest: [], **{one.digest: [NAME] for one in gone.needs}}
    assert switched == [False]
    run(store, hooks)
    assert switched == [False], "nothing went, so nothing is switched"


def test_what_is_pushed_while_blobs_are_moved_comes_back_at_once(store: Store) -> None:
    """A registry that has checked the blobs just before links its manifest just after."""
    pushed(store, "kept", "v1")
    late = pushed(store, "late")
    store.delete(NAME, late.digest)
    store.age()

    def link(_: object) -> None:
        store.write(f"{revision_folder('elsewhere', late.digest)}/link", late.digest.encode())
        store.tag("elsewhere", "v1", late.digest)

    report = run(store, Hooks(forget=link))
    assert set(late.family()) <= store.blobs()
    assert report.counts["blobs_restored"] == len(late.family())
    assert report.counts.get("blobs_deleted", 0) == 0


def test_the_history_shows_each_run(store: Store) -> None:
    pushed(store, "kept", "v1")
    store.delete(NAME, pushed(store, "gone").digest)
    store.age()
    report = run(store)
    written = json.loads((store.root / QUARANTINE / report.run / "run.json").read_text())
    assert written["blobs_deleted"] == 3
    assert isinstance(written["closed"], int)
    with (store.root / QUARANTINE / "history.jsonl").open("ab") as file:
        file.write(b'\xff\n{"at": "soon"}\n{"at": 1e30}\n{"at": true}\n[1]\n{"at": 1, "cut')
    with Quarantine(str(store.root)) as quarantine:
        assert [one["run"] for one in quarantine.history()] == [report.run]


def test_options_are_a_day_by_default() -> None:
    assert (Options().older_than, Options().keep_for, Options().uploads_after) == (24 * HOUR,) * 3


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_machine_does_not_matter(
    store: Store, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    store.push("grp/app", images.image("kept"), "v1")
    for name, minutes in (("old", 24 * 60 + 30), ("young", 24 * 60 - 30)):
        deleted = images.image(name)
        store.delete("grp/app", store.push("grp/app", deleted))
        when = time.time() - minutes * 60
        for digest in deleted.family():
            for path in (store.data(digest), store.data(digest).parent, store.layer("grp/app", digest)):
                if path.exists():
                    os.utime(path, (when, when))
    right = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() + hours * HOUR)
    monkeypatch.setattr(time, "time", lambda: (right() + hours * HOUR) / 10**9)
    run(store, older_than=24 * HOUR)
    assert not images.image("old").family().keys() & store.blobs()
    assert images.image("young").family().keys() <= store.blobs()


@pytest.mark.parametrize("late", [False, True])
def test_what_comes_back_takes_no_folder_away_into_which_a_registry_moves_an_upload(
    store: Store, tmp_path: Path, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes the folder, and then moves the upload there: before the former content comes back, or afterwards."""
    image, upload = pushed(store, "one"), tmp_path / "upload"
    folder, layer = store.data(image.needs[1].digest).parent, image.needs[1].content
    upload.write_bytes(layer)
    path, rename = str(folder.relative_to(store.root)), Path.rename

    def place(own: Path, target: Path) -> Path:
        if not late:
            upload.replace(folder / "data")
        return rename(own, target)

    with Quarantine(str(store.root)) as quarantine:
        run_of_it = quarantine.begin(quarantine.now())
        assert quarantine.take(run_of_it, path)
        folder.mkdir()
        monkeypatch.setattr(Path, "rename", place)
        assert quarantine.bring_back(run_of_it, path) is late
    if late:
        upload.replace(folder / "data")
    assert (folder / "data").read_bytes() == layer
