"""What a later run makes of one that was cut off, also where its journal is damaged; what is reported of it is true."""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctl.converge import Command, Directory, File, Item, Service, converge, recovered, reload, restart
from ctl.converge.journal import Journal, interrupted
from ctl.converge.model import Notification
from ctl.converge.records import BACKUPS, RECORDS
from ctl.converge.rollback import Undone
from ctl.errors import CtlError, RunFailed
from ctl.machine.child import ChildFailed
from tests.harness.supervisor import Bench, FileSupervisor
from tests.harness.tree import tree


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """With three files of a service that runs."""
    bench = Bench.at(tmp_path)
    for name in "abc":
        path = bench.layout.path(f"/etc/app/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"old {name}")
    for name in ("app", "web"):
        bench.services.enable(name)
    bench.services.calls.clear()
    return bench


def cut_off(bench: Bench, *items: Item) -> None:
    """Change things as a run does, and end before its commit."""
    with Journal.begin(bench.layout) as journal:
        for change in (item.plan(bench.machine) for item in items if not hasattr(item, "watches")):
            for step in change.steps if change else ():
                record = step.undo(journal)
                if record:
                    notifies = [(str(one.action), one.service) for one in change.notifies] if change else []
                    journal.record({**record, "notifies": notifies})
                step.apply()


def files(bench: Bench) -> list[Item]:
    """New content for all three."""
    folder = bench.layout.path("/etc/app")
    return [
        File(folder / "a", content="new a", notifies=(restart("app"),)),
        File(folder / "b", content="new b", notifies=(reload("app"), reload("web"))),
        File(folder / "c", content="new c", notifies=(restart("gone"),)),
    ]


def recover(bench: Bench) -> Undone | None:
    with recovered(bench.layout, bench.machine, bench.observer.note) as undone:
        return undone


def test_each_service_of_which_a_file_is_put_back_takes_it_up(bench: Bench) -> None:
    before = tree(bench.layout.root)
    cut_off(bench, *files(bench))
    assert tree(bench.layout.root) != before
    assert recover(bench) == Undone()
    assert tree(bench.layout.root) == before
    assert bench.services.calls == ["restart app", "reload web"]
    assert any(
        "interrupted earlier run was undone: everything was put back" in x for x in bench.observer.lines
    )


def test_nothing_interrupted_nothing_done(bench: Bench) -> None:
    assert recover(bench) is None
    assert (bench.services.calls, bench.observer.lines) == ([], [])


@dataclass
class NotBooted(FileSupervisor):
    """After a boot, before the supervisor."""

    def supervised(self) -> bool:
        return False


def test_before_the_supervisor_no_service_is_touched(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    booted = Bench(bench.layout, NotBooted(bench.services.state))
    assert recover(booted) == Undone()
    assert booted.services.calls == []


def test_a_service_that_fails_with_its_former_files_keeps_no_run_away(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    broken = Bench(bench.layout, FileSupervisor(bench.services.state, frozenset({"app"})))
    before = time.time()
    assert recover(broken) == Undone(remains=("app: app does not answer",))
    assert not interrupted(bench.layout)
    changed = {name: bench.layout.path(f"/etc/app/{name}").stat().st_mtime for name in "abc"}
    assert {name for name, when in changed.items() if when >= before} == {"a", "b"}, "what app reads shows"


@dataclass
class OutOfProcesses(FileSupervisor):
    """No process can be started any more."""

    def perform(self, notification: Notification) -> bool:
        raise ChildFailed("sv cannot be started: Resource temporarily unavailable")


def test_what_cannot_be_done_at_the_moment_is_done_by_the_next_run(bench: Bench) -> None:
    """Else the service would go on with files that are gone, and nothing would show it."""
    cut_off(bench, *files(bench))
    without = Bench(bench.layout, OutOfProcesses(bench.services.state))
    with pytest.raises(CtlError, match="app: sv cannot be started: Resource temporarily unavailable"):
        recover(without)
    assert bench.layout.path("/etc/app/a").read_text() == "old a"
    assert recover(bench) == Undone()
    assert bench.services.calls.count("restart app") == 1


def test_a_run_reports_services_that_are_not_well(bench: Bench) -> None:
    """Also where nothing differs: "0 changed" would say that all is right."""
    bench.services.enable("app")
    unwell = Bench(bench.layout, FileSupervisor(bench.services.state, unwell=frozenset({"app"})))
    report = converge([Service("app")], machine=unwell.machine, layout=bench.layout, observer=bench.observer)
    assert (report.changes, report.problems) == ([], ["app is not well"])


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


@pytest.mark.parametrize("damage", [_a_file, _a_link, _a_dangling_link, _a_pipe, _no_records, _empty_records])
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


def test_a_folder_that_is_gone_keeps_no_run_away(bench: Bench) -> None:
    cut_off(bench, *files(bench))
    folder = bench.layout.path("/etc/app")
    folder.rename(folder.with_name("away"))
    undone = recover(bench)
    assert undone is not None
    assert f"{folder / 'a'} is not there any more" in str(undone)
    assert not interrupted(bench.layout)


def test_what_cannot_be_put_back_is_tried_again_by_the_next_run(bench: Bench) -> None:
    path = bench.layout.path("/etc/added")
    path.mkdir(parents=True)
    with Journal.begin(bench.layout) as journal:
        journal.record({"kind": "remove", "path": str(path)})
    with pytest.raises(CtlError, match=f"not everything could be put back: {path}"):
        recover(bench)
    assert interrupted(bench.layout)
    path.rmdir()
    assert recover(bench) == Undone()
    assert not interrupted(bench.layout)


def failing(bench: Bench, *items: Item) -> str:
    """What a run says that fails at its end."""
    last = Command("fail", argv=["false"], undo=["true"], guard=lambda: True)
    with pytest.raises(RunFailed) as caught:
        converge([*items, last], machine=bench.machine, layout=bench.layout, observer=bench.observer)
    return caught.value.message


def test_everything_was_put_back_where_that_is_true(bench: Bench) -> None:
    before = tree(bench.layout.root)
    assert failing(bench, *files(bench)).endswith("everything was put back")
    assert tree(bench.layout.root) == before


def test_a_folder_that_programs_have_written_in_is_named(bench: Bench) -> None:
    folder = bench.layout.path("/var/log/app")
    write = Command("log", argv=["touch", str(folder / "current")], undo=["true"], guard=lambda: True)
    output = failing(bench, Directory(folder), write)
    assert f"every file was put back, but {folder} stays" in output


def test_what_has_no_way_back_is_named(bench: Bench) -> None:
    migrate = Command("migrate", argv=["true", "migrate"], guard=lambda: True)
    assert "every file was put back, but what this did stays: true migrate" in failing(bench, migrate)


@dataclass
class LateSupervisor(FileSupervisor):
    """It does not run until it is started."""

    up: bool = False

    def supervised(self) -> bool:
        return self.up

    def ensure_supervisor(self) -> bool:
        started, self.up = not self.up, True
        return started


def test_a_supervisor_that_the_run_started_ends_with_it(tmp_path: Path) -> None:
    plain = Bench.at(tmp_path)
    services = LateSupervisor(plain.services.state, frozenset({"web"}))
    bench = Bench(plain.layout, services)
    with pytest.raises(RunFailed, match="web does not come up; everything was put back"):
        converge([Service("web")], machine=bench.machine, layout=bench.layout, observer=bench.observer)
    assert services.calls[-1] == "end the supervisor"


def test_a_supervisor_with_other_services_goes_on(bench: Bench) -> None:
    services = LateSupervisor(bench.services.state, frozenset({"app"}))
    late = Bench(bench.layout, services)
    with pytest.raises(RunFailed, match="but the supervisor, which did not run before, goes on"):
        converge(
            [*files(late), Service("app")], machine=late.machine, layout=late.layout, observer=late.observer
        )


@pytest.mark.parametrize("new", [True, False], ids=["first start", "restart"])
def test_a_secondary_service_takes_nothing_down(bench: Bench, new: bool) -> None:
    name = "timer"
    services = FileSupervisor(bench.services.state, frozenset({name, "app/log"}))
    if not new:
        services.enable(name)
    it = Bench(bench.layout, services)
    item = File(bench.layout.path("/etc/timer"), content="x", notifies=(restart(name), restart("app/log")))
    wanted: list[Item] = [item, Service("app"), Service(name, secondary=True)]
    report = converge(wanted, machine=it.machine, layout=it.layout, observer=it.observer)
    assert len(report.problems) == 2
    assert item.path.exists()
    assert not interrupted(bench.layout)


def test_a_primary_service_takes_the_run_back(bench: Bench) -> None:
    """The control of the test before."""
    services = FileSupervisor(bench.services.state, frozenset({"timer"}))
    it = Bench(bench.layout, services)
    with pytest.raises(RunFailed):
        converge([Service("timer")], machine=it.machine, layout=it.layout, observer=it.observer)
