"""A storage without any repository: a disk that is not mounted, unless it is known why."""

from __future__ import annotations

import shutil

import pytest

from ctl.collector.collection import collect
from ctl.collector.layout import REPOSITORIES
from ctl.collector.report import Report
from tests.harness import images
from tests.harness.collecting import SILENT, at_once
from tests.harness.registry_store import Store


def run(store: Store, **options: object) -> Report:
    return collect(str(store.root), at_once(**options), SILENT)


@pytest.fixture
def emptied(store: Store) -> Store:
    """A storage whose repositories are gone, and whose blobs are not."""
    store.push("grp/app", images.image("kept"), "v1")
    run(store)
    shutil.rmtree(store.path(REPOSITORIES))
    return store


@pytest.mark.parametrize("folder", [False, True])
def test_nothing_is_deleted_and_the_way_on_is_named(emptied: Store, folder: bool) -> None:
    before = emptied.blobs()
    if folder:
        emptied.path(REPOSITORIES).mkdir()
    for _ in range(3):  # a run that was refused is no reason for the next one
        (damage,) = run(emptied).blocked
        assert emptied.blobs() == before
    assert str(emptied.path(REPOSITORIES)) == damage.path
    assert "there is no repository" in str(damage)
    assert "disk may not be mounted" in str(damage)
    assert "--allow-empty" in str(damage)


def test_whoever_wants_it_says_so(emptied: Store) -> None:
    report = run(emptied, allow_empty=True)
    assert (report.damages, report.counts["blobs_deleted"], emptied.blobs()) == ([], 3, set())


def all_deleted(store: Store) -> None:
    """A registry whose last repository was deleted, and collected."""
    store.push("grp/app", images.image("gone"), "v1")
    shutil.rmtree(store.path(f"{REPOSITORIES}/grp/app/_manifests"))
    for _ in range(3):
        assert run(store, keep_for=0).damages == []
    assert not store.path(f"{REPOSITORIES}/grp/app").exists()


def test_after_a_collection_of_the_last_repository_there_may_be_none(store: Store) -> None:
    all_deleted(store)
    for _ in range(2):
        report = run(store, keep_for=0)
        assert (report.damages, report.repositories) == ([], 0)
    store.push("grp/new", images.image("new"), "v1")
    assert run(store).repositories == 1


def test_not_where_something_was_pushed_since(store: Store) -> None:
    all_deleted(store)
    store.push("grp/new", images.image("new"), "v1")
    shutil.rmtree(store.path(REPOSITORIES))
    for _ in range(2):
        assert len(run(store).blocked) == 1
    assert len(store.blobs()) == 3
