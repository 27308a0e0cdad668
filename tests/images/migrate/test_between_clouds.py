"""Copies from one kind of object storage to another and back, by real servers of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from ctl.errors import PreflightError
from ctl.images.migrate.copying import Copying
from ctl.images.migrate.state import State
from ctl.storage.store import Store
from tests.harness import images
from tests.harness.cloud import storage
from tests.harness.collecting import SILENT
from tests.harness.registry_store import Store as Folder

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    with ExitStack() as servers:
        found = {}
        for driver in ("filesystem", "s3", "gcs", "azure"):
            kept = servers.enter_context(storage(driver, tmp_path_factory.mktemp(driver)))
            found[driver] = kept.open()
        yield found


def copy(source: Store, target: Store, folder: Path) -> dict[str, int]:
    """One whole migration."""
    state = State(folder / f"{source.driver}-{target.driver}.jsonl")
    try:
        copying = Copying(source, target, state, SILENT, 8)
        copying.refuse_other_data(replace=False)
        copying.copy()
        sums = copying.finish()
        copying.mark_left()
    finally:
        state.remove()
    return sums


def content(store: Store) -> dict[str, bytes]:
    return {one.key: store.read(one.key) for one in store.list("docker/")}


def test_there_and_back(stores: dict[str, Store], tmp_path: Path) -> None:
    folder = Folder(Path(stores["filesystem"].name))
    for number in range(3):
        folder.push(f"grp/n{number}", images.image(f"clouds {number}", size=20_000), "v1", "latest")
    folder.push("grp/both", images.two_platforms("clouds"), "v1")
    folder.age()
    expected = content(stores["filesystem"])
    way = ["filesystem", "s3", "gcs", "azure", "s3"]
    for here, there in pairwise(way):
        sums = copy(stores[here], stores[there], tmp_path)
        assert sums["objects"] == len(expected), (here, there)
        assert content(stores[there]) == expected, (here, there)
    tag = "docker/registry/v2/repositories/grp/n0/_manifests/tags/newer/current/link"
    time.sleep(1.1)  # most storage gives whole seconds
    stores["azure"].write(tag, [images.image("clouds 0", size=20_000).digest.encode()])
    with pytest.raises(PreflightError, match="newer data"):
        copy(stores["s3"], stores["azure"], tmp_path)
    assert tag in content(stores["azure"])
    copy(stores["azure"], stores["filesystem"], tmp_path)
    assert content(stores["filesystem"]).keys() == {*expected, tag}
