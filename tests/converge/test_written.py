"""The record of what ctl wrote: what it manages, and what it has left in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.converge import Directory, File
from ctl.converge.journal import sweep_discarded
from ctl.converge.written import Written
from tests.harness.supervisor import Bench


def written(bench: Bench, *resources: File | Directory) -> Written:
    for one in resources:
        change = one.plan(bench.machine)
        for step in change.steps if change else ():
            step.apply()
    return Written({}, present=True).after(resources, bench.machine, whole=True)


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_left_in_place_is_not_managed_again(bench: Bench, whole: bool) -> None:
    """A run of a part has not every resource: what it does not have stays as it was, managed or not."""
    path = bench.layout.root / "file"
    record = written(bench, File(path, content="x"))
    assert record.entries[path].managed
    left = record.after((), bench.machine, whole=True)
    assert not left.entries[path].managed
    assert record.left(left) == [path]
    assert not left.after((), bench.machine, whole=whole).entries[path].managed
    assert record.after((), bench.machine, whole=False).entries[path].managed


def test_a_folder_is_never_just_what_was_written(bench: Bench) -> None:
    """There may be anything in it."""
    folder, file = bench.layout.root / "folder", bench.layout.root / "folder/file"
    record = written(bench, Directory(folder), File(file, content="x"))
    assert (record.unchanged(folder), record.unchanged(file)) == (False, True)
    file.write_text("y")
    assert not record.unchanged(file)


def test_a_link_among_discarded_journals_is_none(tmp_path: Path) -> None:
    """ctl makes folders there: what is another's stays, and keeps no run away."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".ctl-link").symlink_to("elsewhere")
    (tmp_path / ".ctl-journal/vault").mkdir(parents=True)
    sweep_discarded(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [".ctl-link", "elsewhere"]
