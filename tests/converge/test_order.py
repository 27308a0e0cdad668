"""Services one after the other, and commands between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ctl.converge import Command, File, Item, Service, converge, restart
from ctl.converge.model import Notification, Report
from ctl.errors import CtlError, RunFailed
from tests.harness.supervisor import Bench, FileSupervisor


@dataclass
class Starting(FileSupervisor):
    """A supervisor that does not run until it is started; then it starts what is enabled."""

    runs: bool = False

    def supervised(self) -> bool:
        return self.runs

    def ensure_supervisor(self) -> bool:
        started, self.runs = not self.runs, True
        if started:
            self.calls.append("start the supervisor")
        return started


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench.at(tmp_path)


def run(bench: Bench, *items: Item, dry_run: bool = False) -> Report:
    return converge(
        items, machine=bench.machine, layout=bench.layout, dry_run=dry_run, observer=bench.observer
    )


def migration(bench: Bench, *, pending: bool = True) -> Command:
    """It notes what the supervisor had done by then."""

    def guard() -> bool:
        bench.services.calls.append("asked")
        return pending

    return Command(
        "migrate",
        argv=["touch", str(bench.layout.state / "migrated")],
        guard=guard,
        notifies=(restart("registry"),),
        after=("database",),
        before=("registry",),
    )


SERVICES = (Service("registry", after=("database",)), Service("database"), Service("nginx"))


def test_a_command_runs_after_one_service_is_up_and_before_another_starts(bench: Bench) -> None:
    report = run(bench, *SERVICES, migration(bench))
    assert bench.services.calls == [
        "enable database",
        "wait database",
        "asked",
        "enable registry",
        "enable nginx",
        "wait registry",
        "wait nginx",
    ]
    assert (bench.layout.state / "migrated").exists()
    assert report.started == ["registry", "database", "nginx"]
    assert report.notifications == []


def test_a_command_that_proves_unneeded_is_no_change(bench: Bench) -> None:
    report = run(bench, *SERVICES, migration(bench, pending=False))
    assert "asked" in bench.services.calls
    assert not (bench.layout.state / "migrated").exists()
    assert [change.resource for change in report.changes] == [
        "service[database]",
        "service[registry]",
        "service[nginx]",
    ]
    assert report.unchanged == 1


def test_a_running_service_is_restarted_after_the_command(bench: Bench) -> None:
    run(bench, *SERVICES)
    bench.services.calls.clear()
    report = run(bench, *SERVICES, migration(bench))
    assert bench.services.calls == ["asked", "restart registry"]
    assert [one.service for one in report.notifications] == ["registry"]


def test_restarts_follow_the_order_of_services(bench: Bench) -> None:
    run(bench, *SERVICES)
    bench.services.calls.clear()
    files = [
        File(bench.layout.path(f"/etc/{name}"), content="x", notifies=(restart(name),))
        for name in ("nginx", "registry", "database")
    ]
    run(bench, *files, *SERVICES)
    assert bench.services.calls == ["restart database", "restart registry", "restart nginx"]


def test_a_file_changes_when_one_service_has_taken_up_the_others_and_before_another_restarts(
    bench: Bench,
) -> None:
    run(bench, *SERVICES)
    bench.services.calls.clear()
    late = bench.layout.path("/etc/late")
    seen: dict[str, bool] = {}

    @dataclass
    class Watching(FileSupervisor):
        def perform(self, notification: Notification) -> bool:
            seen[notification.service] = late.exists()
            return super().perform(notification)

    watching = Bench(bench.layout, Watching(bench.services.state))
    files = (
        File(late, content="key", after=("registry",), before=("nginx",), notifies=(restart("nginx"),)),
        File(bench.layout.path("/etc/early"), content="x", notifies=(restart("registry"),)),
    )
    run(watching, *files, *SERVICES)
    assert seen == {"registry": False, "nginx": True}
    assert run(watching, *files, *SERVICES).changes == []


def test_a_file_that_waits_for_services_is_undone_with_the_run(bench: Bench) -> None:
    run(bench, *SERVICES)
    late = File(bench.layout.path("/etc/late"), content="key", after=("registry",))
    failing = Command("fail", argv=["false"], guard=lambda: True, after=("nginx",))
    with pytest.raises(RunFailed):
        run(bench, late, failing, *SERVICES)
    assert not late.path.exists()


def test_a_supervisor_that_is_started_starts_all_with_the_new_files(bench: Bench) -> None:
    supervisor = Starting(bench.services.state)
    stopped = Bench(bench.layout, supervisor)
    run(bench, *SERVICES)
    file = File(bench.layout.path("/etc/x"), content="x", notifies=(restart("registry"),))
    report = run(stopped, file, *SERVICES)
    assert supervisor.calls == ["start the supervisor", "wait database", "wait registry", "wait nginx"]
    assert report.notifications == []


def test_a_command_asks_for_a_restart_of_what_the_supervisor_has_just_started(bench: Bench) -> None:
    supervisor = Starting(bench.services.state)
    run(bench, *SERVICES)
    stopped = Bench(bench.layout, supervisor)
    run(stopped, *SERVICES, migration(stopped))
    assert supervisor.calls.index("start the supervisor") < supervisor.calls.index("restart registry")


def test_a_circle_changes_nothing(bench: Bench) -> None:
    file = File(bench.layout.path("/etc/x"), content="x")
    with pytest.raises(CtlError, match="each of these must start after the next"):
        run(bench, file, Service("a", after=("b",)), Service("b", after=("a",)))
    assert not file.path.exists()


def test_a_dry_run_shows_them_in_their_order(bench: Bench) -> None:
    run(bench, *SERVICES, migration(bench), dry_run=True)
    assert [line.partition(":")[0] for line in bench.observer.lines] == [
        "service[database]",
        "command[migrate]",
        "service[registry]",
        "service[nginx]",
    ]
    assert "if it is needed once database can be asked" in bench.observer.lines[1]
