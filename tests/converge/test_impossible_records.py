"""Records that can be read and can never be carried out: no run waits for them, and no backup is lost with them."""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctl.converge import converge
from ctl.converge.journal import interrupted
from ctl.converge.records import BACKUPS, RECORDS
from ctl.errors import CtlError
from tests.harness.cut_off import cut_off, files, recover, with_files
from tests.harness.supervisor import Bench, FileSupervisor


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """With three files of a service that runs."""
    return with_files(tmp_path)


def append(bench: Bench, record: dict[str, object]) -> None:
    """Add a record with a right checksum."""
    body = json.dumps(record).encode()
    with (bench.layout.journal / RECORDS).open("ab") as records:
        records.write(b"%08x %b\n" % (zlib.crc32(body), body))


def _a_folder_in_its_place(folder: Path) -> None:
    (folder / "a").unlink()
    (folder / "a/sub").mkdir(parents=True)


def _a_file_as_its_folder(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.write_text("x")


def _no_folder(folder: Path) -> None:
    folder.rename(folder.with_name("away"))


def _a_loop(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.symlink_to(folder.name)


def _a_link_of_another_account(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.symlink_to("away")
    os.lchown(folder, 65534, 65534)
    folder.parent.chmod(0o777)


PLACES = [_a_folder_in_its_place, _a_file_as_its_folder, _no_folder, _a_loop]
if os.geteuid() == 0:
    PLACES.append(_a_link_of_another_account)


@pytest.mark.parametrize("change", PLACES)
def test_a_backup_without_a_place_is_kept_and_named(bench: Bench, change: Callable[[Path], None]) -> None:
    cut_off(bench, *files(bench))
    change(bench.layout.path("/etc/app"))
    undone = recover(bench)
    assert undone is not None
    assert undone.set_aside is not None
    assert not interrupted(bench.layout)
    backup = undone.set_aside / BACKUPS / "1"
    assert backup.read_text() == "old a"
    assert f"its former content is in {backup}" in str(undone)
    assert "everything" not in str(undone)


def test_what_has_a_place_is_put_back_all_the_same(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    folder = bench.layout.path("/etc/app")
    _a_folder_in_its_place(folder)
    recover(bench)
    assert [(folder / name).read_text() for name in "bc"] == ["old b", "old c"]
    assert bench.services.calls == ["restart app", "reload web"]
    (folder / "a/sub").rmdir()
    (folder / "a").rmdir()
    report = converge(files(bench), machine=bench.machine, layout=bench.layout, observer=bench.observer)
    assert len(report.changes) == 3


RECORDS_WITHOUT_AN_END: dict[str, dict[str, object]] = {
    "a folder where a file was": {"kind": "remove", "path": "{root}/etc/app"},
    "a file where a folder was": {"kind": "rmdir", "path": "{root}/etc/app/a"},
    "a link whose target no system takes": {"kind": "link", "path": "{root}/x", "target": "a/" * 5000},
    "an argument that no system takes": {
        "kind": "run",
        "argv": ["true", "x" * 10**6],
        "done": [],
        "retry": [],
    },
    "a program that is a folder's": {"kind": "run", "argv": ["/dev/null/x"], "done": [], "retry": []},
    "a link whose rights were a file's": {
        "kind": "rights",
        "path": "{root}/etc/link",
        "follow": False,
        "mode": 0,
        "uid": 0,
        "gid": 0,
    },
    "a name that is too long": {"kind": "remove", "path": "/" + "n" * 256},
    "a place of the kernel": {"kind": "remove", "path": "/proc/self/status"},
    "a service whose name is too long": {"kind": "service", "service": "n" * 256, "enabled": False},
    "a restart of such a service": {"kind": "notified", "service": "n" * 256, "action": "restart"},
    "such a service beside a file": {"kind": "rmdir", "path": "/no/x", "notifies": [["restart", "n" * 256]]},
    "a service that is no text of this system": {"kind": "notified", "service": "\ud800", "action": "reload"},
    "an argument that is none": {"kind": "run", "argv": ["true", "\ud800"], "done": [], "retry": []},
    "a kind of a newer version": {"kind": "snapshot", "path": "/x", "kept": "3"},
    "a service without a definition": {"kind": "service", "service": "nosuch", "enabled": True},
}


@pytest.mark.parametrize("record", RECORDS_WITHOUT_AN_END.values(), ids=RECORDS_WITHOUT_AN_END.keys())
def test_no_run_waits_for_what_can_never_be_done(bench: Bench, record: dict[str, object]) -> None:
    cut_off(bench, *files(bench))
    bench.layout.path("/etc/link").symlink_to("app/a")
    filled = {
        key: value.replace("{root}", str(bench.layout.root)) if isinstance(value, str) else value
        for key, value in record.items()
    }
    append(bench, filled)
    undone = recover(bench)
    assert undone is not None
    assert not interrupted(bench.layout)
    folder = bench.layout.path("/etc/app")
    assert [(folder / name).read_text() for name in "abc"] == ["old a", "old b", "old c"]
    converge(files(bench), machine=bench.machine, layout=bench.layout, observer=bench.observer)


@dataclass
class FullDisk(FileSupervisor):
    """Nothing can be written for now."""

    def enable(self, name: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", name)


def test_what_may_end_is_tried_again_also_beside_what_never_does(bench: Bench) -> None:
    """A journal that waits keeps every backup; it is set aside once nothing in it can still be done."""
    cut_off(bench, *files(bench))
    _a_folder_in_its_place(bench.layout.path("/etc/app"))
    append(bench, {"kind": "service", "service": "third", "enabled": True})
    full = Bench(bench.layout, FullDisk(bench.services.state))
    with pytest.raises(CtlError, match=r"third: No space left on device; .*/etc/app/a: Is a directory"):
        recover(full)
    assert interrupted(bench.layout)
    undone = recover(bench)
    assert undone is not None
    assert undone.set_aside is not None
    assert bench.services.calls.count("enable third") == 1
    assert (undone.set_aside / BACKUPS / "1").read_text() == "old a"
