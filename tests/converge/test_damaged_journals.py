"""What is made of a run that was cut off and whose journal, or a backup of it, is damaged."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.converge import converge
from ctl.converge.journal import interrupted
from ctl.converge.records import BACKUPS, RECORDS
from ctl.converge.rollback import Undone
from tests.harness.cut_off import cut_off, files, recover, with_files
from tests.harness.supervisor import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """With three files of a service that runs."""
    return with_files(tmp_path)


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "a line of NULs": (lambda text: _line(text, 1, lambda line: b"\0" * len(line)), {"b"}),
    "a lost block": (lambda text: text[:20] + b"\0" * 60 + text[80:], {"a"}),
    "a flipped bit": (lambda text: text.replace(b"app/c", b"app/C"), {"c"}),
    "NULs at the end": (lambda text: text + b"\0" * 4096, set()),
    "only NULs": (lambda text: b"\0" * len(text), {"a", "b", "c"}),
    "no JSON": (lambda text: _line(text, 2, lambda line: b"00000000 {"), {"c"}),
    "no object": (lambda text: _line(text, 0, lambda line: b"[1]"), {"a"}),
    "a kind that nobody knows": (
        lambda text: _line(text, 0, lambda line: b'{"kind": "x", "path": "/"}'),
        {"a"},
    ),
    "a record without its values": (lambda text: _line(text, 1, lambda line: b'{"kind": "restore"}'), {"b"}),
}


VALUES: dict[str, dict[str, object] | bytes] = {
    "a path with a NUL": {"kind": "remove", "path": "/a\0b"},
    "a path that is no text of this system": {"kind": "remove", "path": "/a\ud800"},
    "a relative path": {"kind": "remove", "path": "a"},
    "an empty path": {"kind": "remove", "path": ""},
    "a path longer than any": {"kind": "remove", "path": "/" + "a/" * 5000},
    "a mode that is none": {
        "kind": "rights",
        "path": "/tmp",
        "follow": False,
        "mode": 10**30,
        "uid": 0,
        "gid": 0,
    },
    "a negative owner": {"kind": "rights", "path": "/tmp", "follow": False, "mode": 0, "uid": -5, "gid": 0},
    "a service above the folder": {"kind": "service", "service": "../../x", "enabled": False},
    "a service that is a number": {"kind": "notified", "service": 5, "action": "restart"},
    "a notice without a service": {"kind": "notified", "action": "restart"},
    "notices of another form": {"kind": "remove", "path": "/nonexistent", "notifies": [1, 2]},
    "what answered is a list": {"kind": "before", "answered": [1]},
    "a program without a name": {"kind": "run", "argv": [], "done": [], "retry": []},
    "a program that is a text": {"kind": "run", "argv": "true", "done": [], "retry": []},
    "a backup elsewhere": {
        "kind": "restore",
        "path": "/nonexistent",
        "kept": "../../x",
        "mode": 0,
        "uid": 0,
        "gid": 0,
    },
    "an account that is an option": {"kind": "group added", "account": "-x"},
    "lists without end": b"[" * 100_000,
    "objects without end": b'{"kind":' * 100_000,
}
"""Records whose checksum is right: a fault of the memory, or of another version."""


@pytest.mark.parametrize("record", VALUES.values(), ids=VALUES.keys())
def test_a_record_whose_values_cannot_be_is_damage(bench: Bench, record: dict[str, object] | bytes) -> None:
    cut_off(bench, *files(bench))
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    with (bench.layout.journal / RECORDS).open("ab") as records:
        records.write(b"%08x %b\n" % (zlib.crc32(body), body))
    undone = recover(bench)
    assert undone is not None
    assert undone.set_aside is not None
    assert bench.layout.path("/etc/app/a").read_text() == "old a"


def _a_file(journal: Path) -> None:
    shutil.rmtree(journal)
    journal.write_text("x")


def _a_link(journal: Path) -> None:
    shutil.move(journal, journal.with_name("elsewhere"))
    journal.symlink_to("elsewhere")


def _a_dangling_link(journal: Path) -> None:
    shutil.rmtree(journal)
    journal.symlink_to("nowhere")


def _a_pipe(journal: Path) -> None:
    (journal / RECORDS).unlink()
    os.mkfifo(journal / RECORDS)


def _no_records(journal: Path) -> None:
    (journal / RECORDS).unlink()


def _empty_records(journal: Path) -> None:
    (journal / RECORDS).write_text("")


def _huge_records(journal: Path) -> None:
    os.truncate(journal / RECORDS, 1 << 40)


@pytest.mark.parametrize(
    "damage",
    [_a_file, _a_link, _a_dangling_link, _a_pipe, _no_records, _empty_records, _huge_records],
)
def test_a_journal_that_is_none_is_set_aside(bench: Bench, damage: Callable[[Path], None]) -> None:
    """Without records the backups show that something was lost: it must not be called put back."""
    cut_off(bench, *files(bench))
    damage(bench.layout.journal)
    undone = recover(bench)
    assert undone is not None
    assert undone.set_aside is not None
    assert "everything" not in str(undone)
    assert not interrupted(bench.layout)
    converge(files(bench), machine=bench.machine, layout=bench.layout, observer=bench.observer)


def test_a_backup_that_is_a_folder_is_lost(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    backup = bench.layout.journal / BACKUPS / "1"
    backup.unlink()
    backup.mkdir()
    undone = recover(bench)
    assert undone is not None
    assert "/etc/app/a is not as before: its backup is lost" in str(undone)


def _line(text: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    lines = text.split(b"\n")
    lines[number] = change(lines[number])
    return b"\n".join(lines)


@pytest.mark.parametrize(("damage", "lost"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_journal_is_undone_as_far_as_it_can_be_read(
    bench: Bench, damage: Callable[[bytes], bytes], lost: set[str]
) -> None:
    cut_off(bench, *files(bench))
    records = bench.layout.journal / RECORDS
    records.write_bytes(damage(records.read_bytes()))
    undone = recover(bench)
    assert undone is not None
    found = {name: bench.layout.path(f"/etc/app/{name}").read_text() for name in "abc"}
    assert found == {name: f"{'new' if name in lost else 'old'} {name}" for name in "abc"}
    assert undone.set_aside is not None
    assert undone.set_aside.name.startswith("journal-damaged-")
    assert (undone.set_aside / RECORDS).exists()
    assert str(undone.set_aside) in str(undone)
    assert "everything" not in str(undone)
    report = converge(files(bench), machine=bench.machine, layout=bench.layout, observer=bench.observer)
    assert len(report.changes) == 3 - len(lost)


def test_two_damaged_journals_are_both_kept(bench: Bench) -> None:
    places = set()
    for _ in range(2):
        cut_off(bench, *files(bench))
        (bench.layout.journal / RECORDS).write_bytes(b"\0" * 10 + b"\n")
        undone = recover(bench)
        assert undone is not None
        places.add(undone.set_aside)
    assert len(places) == 2


def test_a_truncated_journal_is_no_damage(bench: Bench) -> None:
    """Its last record was never whole on the disk, so its step was never begun."""
    cut_off(bench, *files(bench)[:2])
    records = bench.layout.journal / RECORDS
    records.write_bytes(records.read_bytes()[:-30])
    undone = recover(bench)
    assert undone == Undone()


def test_a_journal_of_an_earlier_version_is_undone(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    records = bench.layout.journal / RECORDS
    lines = [json.loads(line.partition(b" ")[2]) for line in records.read_bytes().splitlines()]
    for one in lines:
        one.pop("inode")
        one.pop("notifies")
    records.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert recover(bench) == Undone()
    assert bench.layout.path("/etc/app/a").read_text() == "old a"


def test_a_lost_backup_is_reported(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    (bench.layout.journal / "vault/2").unlink()
    path = bench.layout.path("/etc/app/b")
    assert recover(bench) == Undone(remains=(f"{path} is not as before: its backup is lost",))
    assert path.read_text() == "new b"
