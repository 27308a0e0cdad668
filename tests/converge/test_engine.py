"""The run: order, notifications, checks, and the way back."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctl.converge import (
    Absent,
    Command,
    Directory,
    File,
    Item,
    Service,
    Validation,
    converge,
    reload,
    restart,
    to_json,
)
from ctl.converge.inspect import STAND_IN_ID
from ctl.converge.model import Notification, Report, Staging
from ctl.errors import CtlError, LockHeld, RunFailed, ValidationError
from ctl.paths import Layout
from tests.harness.as_nobody import as_nobody
from tests.harness.supervisor import Bench, FileSupervisor, Recorder
from tests.harness.tree import tree


def run(bench: Bench, *items: Item, dry_run: bool = False) -> Report:
    return converge(
        items, machine=bench.machine, layout=bench.layout, dry_run=dry_run, observer=bench.observer
    )


def service_items(bench: Bench, content: str = "1") -> list[Item]:
    return [
        File(bench.layout.path("/etc/web.conf"), content=content, notifies=(restart("web"),)),
        Service("web"),
    ]


def test_a_service_starts_after_all_files_and_is_not_restarted(bench: Bench) -> None:
    late = File(bench.layout.path("/etc/late"), content="x", notifies=(restart("web"),))
    report = run(bench, *service_items(bench), late)
    assert bench.observer.lines[-1] == "service[web]: enable and start"
    assert bench.services.calls == ["enable web", "wait web"]
    assert (report.started, report.notifications) == (["web"], [])


@pytest.mark.parametrize(("alone", "dry_run"), [(True, True), (True, False), (False, True)])
def test_a_gap_is_announced(bench: Bench, alone: bool, dry_run: bool) -> None:
    run(bench, *service_items(bench))
    bench.services.alone = frozenset(["web"] if alone else [])
    run(bench, *service_items(bench, "2"), dry_run=dry_run)
    output = any("web answers nobody while it restarts" in line for line in bench.observer.lines)
    assert output is alone


def test_a_second_run_changes_nothing(bench: Bench) -> None:
    run(bench, *service_items(bench))
    bench.services.calls.clear()
    report = run(bench, *service_items(bench))
    assert (report.changes, report.unchanged, bench.services.calls) == ([], 2, [])


def test_a_restart_beats_a_reload_and_happens_once(bench: Bench) -> None:
    run(bench, *service_items(bench))
    bench.services.calls.clear()
    others = [File(bench.layout.path(f"/etc/{n}"), content="x", notifies=(reload("web"),)) for n in "ab"]
    run(bench, *others, *service_items(bench, "2"))
    assert bench.services.calls == ["restart web"]


def test_a_service_that_is_not_described_is_not_restarted(bench: Bench) -> None:
    run(bench, File(bench.layout.path("/etc/x"), content="x", notifies=(restart("other"),)))
    assert bench.services.calls == []


def test_a_service_stops_before_its_files_go(bench: Bench) -> None:
    run(bench, *service_items(bench))
    run(bench, Absent(bench.layout.path("/etc/web.conf")), Service("web", enabled=False))
    assert [line.split(":")[0] for line in bench.observer.lines[-2:]] == [
        "service[web]",
        f"absent[{bench.layout.path('/etc/web.conf')}]",
    ]


def test_a_dry_run_changes_nothing_and_shows_all(bench: Bench) -> None:
    former = tree(bench.layout.root, without=())
    report = run(bench, *service_items(bench), dry_run=True)
    assert tree(bench.layout.root, without=()) == former
    assert (len(report.changes), report.started) == (2, ["web"])
    assert to_json(report)["dry_run"] is True


def test_two_descriptions_of_one_thing_must_agree(bench: Bench) -> None:
    path = bench.layout.path("/etc/x")
    run(bench, Directory(path), Directory(path))
    with pytest.raises(CtlError, match="described twice"):
        run(bench, File(bench.layout.path("/f"), content="1"), File(bench.layout.path("/f"), content="2"))


def test_two_kinds_of_thing_cannot_share_a_path(bench: Bench) -> None:
    path = bench.layout.path("/etc/x")
    with pytest.raises(CtlError, match=rf"file\[{path}\] and absent\[{path}\] describe one path"):
        run(bench, File(path, content="x"), Absent(path))


def test_a_service_that_does_not_come_up_undoes_the_run(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path, broken=frozenset({"web"}))
    former = tree(bench.layout.root)
    with pytest.raises(RunFailed, match="web does not come up; everything was put back"):
        run(bench, *service_items(bench))
    assert tree(bench.layout.root) == former
    assert not bench.services.enabled("web")
    assert not bench.layout.journal.exists()


def test_a_service_that_is_not_well_undoes_the_run_and_its_log_comes_once(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path)
    run(bench, *service_items(bench))
    unwell = FileSupervisor(bench.services.state, unhealthy=frozenset({"web"}))
    other = Bench(bench.layout, unwell)
    with pytest.raises(RunFailed, match="web is not well; everything was put back\n  its log"):
        run(other, *service_items(other, "2"))
    assert bench.layout.path("/etc/web.conf").read_text() == "1"
    assert "failed: web is not well; putting everything back" in other.observer.lines
    assert not any("its log" in line for line in other.observer.lines)


def test_a_restarted_service_takes_up_its_former_files(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path)
    run(bench, *service_items(bench))
    broken = Bench(bench.layout, type(bench.services)(bench.services.state, frozenset({"db"})))
    broken.services.enable("db")
    broken.services.calls.clear()
    item = File(bench.layout.path("/etc/db.conf"), content="x", notifies=(restart("db"),))
    with pytest.raises(RunFailed, match=r"everything was put back; db did not answer before this run either"):
        run(broken, *service_items(bench, "2"), item, Service("db"))
    assert broken.services.calls == ["restart web", "restart db", "restart web", "restart db"]
    assert bench.layout.path("/etc/web.conf").read_text() == "1"
    assert not bench.layout.journal.exists()


@dataclass
class PickySupervisor(FileSupervisor):
    """Its service answers with one content of its file only."""

    config: Path = Path()

    def answers(self, name: str) -> bool:
        return self.config.read_text() == "good"

    def perform(self, notification: Notification) -> bool:
        super().perform(notification)
        if self.config.read_text() != "good":
            raise RunFailed("web does not answer")
        return True


def test_a_service_that_was_broken_before_can_be_mended(tmp_path: Path) -> None:
    """The former files do not help it either: that must not keep the run that would from being made."""
    plain = Bench.at(tmp_path)
    config = plain.layout.path("/etc/web.conf")
    bench = Bench(plain.layout, PickySupervisor(plain.services.state, config=config))
    config.parent.mkdir(parents=True)
    config.write_text("broken before")
    bench.services.enable("web")
    with pytest.raises(RunFailed, match="put back; web did not answer before this run either"):
        run(bench, *service_items(bench, "broken too"))
    assert config.read_text() == "broken before"
    run(bench, *service_items(bench, "good"))
    assert config.read_text() == "good"


@dataclass
class LostTerminal(Recorder):
    """An observer whose output has gone: the network connection broke."""

    def rollback(self, text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_lost_terminal_does_not_stop_the_way_back(tmp_path: Path) -> None:
    plain = Bench.at(tmp_path)
    bench, former = Bench(plain.layout, plain.services, LostTerminal()), tree(plain.layout.root)
    bad = Command("bad", argv=["false"], guard=lambda: True)
    with pytest.raises(RunFailed, match="everything was put back"):
        run(bench, *service_items(bench), bad)
    assert tree(bench.layout.root) == former
    assert not bench.layout.journal.exists()


def test_another_file_in_the_state_folder_is_no_obstacle(bench: Bench) -> None:
    stray = bench.layout.state / ".ctl-0123456789abcdef"
    stray.write_text("x")
    run(bench, *service_items(bench))
    assert stray.exists()


def test_a_failing_step_undoes_the_run(bench: Bench) -> None:
    kept = bench.layout.path("/etc/kept")
    kept.parent.mkdir(parents=True)
    kept.write_text("old")
    (bench.layout.root / "file").write_text("not a folder")
    former = tree(bench.layout.root)
    bad = File(bench.layout.root / "file" / "below", content="x")
    with pytest.raises(RunFailed, match=r"Not a directory; everything was put back"):
        run(bench, File(kept, content="new"), bad)
    assert tree(bench.layout.root) == former


def test_a_refused_file_changes_nothing(bench: Bench) -> None:
    path, former = bench.layout.path("/etc/web.conf"), tree(bench.layout.root)
    seen: list[str] = []

    def check(staging: Staging) -> None:
        seen.append(staging.path(path).read_text())
        raise ValidationError("web refuses web.conf")

    validation = Validation("web accepts web.conf", watches=(path,), check=check)
    with pytest.raises(ValidationError):
        run(bench, *service_items(bench, "bad"), validation)
    assert seen == ["bad"]
    assert tree(bench.layout.root) == former


def test_a_check_runs_only_when_its_file_changes(bench: Bench) -> None:
    path, calls = bench.layout.path("/etc/web.conf"), []
    validation = Validation("v", watches=(path,), check=lambda staging: calls.append(1))
    for content in ("1", "1", "2"):
        run(bench, *service_items(bench, content), validation)
    assert len(calls) == 2


def test_staged_files_name_each_other_inside_the_copy(bench: Bench) -> None:
    main, part = bench.layout.path("/etc/main.conf"), bench.layout.path("/etc/part.conf")
    logs, seen = bench.layout.path("/var/log/web"), {}

    def check(staging: Staging) -> None:
        seen["text"] = staging.path(main).read_text()
        seen["folder"] = str(staging.folder)
        assert Path(seen["text"].split()[1]).read_text() == "part"

    text = f"include {part} ; log {logs}/access.log ; other {part}.bak\n"
    run(
        bench,
        File(main, content=text),
        File(part, content="part"),
        Validation("v", watches=(main,), check=check, redirect=(logs,)),
    )
    folder = seen["folder"]
    assert seen["text"] == f"include {folder}{part} ; log {folder}{logs}/access.log ; other {part}.bak\n"
    assert not Path(folder).exists()


def test_staged_files_name_odd_paths_inside_the_copy(bench: Bench) -> None:
    main, logs, seen = bench.layout.path("/etc/main.conf"), bench.layout.path('/srv/it\'s "log" \\.d'), []

    def check(staging: Staging) -> None:
        assert Path(f"{staging.folder}{logs}").is_dir()
        seen.append(
            staging.path(main).read_text() == f"log {_in_double_quotes(f'{staging.folder}{logs}/x')};"
        )

    run(
        bench,
        File(main, content=f"log {_in_double_quotes(f'{logs}/x')};"),
        Validation("v", watches=(main,), check=check, redirect=(logs,)),
    )
    assert seen == [True]
    assert not logs.exists()


def _in_double_quotes(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand the copy to another account")
def test_the_copy_belongs_to_the_account_that_reads_it(bench: Bench) -> None:
    path, seen = bench.layout.path("/etc/x"), []
    check = lambda staging: seen.append(staging.path(path).stat().st_uid)  # noqa: E731
    for user in ("nobody", "no-such-account-yet"):
        path.unlink(missing_ok=True)
        run(bench, File(path, content="x"), Validation("v", watches=(path,), check=check, user=user))
    assert seen == [65_534, STAND_IN_ID]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand the copy to another account")
def test_the_copy_for_an_account_holds_only_what_it_should_read(bench: Bench) -> None:
    mine, folder, secret = (bench.layout.path(name) for name in ("/etc/mine", "/etc/env", "/etc/secret"))
    seen: list[set[str]] = []

    def check(staging: Staging) -> None:
        seen.append({path.name for path in staging.folder.rglob("*") if path.is_file()})

    validation = Validation("v", watches=(mine, folder), check=check, user="nobody")
    run(
        bench, File(mine, content="x"), File(folder / "A", content="x"), File(secret, content="x"), validation
    )
    assert seen == [{"mine", "A"}]


def test_copies_left_by_killed_runs_are_removed(bench: Bench) -> None:
    from ctl.converge.staging import PREFIX

    left = bench.layout.data / f"{PREFIX}x"
    (left / "etc").mkdir(parents=True)
    (left / "etc/secret").write_text("x")
    run(bench, File(bench.layout.path("/etc/x"), content="x"))
    assert not left.exists()


@pytest.mark.parametrize("place", ["run.lock", "."])
def test_a_lock_of_root_advises_sudo(place: str) -> None:
    from ctl.converge import run_lock

    def attempt() -> str:
        with pytest.raises(CtlError, match="may not be used by this user") as caught, run_lock(layout):
            pass
        return str(caught.value.hint)

    with tempfile.TemporaryDirectory() as root:
        layout = Layout(Path(root))
        layout.state.mkdir(parents=True)
        for folder in (Path(root), *layout.state.relative_to(root).parents, layout.state):
            (Path(root) / folder).chmod(0o755)
        layout.run_lock.touch(0o600)
        (layout.state / place).chmod(0 if place == "." else 0o400)
        assert as_nobody(attempt) == "Run the command with sudo."
        layout.state.chmod(0o700)


def test_one_run_at_a_time(bench: Bench) -> None:
    from ctl.converge import run_lock

    with (
        run_lock(bench.layout),
        pytest.raises(LockHeld, match=rf"pid {os.getpid()}\b") as caught,
        run_lock(bench.layout),
    ):
        pass
    assert caught.value.exit_code == 75
    with run_lock(bench.layout):
        pass
