"""Copies between storages, without a registry: what is copied, what is refused, and copies that were cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from ctl.errors import PreflightError, RunFailed
from ctl.images.migrate.copying import Copying, listing
from ctl.images.migrate.state import State
from ctl.storage.filesystem import FilesystemStore
from ctl.storage.store import StorageError
from tests.harness import images
from tests.harness.registry_store import Store


class Quiet:
    """Reports nothing."""

    def step(self, text: str) -> None:
        """Nothing."""

    def advance(self) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""


class Failing(FilesystemStore):
    """A storage that refuses from some write on.

    Args:
        root: its folder.
        writes: that still succeed.
    """

    def __init__(self, root: str, writes: int) -> None:
        super().__init__(root)
        self.writes = writes

    def write(self, key: str, parts: Iterable[bytes], *, mtime: int | None = None) -> None:
        """Write while it may."""
        self.writes -= 1
        if self.writes < 0:
            raise StorageError(self.name, "write", key, "the disk is full")
        super().write(key, parts, mtime=mtime)


Made = Callable[..., Copying]


@pytest.fixture
def source(tmp_path: Path) -> Store:
    store = Store(tmp_path / "source")
    for number in range(4):
        store.push("grp/app", images.image(f"migrated {number}", size=500), f"v{number}")
    store.write("docker/registry/v2/repositories/grp/app/_uploads/1/data", b"under way")
    (store.root / "docker/registry/v2/repositories/grp/app/_manifests/tags/empty").mkdir()
    store.age()
    return store


@pytest.fixture
def make(tmp_path: Path, source: Store) -> Iterator[Made]:
    states = []

    def made(target: str = "target", *, writes: int | None = None, here: str = "source") -> Copying:
        states.append(State(tmp_path / f"{here}-{target}" / "state.jsonl"))
        folder = str(tmp_path / target)
        there = FilesystemStore(folder) if writes is None else Failing(folder, writes)
        return Copying(FilesystemStore(str(tmp_path / here)), there, states[-1], Quiet(), 4)

    yield made
    for state in states:
        state.close()


def _files(root: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name.startswith("docker/")}


def _expected(source: Store) -> dict[str, bytes]:
    return {name: content for name, content in _files(source.root).items() if "_uploads" not in name}


def test_everything_is_the_same_but_uploads(make: Made, source: Store, tmp_path: Path) -> None:
    sums = make().finish()
    assert _files(tmp_path / "target") == _expected(source)
    assert sums["objects"] == len(_expected(source))
    assert sums["bytes"] == sum(map(len, _expected(source).values()))
    link = source.link("grp/app", "v1")
    assert (tmp_path / "target" / link.relative_to(source.root)).stat().st_mtime == link.stat().st_mtime


def test_what_changes_while_it_is_copied(make: Made, source: Store, tmp_path: Path) -> None:
    first = make()
    first.copy()
    source.tag("grp/app", "v1", images.image("migrated 2", size=500).digest)  # a link of the same length
    source.push("grp/new", images.image("new", size=500), "v1")
    source.untag("grp/app", "v3")
    first.finish()
    assert _files(tmp_path / "target") == _expected(source)
    moved = (tmp_path / "target/ctl-quarantine").rglob("link")
    assert {path.parents[1].name for path in moved} >= {"v3"}, "moved away, not deleted"


@pytest.mark.parametrize("writes", [0, 1, 7, 20])
def test_a_copy_that_was_cut_off_goes_on(make: Made, source: Store, tmp_path: Path, writes: int) -> None:
    cut = make(writes=writes)
    with pytest.raises(StorageError, match="disk is full"):
        cut.copy()
    assert not list((tmp_path / "target").rglob("*.ctl-part"))
    again = make()
    again.refuse_other_data(replace=False)
    again.finish()
    assert _files(tmp_path / "target") == _expected(source)
    assert again.copied <= len(_expected(source)) - writes + 4 * again.jobs


def test_a_copy_made_otherwise_is_taken_over(make: Made, source: Store, tmp_path: Path) -> None:
    """As by aws s3 sync: nothing is copied again but what differs."""
    make().finish()
    taken = make(here="source", target="target")
    taken.state.path.rename(tmp_path / "forgotten")
    taken = make()
    source.tag("grp/app", "v1", images.image("migrated 3", size=500).digest)
    taken.refuse_other_data(replace=False)
    taken.finish()
    assert taken.copied == 2
    assert _files(tmp_path / "target") == _expected(source)


def test_newer_data_is_refused(make: Made, tmp_path: Path) -> None:
    Store(tmp_path / "target").push("grp/theirs", images.image("theirs", size=500), "v1")
    before = _files(tmp_path / "target")
    with pytest.raises(PreflightError, match="has newer data") as raised:
        make().refuse_other_data(replace=True)
    assert "grp/theirs" in raised.value.message
    assert _files(tmp_path / "target") == before


def test_a_tag_that_is_newer_there_is_refused(make: Made, source: Store, tmp_path: Path) -> None:
    make().finish()
    make().state.path.unlink()
    Store(tmp_path / "target").tag("grp/app", "v1", images.image("migrated 0", size=500).digest)
    with pytest.raises(PreflightError, match="newer data"):
        make().refuse_other_data(replace=True)


def test_data_of_another_registry_is_refused_or_goes_into_quarantine(
    make: Made, source: Store, tmp_path: Path
) -> None:
    theirs = Store(tmp_path / "target")
    theirs.push("grp/theirs", images.image("theirs", size=500), "v1")
    theirs.age(900_000_000)
    with pytest.raises(PreflightError, match="has other data"):
        make().refuse_other_data(replace=False)
    copying = make()
    copying.refuse_other_data(replace=True)
    copying.finish()
    assert _files(tmp_path / "target") == _expected(source)
    assert list((tmp_path / "target/ctl-quarantine").rglob("grp/theirs"))


def test_the_way_back(make: Made, source: Store, tmp_path: Path) -> None:
    first = make()
    first.finish()
    first.mark_left()
    there = Store(tmp_path / "target")
    there.untag("grp/app", "v0")
    there.push("grp/new", images.image("pushed there", size=500), "v1")
    back = make(here="target", target="source")
    back.refuse_other_data(replace=False)
    back.finish()
    assert _expected(source) == _files(tmp_path / "target")


def test_what_changes_at_the_end_is_no_copy(make: Made, source: Store, tmp_path: Path) -> None:
    """Another program writes to the target, or a registry that is not stopped to the source."""
    copying = make()
    copying.finish()
    blob = next((tmp_path / "target/docker/registry/v2/blobs").rglob("data"))
    blob.write_bytes(b"other")
    here = make()
    with pytest.raises(RunFailed, match="is not the same"):
        here.compare(listing(here.source))


def test_a_damaged_blob_is_copied_and_named(make: Made, source: Store, tmp_path: Path) -> None:
    digest = images.image("migrated 1", size=500).digest
    source.data(digest).write_bytes(b"damaged")
    copying = make()
    copying.finish()
    assert [digest.removeprefix("sha256:") in key for key in copying.damaged] == [True]
    assert _files(tmp_path / "target") == _expected(source)


def test_a_line_that_was_cut_is_done_without(make: Made, source: Store, tmp_path: Path) -> None:
    make().copy()
    path = make().state.path
    path.write_bytes(path.read_bytes()[:-9])
    again = make()
    again.state.note("still", "written")
    assert make().state.noted("still") == "written"
    again.finish()
    assert again.copied == 1
    assert _files(tmp_path / "target") == _expected(source)
