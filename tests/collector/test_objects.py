"""What the collector reads of object storage, against the same on a file system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ctl.collector.filesystem import Filesystem, Link, RepositoryScan
from ctl.collector.layout import blob_folder
from ctl.collector.objects import Objects
from ctl.collector.tree import Tree, tree_of
from ctl.storage.filesystem import FilesystemStore
from tests.harness import images
from tests.harness.cloud import Kept, storage
from tests.harness.registry_store import Store

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=["s3", "versity", "gcs", "azure"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with storage(request.param, tmp_path_factory.mktemp("images")) as made:
        yield made


def names(tree: Tree, scan: RepositoryScan) -> object:
    """All that a repository's keys and links say."""
    root = f"{tree.path('')}".rstrip("/")

    def links(given: list[Link]) -> list[tuple[str, str, bytes]]:
        return sorted(
            (one.path.removeprefix(f"{root}/"), one.name, tree.read_link(one, 200)) for one in given
        )

    layers = sorted((digest, folder.removeprefix(f"{root}/")) for digest, folder in tree.layers(scan, []))
    damages = sorted((one.kind, one.path.removeprefix(f"{root}/"), one.blocks) for one in scan.damages)
    return scan.name, scan.has_layers, links(scan.revisions), links(scan.tags), layers, damages


def test_object_storage_reads_as_a_folder_does(store: Store, kept: Kept) -> None:
    shared = images.image("shared")
    for name in ("a", "a/b", "a-b", "a/0", "deep/er/still"):
        store.push(name, images.image(name), "v1", "v2")
        store.push(name, images.index(images.image(name), shared), "both")
        store.tag(name, "v1", shared.digest)
    store.write("docker/registry/v2/repositories/a/_manifests/tags/README", b"no tag")
    here, there = FilesystemStore(str(store.root)), kept.open()
    for one in here.list(""):
        there.write(one.key, [here.read(one.key)])
    files, objects = tree_of(here), tree_of(there)
    assert isinstance(files, Filesystem)
    assert isinstance(objects, Objects)
    expected = sorted(str(names(files, scan)) for scan in files.repositories())
    assert sorted(str(names(objects, scan)) for scan in objects.repositories()) == expected
    alone = objects.repository("a")
    assert alone is not None
    assert str(names(objects, alone)) in expected
    assert objects.repository("none") is None
    listed = {
        blob.digest: objects.state(blob) for shard in objects.shards([]) for blob in objects.blobs(*shard, [])
    }
    assert listed.keys() == store.blobs()
    data = f"{blob_folder(shared.digest)}/data"
    assert objects.read_file(data, 10_000) == shared.content
    assert objects.size(data) == len(shared.content)
    with pytest.raises(FileNotFoundError):
        objects.size("docker/none")
