"""Whose processes run, and how: asked of the kernel, of real services under a real supervisor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctl.converge.model import Action, Condition, Notification
from ctl.services.condition import problems
from ctl.services.processes import Processes, end
from ctl.services.supervisor import Supervisor
from ctl.services.sv import sv
from tests.harness.people import ORDINARY_ID
from tests.harness.services_stack import CRASHER, SLEEPER, STUBBORN, Stack
from tests.harness.waiting import listening, wait_for

pytestmark = pytest.mark.real


def condition(stack: Stack, name: str) -> Condition:
    return stack.runit.conditions([name])[name]


@pytest.fixture
def web(stack: Stack) -> int:
    """The port of a running service."""
    port = stack.listener("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    return port


def ended(pid: int) -> bool:
    """Also of one that PID 1 of a container never collects."""
    found = Processes().get(pid)
    return found is None or found.state == "Z"


def kill_runsv(stack: Stack, name: str) -> int:
    """Kill the runsv of a service. Returns the process that is left without it."""
    pid = stack.pid(name)
    runsv = Processes().get(pid)
    assert runsv is not None
    os.kill(runsv.parent, signal.SIGKILL)
    return pid


def test_a_service_in_order(stack: Stack, web: int) -> None:
    found = condition(stack, "web")
    assert found.started is not None
    assert abs(found.started - time.time()) < 60
    assert found == Condition(started=found.started, reloaded=found.reloaded)


def test_a_stopped_one_stays_so(stack: Stack, web: int) -> None:
    stack.runit.stop("web")
    assert condition(stack, "web") == Condition(stopped=True)
    assert not stack.runit.perform(Notification(Action.RESTART, "web"))


def test_one_that_keeps_exiting(stack: Stack) -> None:
    stack.define("web", CRASHER)
    stack.runit.ensure_supervisor()
    assert condition(stack, "web").problem == "keeps exiting"


def test_one_that_does_not_listen(stack: Stack) -> None:
    stack.define("web", SLEEPER, listen=[f"127.0.0.1:{stack.port()}"], wait=1)
    stack.runit.ensure_supervisor()
    assert condition(stack, "web").problem.startswith("does not answer at 127.0.0.1:")


def test_one_whose_log_service_does_not_run(stack: Stack, web: int) -> None:
    shutil.rmtree(stack.layout.logs / "web")
    os.kill(stack.runit.status("web").log.pid, signal.SIGKILL)  # type: ignore[union-attr,arg-type]
    problem = wait_for(lambda: condition(stack, "web").log_problem)
    assert problem.startswith("does not run (down: log:")


def test_a_suspended_one_goes_on(stack: Stack, web: int) -> None:
    pid = stack.pid("web")
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: condition(stack, "web") == Condition(suspended="is suspended (SIGSTOP)"))
    assert stack.runit.perform(Notification(Action.CONTINUE, "web"))
    assert condition(stack, "web").suspended == ""
    assert stack.pid("web") == pid


SUSPENDED = Condition(suspended="is suspended (SIGSTOP)")


@pytest.mark.parametrize("which", ["its log", "what came from its log", "a worker", "runsv", "runsvdir"])
def test_what_a_service_needs_goes_on_too(stack: Stack, which: str) -> None:
    """Without its log a service hangs once the pipe is full; without runsv nothing starts it again."""
    stack.define("web", "sleep 1000 & exec sleep 1001")
    log = stack.layout.sv / "web/log/run"
    log.write_text(log.read_text().replace("exec ", "sleep 1002 & exec "))
    stack.runit.ensure_supervisor()
    status, process = stack.runit.status("web"), Processes().get(stack.pid("web"))
    assert status.log is not None
    assert status.log.pid is not None
    assert process is not None
    pid = {
        "its log": status.log.pid,
        "what came from its log": child(status.log.pid),
        "a worker": child(process.pid),
        "runsv": process.parent,
        "runsvdir": stack.runit.supervisor.pid(),
    }[which]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: condition(stack, "web") == SUSPENDED)
    found = problems(stack.layout.sv / "web", status, stack.runit.definition("web"), Processes())
    assert [f"{pid}; `ctl reconfigure` lets it go on" in one for one in found] == [True]
    assert stack.runit.perform(Notification(Action.CONTINUE, "web"))
    wait_for(lambda: condition(stack, "web").suspended == "")
    assert stack.pid("web") == process.pid


def child(pid: int) -> int:
    return wait_for(lambda: [one for one in Processes().family(pid) if one != pid])[0]


def test_what_is_suspended_is_restarted_all_the_same(stack: Stack, web: int) -> None:
    pid = stack.pid("web")
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: condition(stack, "web") == SUSPENDED)
    assert stack.runit.perform(Notification(Action.RESTART, "web"))
    assert stack.pid("web") != pid
    assert stack.notes == [], "nobody had to be killed"


def test_one_that_runs_only_once_is_wanted_up_again(stack: Stack, web: int) -> None:
    pid = stack.pid("web")
    sv(stack.layout.service, "once", ["web"])
    wait_for(lambda: condition(stack, "web") == Condition(suspended="runs only once (sv once)"))
    assert stack.runit.listening(["web"]) == {"web": {f"127.0.0.1:{web}"}}, "its address is no stranger's"
    assert stack.runit.perform(Notification(Action.CONTINUE, "web"))
    assert (stack.pid("web"), stack.runit.status("web").want) == (pid, None)
    sv(stack.layout.service, "once", ["web"])
    stack.runit.start("web")
    assert (stack.pid("web"), stack.runit.status("web").want) == (pid, None)


def test_processes_left_behind_are_seen_beside_one_that_is_well(stack: Stack) -> None:
    stack.define("web", SLEEPER)
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    log = stack.runit.status("web").log
    orphan = kill_runsv(stack, "web")
    os.kill(log.pid, signal.SIGTERM)  # type: ignore[union-attr,arg-type]
    wait_for(lambda: stack.runit.status("web").healthy and stack.pid("web") != orphan)
    assert condition(stack, "web").problem == f"has left processes behind (pid {orphan})"
    assert stack.runit.perform(Notification(Action.RESTART, "web"))
    assert ended(orphan)
    assert condition(stack, "web").problem == ""


def test_a_mark_of_another_user_is_not_believed(stack: Stack, web: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs another user")
    facts = stack.layout.sv / "web/ctl.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"users": ["root", "games"]}))
    mark = f"CTL_SERVICE={stack.layout.sv / 'web'}"
    other = ["setpriv", f"--reuid={ORDINARY_ID}", f"--regid={ORDINARY_ID}", "--clear-groups"]
    stranger = subprocess.Popen([*other, "env", mark, "sleep", "1000"])
    try:
        wait_for(lambda: mark in Path(f"/proc/{stranger.pid}/environ").read_text().split("\0"))
        assert condition(stack, "web").problem == ""
        stack.runit.restart("web")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_program_that_has_been_replaced(stack: Stack) -> None:
    program = stack.folder / "sleeper"
    shutil.copy(shutil.which("sleep") or "", program)
    stack.define("web", f"exec {program} 1000")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    assert condition(stack, "web").problem == ""
    shutil.copy(program, stack.folder / "new")
    (stack.folder / "new").rename(program)
    assert condition(stack, "web").problem == f"runs with an older {program}"
    stack.runit.restart("web")
    assert condition(stack, "web").problem == ""


def test_what_has_lost_its_runsv_is_ended(stack: Stack, web: int) -> None:
    """The supervisor starts another runsv, whose process cannot listen where the old one does."""
    orphan = kill_runsv(stack, "web")
    wait_for(lambda: stack.runit.status("web").reason == "" and stack.runit.status("web").pid != orphan)
    assert condition(stack, "web").problem
    assert stack.runit.left_behind("web") == {f"127.0.0.1:{web}"}
    stack.runit.restart("web")
    assert condition(stack, "web").problem == ""
    assert ended(orphan)
    assert str(orphan) in stack.notes[0]


def test_what_outlives_everything_is_ended_by_a_new_supervisor(stack: Stack, web: int) -> None:
    supervisor = stack.runit.supervisor.pid()
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    orphan = kill_runsv(stack, "web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    assert stack.pid("web") != orphan
    assert ended(orphan)


def test_a_removed_folder_of_definitions(stack: Stack, web: int) -> None:
    definition = (stack.layout.sv / "web/run").read_text(), (stack.layout.sv / "web/ctl.json").read_text()
    orphan = stack.pid("web")
    shutil.rmtree(stack.layout.sv)
    stack.write(stack.layout.sv / "web/run", definition[0], mode=0o755)
    stack.write(stack.layout.sv / "web/ctl.json", definition[1])
    stack.runit.ensure_supervisor()
    stack.runit.restart("web")
    assert condition(stack, "web").problem == ""
    assert stack.pid("web") != orphan


def test_a_strangers_process_is_left_alone(stack: Stack) -> None:
    """It is of the same program, at the address of the service; but no run script started it."""
    port = stack.listener("web")
    listener = stack.folder / "listener.py"
    stranger = subprocess.Popen([sys.executable, str(listener), str(port), "0", "0"])
    try:
        wait_for(lambda: listening(port), what="the stranger")
        stack.runit.ensure_supervisor()
        assert condition(stack, "web").problem
        assert stack.runit.strays("web") == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_who_calls_himself_runsvdir_is_none(stack: Stack) -> None:
    """A process of nobody with the name and the arguments of a supervisor must not keep one from being started."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    false = subprocess.Popen(
        ["runsvdir", "-s", str(stack.layout.service)],
        executable="/bin/sh",
        user=ORDINARY_ID,
        cwd="/",
        stdin=subprocess.PIPE,
    )
    assert false.stdin
    false.stdin.write(b"echo runsvdir >/proc/self/comm\n")
    false.stdin.flush()
    try:
        wait_for(lambda: Path(f"/proc/{false.pid}/comm").read_text().strip() == "runsvdir")
        assert Supervisor(stack.layout).pid() is None
        stack.listener("web")
        assert stack.runit.ensure_supervisor()
        stack.runit.wait_until_up("web")
    finally:
        false.kill()
        false.wait()


def test_ending_asks_first_and_kills_last(stack: Stack) -> None:
    gentle = subprocess.Popen(["sleep", "1000"])
    stubborn = subprocess.Popen(["sh", "-c", STUBBORN], stdout=subprocess.PIPE)
    assert stubborn.stdout
    assert stubborn.stdout.readline() == b"ready\n"
    os.kill(gentle.pid, signal.SIGSTOP)
    assert end([gentle.pid, stubborn.pid], 0.5) == [stubborn.pid]
    assert (gentle.wait(), stubborn.wait()) == (-signal.SIGTERM, -signal.SIGKILL)


def test_times_of_starts_are_exact(stack: Stack) -> None:
    before = time.time()
    one = subprocess.Popen(["sleep", "1000"])
    found = Processes().get(one.pid)
    one.kill()
    one.wait()
    assert found is not None
    assert before - 0.02 <= found.started <= time.time()


def test_a_pid_file_names_only_who_has_written_it(tmp_path: Path) -> None:
    one = subprocess.Popen(["sleep", "1000"])
    try:
        path = tmp_path / "pid"
        path.write_text(str(one.pid))
        assert Processes().strays(tmp_path / "sv/x", path) == [one.pid]
        os.utime(path, (1, 1))
        assert Processes().strays(tmp_path / "sv/x", path) == []
    finally:
        one.kill()
        one.wait()
