"""What a mark remembers of repositories: it must find the same as one that reads all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from ctl.collector import filesystem, usual
from ctl.collector.filesystem import Filesystem
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Mark, Marker
from tests.harness import images
from tests.harness.registry_store import Store

ALWAYS = 2**62
"""Later than any change: everything is remembered."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The links that are opened, and how often."""
    found: list[str] = []
    for module, name in ((filesystem, "read_small"), (usual, "read_small"), (usual, "read_with_facts")):
        own = getattr(module, name)

        def noting(path: str, *more: int, own: Callable[..., object] = own) -> object:
            found.append(path)
            return own(path, *more)

        monkeypatch.setattr(module, name, noting)
    return found


def mark(store: Store, *, untagged: bool = False, young_after: int = 0, settled: int = ALWAYS) -> Mark:
    storage = Filesystem(str(store.root))
    with closing(Manifests(storage, store.root.parent / "remembered.sqlite")) as manifests:
        options = {"untagged": untagged, "young_after": young_after or ALWAYS, "settled": settled}
        return Marker(storage, manifests, **options).mark({}, lambda: None)  # type: ignore[arg-type]


def marked(found: Mark, digests: object) -> bool:
    return all(found.marks.has(digest) for digest in digests)  # type: ignore[attr-defined]


def rows(store: Store) -> int:
    with closing(sqlite3.connect(store.root.parent / "remembered.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM repository").fetchone()[0])


@pytest.mark.parametrize("untagged", [False, True])
def test_the_same_is_marked_without_reading(store: Store, opened: list[str], untagged: bool) -> None:
    image = images.two_platforms("kept")
    store.push("grp/app", image, "v1")
    first = mark(store, untagged=untagged)
    assert rows(store) == 1
    assert opened
    opened.clear()
    second = mark(store, untagged=untagged)
    assert opened == []
    assert (second.kept, second.damages) == (first.kept, first.damages)
    assert marked(second, image.family())


def test_what_was_pushed_since_is_read(store: Store) -> None:
    store.push("grp/app", images.image("one"), "v1")
    mark(store)
    later = images.image("two")
    store.push("grp/app", later)
    assert marked(mark(store), later.family())
    store.tag("grp/app", "v1", later.digest)
    store.delete("grp/app", images.image("one").digest)
    assert not marked(mark(store), [images.image("one").digest])


def test_a_manifest_that_is_lost_is_still_reported(store: Store) -> None:
    image = images.image("one")
    store.push("grp/app", image, "v1")
    mark(store)
    store.data(image.digest).unlink()
    found = mark(store)
    assert [damage.path for damage in found.damages] == [str(store.data(image.digest))]
    assert marked(found, image.family())


def test_what_may_still_change_within_a_tick_is_not_remembered(store: Store) -> None:
    store.push("grp/app", images.image("one"), "v1")
    mark(store, settled=store.link("grp/app", "v1").stat().st_ctime_ns)
    with pytest.raises(sqlite3.OperationalError):
        rows(store)


def test_young_manifests_are_asked_each_time_where_untagged_ones_may_go(store: Store) -> None:
    image = images.image("one")
    store.push("grp/app", image)
    store.push("grp/tagged", image)
    store.push("grp/tagged", images.image("other"), "v1")
    assert mark(store, untagged=True, young_after=1).untagged == {}
    expected = {name: [image.digest] for name in ("grp/app", "grp/tagged")}
    assert mark(store, untagged=True).untagged == expected


def test_a_damaged_memory_is_not_believed(store: Store) -> None:
    image = images.image("one")
    store.push("grp/app", image, "v1")
    mark(store)
    with closing(sqlite3.connect(store.root.parent / "remembered.sqlite")) as connection, connection:
        connection.execute("UPDATE repository SET blobs = zeroblob(32)")
    assert marked(mark(store), image.family())
