"""Copies of a storage: everything that its links need, nothing that leads nowhere, nothing of newer tags lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.backup import take
from ctl.backup.images import Copied, copy, held
from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.collector.layout import DATABASE_LOCK
from ctl.collector.quarantine import Quarantine
from ctl.errors import CtlError, LockHeld, PreflightError
from tests.harness import seeds
from tests.harness.cli import Cli
from tests.harness.images import Blob, image, index

V2 = "docker/registry/v2"
ONE, TWO = image("one"), image("two")
BOTH = index(ONE, TWO)


def store(root: Path, repository: str, tag: str, blob: Blob) -> None:
    """Write an image as a registry does."""
    for digest, one in blob.family().items():
        algorithm, _, name = digest.partition(":")
        put(root / V2 / "blobs" / algorithm / name[:2] / name / "data", one.content)
        kind = "_manifests/revisions" if one.needs else "_layers"
        put(root / V2 / "repositories" / repository / kind / algorithm / name / "link", digest.encode())
    tags = root / V2 / "repositories" / repository / "_manifests/tags" / tag
    put(tags / "index" / blob.digest.replace(":", "/") / "link", blob.digest.encode())
    put(tags / "current/link", blob.digest.encode())


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def data(root: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    return root / V2 / "blobs" / algorithm / name[:2] / name / "data"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """With an index in one repository and an image in another."""
    root = tmp_path / "storage"
    store(root, "a/both", "v1", BOTH)
    store(root, "b", "latest", ONE)
    return root


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    return path


def test_a_copy_has_all_and_a_second_one_links_it(storage: Path, target: Path, tmp_path: Path) -> None:
    found = copy(storage, target)
    assert (found.tags, found.manifests, found.linked, found.missing) == (2, 4, 0, [])
    assert files(target) == files(storage)
    second = tmp_path / "second"
    second.mkdir()
    assert copy(storage, second, target).linked == found.blobs
    assert files(second) == files(storage)


def test_uploads_and_blobs_of_nobody_are_left_out(storage: Path, target: Path) -> None:
    before = files(storage)
    put(storage / V2 / "repositories/b/_uploads/1/data", b"half")
    put(data(storage, "sha256:" + "0" * 64), b"half a manifest")
    copy(storage, target)
    assert files(target) == before


def test_a_damaged_earlier_copy_is_not_linked(storage: Path, target: Path, tmp_path: Path) -> None:
    copy(storage, target)
    data(target, ONE.digest).write_bytes(b"short")
    second = tmp_path / "second"
    second.mkdir()
    copy(storage, second, target)
    assert files(second) == files(storage)


def test_a_copy_that_was_cut_off_goes_on(storage: Path, target: Path) -> None:
    data(storage, TWO.digest).rename(storage / "away")
    put(data(target, TWO.digest).with_name(".data.new"), b"half")
    assert copy(storage, target).missing == [TWO.digest]
    (storage / "away").rename(data(storage, TWO.digest))
    assert copy(storage, target).missing == []
    data(target, TWO.digest).with_name(".data.new").unlink(missing_ok=True)
    assert files(target) == files(storage)


def test_what_is_gone_does_not_come_back_by_a_backup_that_was_cut_off(
    storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its blobs are used again; tags that were deleted since, or are of another node, are not."""
    ctl, place = Cli(tmp_path, capsys), tmp_path / "backups"
    ctl.settings(
        f'registry_external_url = "https://localhost:5443"\ngitlab_rails["registry_path"] = "{storage}"\n'
    )
    (ctl.root / "etc/gitlab/gitlab-secrets.json").write_text(seeds.secrets_json())
    with monkeypatch.context() as patched:
        patched.setattr(take, "copy", cut_off)
        ctl("backup", "--to", str(place), "--with-images").exits(1)
    (partial,) = place.iterdir()
    assert files(partial) == files(storage)
    shutil.rmtree(storage / V2 / "repositories/b")
    output = ctl("backup", "--to", str(place), "--with-images").ok().out
    (made,) = place.glob("*.tar.images")
    assert "1 tags" in output
    assert not (made / V2 / "repositories/b").exists()
    assert data(made, TWO.digest).read_bytes() == TWO.content
    assert not partial.exists()


def cut_off(source: Path, target: Path, earlier: Path | None) -> Copied:
    copy(source, target, earlier)
    raise CtlError("cut off")


def test_tags_that_say_something_else_stay_unless_replaced(storage: Path, target: Path) -> None:
    store(target, "b", "latest", TWO)
    link = target / V2 / "repositories/b/_manifests/tags/latest/current/link"
    found = copy(storage, target, replace=False)
    assert (found.tags, found.kept_tags) == (1, 1)
    assert link.read_text() == TWO.digest
    assert copy(storage, target).kept_tags == 0
    assert link.read_text() == ONE.digest


def test_a_tag_goes_with_its_deleted_manifest(storage: Path, target: Path) -> None:
    revision = storage / V2 / "repositories/b/_manifests/revisions" / ONE.digest.replace(":", "/") / "link"
    revision.unlink()
    assert copy(storage, target).tags == 1
    assert not (target / V2 / "repositories/b/_manifests/tags").exists()


@pytest.mark.parametrize("unseen", [[TWO.digest], [ONE.digest, TWO.digest], [BOTH.digest]])
def test_what_one_listing_saw_in_part_is_whole_in_the_copy(
    storage: Path, target: Path, monkeypatch: pytest.MonkeyPatch, unseen: list[str]
) -> None:
    """A listing that goes on during a push may have the index, but not the child that was written before it."""
    listed: list[str] = []
    honest: Callable[..., RepositoryScan | None] = Filesystem.repository

    def hasty(self: Filesystem, name: str) -> RepositoryScan | None:
        found = honest(self, name)
        if found and name == "a/both" and name not in listed:
            found.revisions = [link for link in found.revisions if link.name not in unseen]
        listed.append(name)
        return found

    monkeypatch.setattr(Filesystem, "repository", hasty)
    copy(storage, target)
    assert files(target) == files(storage)


def test_an_index_of_the_last_moment_is_left_out_without_its_child(
    storage: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In no listing is the child: the index came after the first, and its tag is not in the copy."""
    listed: list[str] = []
    honest: Callable[..., RepositoryScan | None] = Filesystem.repository

    def hasty(self: Filesystem, name: str) -> RepositoryScan | None:
        found = honest(self, name)
        if found and name == "a/both":
            gone = {TWO.digest} | ({BOTH.digest} if name not in listed else set())
            found.revisions = [link for link in found.revisions if link.name not in gone]
        listed.append(name)
        return found

    monkeypatch.setattr(Filesystem, "repository", hasty)
    assert copy(storage, target, only={"a/both"}).manifests == 1
    assert [path for path in files(target) if BOTH.digest.partition(":")[2] in path] == []


def test_no_collection_begins_meanwhile(storage: Path) -> None:
    with held(storage), held(storage), pytest.raises(CtlError), Quarantine(str(storage)):
        pass
    with (
        Quarantine(str(storage)),
        pytest.raises(LockHeld, match="a garbage collection or a migration"),
        held(storage),
    ):
        pass


def test_a_storage_of_a_metadata_database_is_refused(tmp_path: Path) -> None:
    """Its tags are in no file: neither would they be in the copy, nor would those that come be found."""
    storage = tmp_path / "images"
    store(storage, "app", "v1", ONE)
    put(storage / DATABASE_LOCK, b"")
    with pytest.raises(PreflightError, match="recorded in a metadata database"), held(storage):
        pass
