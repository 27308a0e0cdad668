"""What a repository needs, whole or damaged: unknown is never nothing."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.collector.damage import Kind
from ctl.collector.filesystem import Filesystem
from ctl.collector.layout import REPOSITORIES
from ctl.collector.manifests import Manifests
from ctl.collector.reading import Reader, Repository
from tests.harness import images
from tests.harness.registry_store import Store

NAME = "grp/app"


def read(store: Store, name: str = NAME) -> Repository:
    return everything(store)[name]


def everything(store: Store) -> dict[str, Repository]:
    storage = Filesystem(str(store.root))
    reader = Reader(storage, Manifests(storage))
    return {scan.name: reader.read(scan) for scan in storage.repositories()}


def kept(repository: Repository) -> set[str]:
    found = repository.revisions.keys() | repository.more | repository.manifests.keys()
    return found.union(*(one.references for one in repository.manifests.values()))


def test_a_whole_repository(store: Store) -> None:
    both = images.two_platforms("two")
    store.push(NAME, both, "v1")
    store.push(f"{NAME}/below", images.image("below"), "v1")
    found = everything(store)
    assert found.keys() == {NAME, f"{NAME}/below"}
    one = found[NAME]
    assert (one.whole, one.damages, one.tagged) == (False, [], {both.digest})
    assert kept(one) == both.family().keys()


def test_a_deleted_manifest_is_none_of_the_repository(store: Store) -> None:
    image = images.image("deleted")
    store.push(NAME, image)
    store.delete(NAME, image.digest)
    one = read(store)
    assert (one.whole, kept(one)) == (False, set())


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garble(path: Path) -> None:
    path.write_bytes(b"sha256:0123")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    """Other digests of the same length: still JSON."""
    path.write_bytes(
        re.sub(rb"sha256:([0-9a-f])", lambda one: b"sha256:%x" % (int(one[1], 16) ^ 1), path.read_bytes())
    )


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def missing(path: Path) -> None:
    path.unlink()


def line_end(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


DAMAGES = [empty, garble, folder, fifo, line_end]


@pytest.mark.parametrize("damage", [*DAMAGES, missing])
def test_a_damaged_tag_keeps_everything(store: Store, damage: Callable[[Path], None]) -> None:
    image, other = images.image("tagged"), images.image("untagged")
    store.push(NAME, image, "v1")
    store.push(NAME, other)
    damage(store.link(NAME, "v1"))
    one = read(store)
    assert one.whole
    assert kept(one) == image.family().keys() | other.family().keys()
    assert [(each.kind, each.path) for each in one.damages] == [(Kind.TAG, str(store.link(NAME, "v1")))]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_revision_keeps_its_manifest(store: Store, damage: Callable[[Path], None]) -> None:
    image = images.image("tagged")
    store.push(NAME, image, "v1")
    damage(store.revision(NAME, image.digest))
    one = read(store)
    assert one.whole
    assert kept(one) == image.family().keys()
    assert {each.kind for each in one.damages} == {Kind.LINK}


@pytest.mark.parametrize("damage", [empty, cut, flip, folder, missing])
def test_a_damaged_manifest_keeps_all_that_its_repository_links_to(
    store: Store, damage: Callable[[Path], None]
) -> None:
    image = images.image("damaged")
    store.push(NAME, image, "v1")
    damage(store.data(image.digest))
    one = read(store)
    assert one.whole
    assert kept(one) >= image.family().keys()
    (found,) = one.damages
    assert (found.kind, found.blocks) == (Kind.MANIFEST, False)
    assert f"DELETE /v2/{NAME}/manifests/{image.digest}" in str(found)


@pytest.mark.parametrize("damage", [empty, cut, missing])
def test_a_damaged_manifest_without_links_of_layers_blocks(
    store: Store, damage: Callable[[Path], None]
) -> None:
    image = images.image("damaged")
    store.push(NAME, image, "v1")
    shutil.rmtree(store.path(f"{REPOSITORIES}/{NAME}/_layers"))
    damage(store.data(image.digest))
    assert [each.blocks for each in read(store).damages] == [True]


def test_a_revision_that_names_another_manifest_keeps_both(store: Store) -> None:
    image, other = images.image("one"), images.image("other")
    store.push(NAME, image, "v1")
    store.push("elsewhere", other)
    store.revision(NAME, image.digest).write_text(other.digest, encoding="ascii")
    assert kept(read(store)) >= image.family().keys() | other.family().keys()


def test_a_tag_without_its_revision_keeps_what_it_names(store: Store) -> None:
    image = images.image("restored in part")
    store.push(NAME, image, "v1")
    shutil.rmtree(store.revision(NAME, image.digest).parent)
    one = read(store)
    assert kept(one) == image.family().keys()
    assert [each.kind for each in one.damages] == [Kind.TARGET]


def test_children_without_their_revisions_are_kept(store: Store) -> None:
    both = images.index(images.two_platforms("two"), images.image("beside"))
    store.push(NAME, both, "v1")
    for one in both.family().values():
        if one.media_type in (images.MANIFEST, images.INDEX) and one is not both:
            shutil.rmtree(store.revision(NAME, one.digest).parent)
    assert kept(read(store)) == both.family().keys()


def test_a_tag_without_link_keeps_what_it_once_named(store: Store) -> None:
    image = images.image("once")
    store.push(NAME, image, "v1")
    missing(store.link(NAME, "v1"))
    shutil.rmtree(store.revision(NAME, image.digest).parent)
    assert kept(read(store)) == image.family().keys()


def test_stray_names_are_reported_with_their_path(store: Store) -> None:
    store.push(NAME, images.image("tagged"), "v1")
    stray = store.write(f"{REPOSITORIES}/{NAME}/_manifests/revisions/sha256/.DS_Store", b"")
    others = [
        store.write(f"{REPOSITORIES}/{NAME}/_manifests/revisions/.DS_Store", b""),
        store.write(f"{REPOSITORIES}/{NAME}/_manifests/tags/.DS_Store", b""),
        store.write(f"{REPOSITORIES}/{NAME}/_manifests/tags/README", b""),
        store.write(f"{REPOSITORIES}/.DS_Store", b"").with_name(".DS_Store"),
    ]
    one = read(store)
    assert {(each.kind, each.path) for each in one.damages} == {
        (Kind.STRAY, str(path)) for path in (stray, *others[:3])
    }
    assert not one.whole


def test_a_garbled_name_of_a_revision_keeps_its_manifest(store: Store) -> None:
    image = images.image("garbled")
    store.push(NAME, image)
    folder = store.revision(NAME, image.digest).parent
    folder.rename(folder.with_name("G" + folder.name[1:]))
    assert kept(read(store)) == image.family().keys()


def test_loops_of_symbolic_links_block_and_end(store: Store) -> None:
    store.push(NAME, images.image("tagged"), "v1")
    store.path(f"{REPOSITORIES}/{NAME}/again").symlink_to(store.path(REPOSITORIES))
    damages = [each for one in everything(store).values() for each in one.damages]
    assert [each.blocks for each in damages] == [True]


def test_a_repository_on_another_disk_is_followed(store: Store, tmp_path: Path) -> None:
    image = images.image("elsewhere")
    store.push("moved", image, "v1")
    store.path(f"{REPOSITORIES}/moved").rename(tmp_path / "disk")
    store.path(f"{REPOSITORIES}/moved").symlink_to(tmp_path / "disk")
    assert kept(read(store, "moved")) == image.family().keys()


def test_a_file_in_the_place_of_a_folder_blocks(store: Store) -> None:
    store.push(NAME, images.image("tagged"), "v1")
    tags = store.path(f"{REPOSITORIES}/{NAME}/_manifests/tags")
    shutil.rmtree(tags)
    tags.write_text("")
    assert [each.blocks for each in read(store).damages] == [True]


PARTS = ["", "_manifests", "_manifests/tags", "_manifests/revisions", "_manifests/revisions/sha256"]


def blocking(store: Store) -> list[str]:
    return [each.path for one in everything(store).values() for each in one.damages if each.blocks]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("target", ["itself", "/nonexistent"])
def test_what_cannot_be_read_blocks(store: Store, part: str, target: str) -> None:
    """A symbolic link to itself, whoever looks; one to a disk that is not mounted."""
    store.push(NAME, images.image("tagged"), "v1")
    shut = store.path(f"{REPOSITORIES}/{NAME}/{part}")
    shutil.rmtree(shut)
    shut.symlink_to(shut if target == "itself" else target)
    assert blocking(store)[0] == str(shut).rstrip("/")


@pytest.mark.parametrize("part", PARTS)
def test_what_may_not_be_read_blocks(part: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder, "images"))
        store.push(NAME, images.image("tagged"), "v1")
        shut = store.path(f"{REPOSITORIES}/{NAME}/{part}")
        shut.chmod(0)
        Path(folder).chmod(0o755)
        with another_user():
            found = blocking(store)
        shut.chmod(0o755)
    assert found
    assert all(path.startswith(str(shut)) for path in found)


@contextmanager
def another_user() -> Iterator[None]:
    """Root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_repository_at_all_blocks(store: Store) -> None:
    """As where a disk is not mounted."""
    store.path(REPOSITORIES).mkdir(parents=True)
    assert blocking(store) == [str(store.path(REPOSITORIES))]
