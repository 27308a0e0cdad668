"""What a later run makes of one that was cut off; what is reported of it is true."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctl.converge import Command, Directory, File, Item, Service, converge, restart
from ctl.converge.journal import Journal, interrupted
from ctl.converge.model import Notification
from ctl.converge.rollback import Undone
from ctl.errors import CtlError, RunFailed
from ctl.machine.child import ChildFailed
from tests.harness.cut_off import cut_off, files, recover, with_files
from tests.harness.supervisor import Bench, FileSupervisor
from tests.harness.tree import tree


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """With three files of a service that runs."""
    return with_files(tmp_path)


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


def test_what_cannot_be_put_back_is_tried_again_by_the_next_run(bench: Bench) -> None:
    program = bench.layout.path("/bin/undo")
    with Journal.begin(bench.layout) as journal:
        journal.record({"kind": "run", "argv": [str(program)], "done": [], "retry": []})
    with pytest.raises(CtlError, match=f"not everything could be put back: {program}"):
        recover(bench)
    assert interrupted(bench.layout)
    program.parent.mkdir()
    program.symlink_to("/bin/true")
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
