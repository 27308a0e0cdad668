"""The timer as a process: what is due runs once, its end is kept, and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.timer.listing import scheduled
from ctl.timer.outcome import Outcome, held, note_outcome, read_outcome, write_outcome
from ctl.timer.task import tasks_file
from tests.harness.timer import TimerProcess
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real


def test_what_is_due_runs_and_its_end_is_kept(timer: TimerProcess) -> None:
    good, later = timer.task("echo one; echo done so far"), timer.task("touch $ROOT/too-soon", due=False)
    timer.start(good, later)
    found = timer.outcome(good)
    assert (found.status, found.reason, found.failures) == (0, "done so far", 0)
    assert f"{good.name}: one\n{good.name}: done so far\n" in timer.text()
    assert not (timer.root / "too-soon").exists()
    assert all(one.problem == "" for one in scheduled(timer.layout))


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        (
            "echo before; echo 'error: the disk is full' >&2; echo '    make room'; exit 3",
            3,
            "the disk is full",
        ),
        ("echo some words; exit 1", 1, "some words"),
        ("exit 9", 9, "exit status 9, without a word"),
        ("kill -KILL $$", -9, "was ended by SIGKILL"),
        ("printf 'without an end'; exit 1", 1, "without an end"),
        ("yes | head -c 1000000; exit 1", 1, "y"),
    ],
)
def test_a_failure_has_its_reason(timer: TimerProcess, script: str, status: int, reason: str) -> None:
    task = timer.task(script)
    timer.start(task)
    found = timer.outcome(task)
    assert (found.status, found.reason, found.failures) == (status, reason, 1)
    (listed,) = scheduled(timer.layout)
    assert re.fullmatch(rf"scheduled {task.name} failed on [-0-9 :]+: {reason}", listed.problem)
    wait_for(lambda: f"{task.name}: failed: {reason}" in timer.text(), what="the log")


def test_a_program_that_is_missing(timer: TimerProcess) -> None:
    task = timer.task("")._replace(command=("/no/such/program",))
    timer.start(task)
    assert timer.outcome(task).reason == "/no/such/program: No such file or directory"


def test_a_task_that_takes_too_long_is_ended_with_all_that_came_from_it(timer: TimerProcess) -> None:
    task = timer.task("sleep 1000 & echo $! > $ROOT/child; wait", timeout=1)
    timer.start(task)
    found = timer.outcome(task)
    assert (found.status, found.reason) == (-signal.SIGTERM, "took longer than 0:00:01")
    assert not _lives(timer.root / "child")


def test_what_a_task_leaves_in_the_background_is_not_waited_for(timer: TimerProcess) -> None:
    task = timer.task("setsid sleep 1000 & echo $! > $ROOT/child; exit 0")
    timer.start(task)
    assert timer.outcome(task).status == 0
    wait_for((timer.root / "child").exists)
    os.kill(int((timer.root / "child").read_text()), signal.SIGKILL)


def test_a_slow_task_holds_up_no_other(timer: TimerProcess) -> None:
    slow, quick = timer.task("sleep 1000"), timer.task("true")
    timer.start(slow, quick)
    assert timer.outcome(quick).status == 0
    assert timer.end() == 0


@pytest.mark.parametrize("name", ["INT", "TERM", "QUIT", "USR1", "KILL"])
def test_no_signal_leaves_a_task_behind_and_it_runs_again(timer: TimerProcess, name: str) -> None:
    task = timer.task("echo $$ > $ROOT/pid; exec sleep 1000")
    timer.start(task)
    wait_for(lambda: (timer.root / "pid").read_text(), what="the task")
    timer.end(getattr(signal, f"SIG{name}"))
    wait_for(lambda: not _lives(timer.root / "pid"), what="the end of the task")
    found = read_outcome(timer.layout, task.name)
    assert found is not None
    assert (found.ended, found.failures) == (None, 0)


def test_at_hup_it_reads_its_tasks_anew_and_goes_on_with_those_under_way(timer: TimerProcess) -> None:
    slow = timer.task("echo $$ > $ROOT/pid; exec sleep 1000")
    timer.start(slow)
    wait_for(lambda: (timer.root / "pid").read_text(), what="the task")
    new = timer.task("true")
    timer.write(slow, new)
    timer.send(signal.SIGHUP)
    assert timer.outcome(new).status == 0
    assert _lives(timer.root / "pid")
    tasks_file(timer.layout).write_text("{", encoding="utf-8")
    timer.send(signal.SIGHUP)
    wait_for(lambda: "the tasks stay as they were" in timer.text(), what="the report")


def test_a_task_that_still_runs_is_not_started_again(timer: TimerProcess) -> None:
    """As after a timer that was killed, whose task did not end with it."""
    task = timer.task("touch $ROOT/twice")
    other = timer.task("true")
    with held(timer.layout, task.name) as lock:
        assert lock is not None
        timer.start(task, other)
        timer.outcome(other)
        assert not (timer.root / "twice").exists()


def test_it_sleeps_while_nothing_is_due(timer: TimerProcess) -> None:
    done, watching = timer.task("true"), timer.task("true", due=False)
    timer.start(done, watching._replace(on_write=(str(timer.root),)))
    timer.outcome(done)
    rest(timer)
    before = timer.wakeups()
    subprocess.run(["sleep", "2"], check=True)
    assert timer.wakeups() == before


def rest(timer: TimerProcess) -> None:
    """Wait until it sleeps."""

    def sleeps() -> bool:
        before = timer.wakeups()
        subprocess.run(["sleep", "0.3"], check=True)
        return timer.wakeups() == before

    wait_for(sleeps, what="rest", seconds=30)


def test_what_watches_a_folder_runs_once_something_is_written(timer: TimerProcess) -> None:
    folder = timer.root / "logs"
    folder.mkdir()
    (folder / "access.log").write_text("of yesterday\n")
    os.utime(folder / "access.log", (0, 0))
    script = "ls $ROOT >> $ROOT/runs"
    task = timer.task(script, due=False)._replace(on_write=(str(folder), str(timer.root / "none")))
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    write_outcome(timer.layout, task.name, Outcome(hour_ago, hour_ago, hour_ago, 0))
    timer.start(task)
    rest(timer)
    assert not (timer.root / "runs").exists(), "nothing was written"
    with (folder / "access.log").open("a") as log:
        log.write("a line\n")
    runs = timer.root / "runs"
    wait_for(runs.exists, what="the run")
    timer.outcome(task)
    rest(timer)
    before = timer.wakeups()
    for _ in range(50):
        with (folder / "access.log").open("a") as log:
            log.write("a line\n")
    rest(timer)
    assert timer.wakeups() - before < 10, "a run is due in a minute: further lines do not wake it"
    assert len(runs.read_text().split("logs")) == 2, "once a minute at most"


def test_it_looks_again_when_the_clock_is_set(timer: TimerProcess) -> None:
    """Set to what it is: that is what an alarm notices, and nobody else does."""
    timer.start(timer.task("true", due=False))
    rest(timer)
    before = timer.wakeups()
    try:
        time.clock_settime(time.CLOCK_REALTIME, time.time())
    except PermissionError:
        pytest.skip("the clock may not be set here")
    wait_for(lambda: timer.wakeups() > before, what="a look at the clock")


def test_what_is_due_in_a_moment_runs_without_a_signal(timer: TimerProcess) -> None:
    """The alarm itself: the task is due in two seconds, as a minute after it was cut off."""
    task = timer.task("true", due=False)
    started = datetime.now(UTC) - timedelta(seconds=58)
    write_outcome(timer.layout, task.name, Outcome(started, started))
    timer.start(task)
    assert timer.outcome(task).status == 0


def test_output_goes_to_the_log_of_the_task(timer: TimerProcess) -> None:
    log = timer.root / "log"
    log.mkdir()
    task = timer.task("echo a line; exit 1")._replace(log=("svlogd", "-tt", str(log)))
    timer.start(task)
    timer.outcome(task)
    assert "a line" in (log / "current").read_text()
    assert timer.text() == f"{task.name}: failed: a line\n"


def test_a_disk_that_takes_no_outcome_stops_nothing_else(timer: TimerProcess) -> None:
    bad, good = timer.task("true"), timer.task("true")
    name = timer.layout.timer / "outcomes" / f".ctl-new-{bad.name}.json"
    name.mkdir()  # in the way of the new file
    timer.start(bad, good)
    assert timer.outcome(good).status == 0
    assert f"error: {bad.name}: " in timer.text()


def test_a_run_by_hand_counts(timer: TimerProcess) -> None:
    task = timer.task("exit 1")
    timer.start(task)
    assert timer.outcome(task).failed
    note_outcome(timer.layout, task.name, 0)
    assert not timer.outcome(task).failed
    note_outcome(timer.layout, "not-scheduled", 1, "no room")
    found = read_outcome(timer.layout, "not-scheduled")
    assert found is not None
    assert (found.failed, found.reason) == (True, "no room")
    assert [one.task.name for one in scheduled(timer.layout)] == [task.name]


def test_nothing_is_kept_in_a_root_that_never_had_a_run(tmp_path: Path) -> None:
    note_outcome(Layout(tmp_path), "backup", 1)
    assert list(tmp_path.iterdir()) == []


def _lives(pid_file: Path) -> bool:
    try:
        state = Path(f"/proc/{int(pid_file.read_text())}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
