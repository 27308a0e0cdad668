"""The mark finds the same whichever way it goes: alone, with a second process, and without a glance at the usual."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ctl.collector import marking, second_process
from ctl.collector.filesystem import Filesystem, Link, RepositoryScan
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Mark, Marker
from tests.harness import images
from tests.harness.registry_store import OLD, Store

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
IMAGE, OTHER = images.image("one"), images.image("other")
BOTH = images.two_platforms("two")
LONG = images.image("long", algorithm="sha512")
QUARANTINED = images.image("away")


def tags(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1", "v2")
    store.push(name, BOTH, "v3")


def old_and_untagged(store: Store, name: str) -> None:
    untagged(store, name)
    os.utime(store.revision(name, IMAGE.digest), (OLD - 1, OLD - 1))


def layer_that_is_a_manifest(store: Store, name: str) -> None:
    store.push(name, IMAGE)
    store.push(name, images.of_layers([IMAGE]), "v1")


def untagged_index(store: Store, name: str) -> None:
    store.push(name, BOTH)
    store.push(name, OTHER, "v1")


def deleted(store: Store, name: str) -> None:
    store.push(name, OTHER)
    store.push(name, IMAGE, "v1")
    store.delete(name, OTHER.digest)


def untagged(store: Store, name: str) -> None:
    store.push(name, IMAGE)
    store.push(name, OTHER, "v1")


def referrer(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1")
    store.push(name, images.referrer(IMAGE))


def child_without_link(store: Store, name: str) -> None:
    store.push(name, BOTH, "v1")
    store.delete(name, BOTH.needs[0].digest)


def another_algorithm(store: Store, name: str) -> None:
    store.push(name, LONG, "v1")


def tag_to_nowhere(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1")
    store.tag(name, "v2", OTHER.digest)


def empty_tag(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1")
    store.link(name, "v1").write_text("")


def link_to_another(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1")
    store.revision(name, IMAGE.digest).write_text(OTHER.digest)


def cut_manifest(store: Store, name: str) -> None:
    broken = images.image(f"broken {name}")
    store.push(name, broken, "v1")
    path = store.data(broken.digest)
    path.write_bytes(path.read_bytes()[:200])


def stray(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1")
    store.revision(name, IMAGE.digest).parents[1].joinpath("stray").mkdir()


def in_quarantine(store: Store, name: str) -> None:
    store.push(name, IMAGE, "v1")
    store.push(name, QUARANTINED)
    revision = store.revision(name, QUARANTINED.digest)
    shutil.move(revision.parent, away_in(store.root, name) / QUARANTINED.digest)
    store.tag(name, "again", QUARANTINED.digest)


def nothing(store: Store, name: str) -> None:
    store.push(name, IMAGE)
    store.delete(name, IMAGE.digest)


KINDS: tuple[Callable[[Store, str], None], ...] = (
    tags,
    untagged,
    old_and_untagged,
    layer_that_is_a_manifest,
    untagged_index,
    deleted,
    referrer,
    child_without_link,
    another_algorithm,
    tag_to_nowhere,
    empty_tag,
    link_to_another,
    cut_manifest,
    stray,
    in_quarantine,
    nothing,
)


def away_in(root: Path, name: str) -> Path:
    return root / "away" / name


def away(root: Path) -> dict[str, dict[str, Link]]:
    found = (root / "away").rglob("link")
    return {
        str(path.parents[1].relative_to(root / "away")): {
            path.parent.name: Link(str(path), path.parent.name, 0, ())
        }
        for path in found
    }


def mark(store: Store, untagged: bool, young_after: int = 2**62) -> tuple[Mark, int]:
    storage, advanced = Filesystem(str(store.root)), list[None]()
    marker = Marker(storage, Manifests(storage), untagged=untagged, young_after=young_after)
    return marker.mark(away(store.root), lambda: advanced.append(None)), len(advanced)


def facts(found: tuple[Mark, int]) -> list[object]:
    mark, advanced = found
    marks = [
        mark.marks.shard(algorithm, f"{first:02x}")
        for algorithm in ("sha256", "sha512")
        for first in range(256)
    ]
    return [
        marks,
        {name: sorted(digests) for name, digests in mark.untagged.items()},
        mark.wanted,
        mark.fingerprints,
        sorted(mark.damages),
        mark.kept,
        advanced,
    ]


def never(found: RepositoryScan, root: str, may_go_until: int | None) -> None:
    """Nothing is as usual."""


@pytest.mark.parametrize("options", [(False,), (True,), (True, 0), (True, OLD * 10**9)])
def test_two_processes_and_the_thorough_way_find_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, options: tuple[Any, ...]
) -> None:
    for number in range(2):
        for kind in KINDS:
            kind(store, f"group/{kind.__name__}-{number}")
    alone = mark(store, *options)
    assert alone[1] == len(alone[0].fingerprints) == 2 * len(KINDS)
    assert bool(alone[0].untagged) == (options in ((True,), (True, OLD * 10**9)))
    assert len({damage.repository.partition("-")[0] for damage in alone[0].damages}) > 4
    assert len(alone[0].wanted) == 2
    monkeypatch.setattr(second_process, "_ALONE", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(marking, "_LISTED", 20)
    assert facts(mark(store, *options)) == facts(alone)
    monkeypatch.setattr(marking, "_SHARE", 1)
    assert facts(mark(store, *options)) == facts(alone)
    monkeypatch.setattr(marking, "usual_needs", never)
    assert facts(mark(store, *options)) == facts(alone)


def test_without_a_repository_it_is_a_damage(store: Store) -> None:
    found, _ = mark(store, False)
    assert [damage.kind for damage in found.damages] == ["empty"]
