"""The collector's own files beside the images: what is in their place may be anything, and never blocks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.collector.collection import collect
from ctl.collector.layout import QUARANTINE
from ctl.collector.quarantine import Quarantine
from ctl.collector.report import Report
from ctl.collector.under_way import interrupted, under_way
from ctl.errors import CtlError
from tests.harness import images
from tests.harness.collecting import SILENT, at_once
from tests.harness.registry_store import Store

KINDS: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "symbolic link": lambda path: path.symlink_to("/etc/passwd"),
    "garbage": lambda path: path.write_bytes(b"\0\xff" * 600),
}


@pytest.fixture(params=KINDS)
def put(request: pytest.FixtureRequest, store: Store) -> Callable[[str], Path]:
    """Puts something in the place of a file of the collector; there is garbage to collect."""
    store.push("grp/app", images.image("kept"), "v1")
    store.push("grp/app", images.image("gone"))
    store.delete("grp/app", images.image("gone").digest)
    store.path(QUARANTINE).mkdir()

    def in_place_of(name: str) -> Path:
        path = store.path(f"{QUARANTINE}/{name}")
        KINDS[request.param](path)
        return path

    return in_place_of


def run(store: Store) -> Report:
    return collect(str(store.root), at_once(), SILENT)


@pytest.mark.parametrize("name", ["lock", "clock"])
def test_without_a_lock_or_a_clock_nothing_is_collected(
    store: Store, put: Callable[[str], Path], name: str
) -> None:
    path, before = put(name), store.blobs()
    interrupted(store.root), under_way(store.root)  # `ctl status` does not block either
    if path.is_file() and not path.is_symlink():  # garbage in it is no obstacle
        assert run(store).counts["blobs_deleted"] == 3
        return
    with pytest.raises(CtlError, match=f"{path} cannot be") as caught:
        run(store)
    assert caught.value.hint == "Move it away: ctl makes it anew."
    assert store.blobs() == before


@pytest.mark.parametrize("name", ["manifests.sqlite", "history.jsonl"])
def test_it_collects_without_what_it_only_remembers(
    store: Store, put: Callable[[str], Path], name: str
) -> None:
    put(name)
    assert run(store).counts["blobs_deleted"] == 3
    assert Path("/etc/passwd").read_text(encoding="utf-8").count("blobs_deleted") == 0


def test_a_history_that_cannot_be_read_is_an_error(store: Store, put: Callable[[str], Path]) -> None:
    path = put("history.jsonl")
    if path.is_file() and not path.is_symlink():
        assert Quarantine(str(store.root)).history() == []
        return
    with pytest.raises(CtlError, match=f"{path} cannot be read"):
        Quarantine(str(store.root)).history()
