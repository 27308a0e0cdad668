"""start, stop, restart and the signals: sv's lines, and what really happened to the processes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.services.definition import Definition
from tests.harness.services_stack import (
    CRASHER,
    SLEEPER,
    STUBBORN,
    Stack,
)
from tests.harness.waiting import listening, wait_for

ALL = ("start", "stop", "restart", "once", "hup", "term", "int", "kill", "usr1", "usr2", "graceful-kill")


@pytest.mark.parametrize("command", ALL)
def test_nothing_enabled_is_reported(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--root", str(tmp_path), command]) == 0
    assert capsys.readouterr().out == "no service is enabled\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ALL)
def test_unknown_service(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--root", str(tmp_path), command, "web"]) == 2
    assert "no service 'web'" in capsys.readouterr().err


@pytest.mark.real
def test_start_stop_restart(any_stack: Stack) -> None:
    port = any_stack.listener("web", delay=0.3)
    any_stack.define("idle", SLEEPER)

    started = any_stack.ctl("start")
    assert started.returncode == 0, started.stderr
    assert re.fullmatch(r"ok: run: idle: \(pid \d+\) \ds\nok: run: web: \(pid \d+\) \ds\n", started.stdout), (
        started.stdout
    )
    assert listening(port)
    assert any_stack.ctl("start").returncode == 0

    restarted = any_stack.ctl("restart", "web")
    assert listening(port)
    assert re.fullmatch(r"ok: run: web: \(pid \d+\) \ds\n", restarted.stdout)
    assert restarted.stdout.split()[4] != started.stdout.splitlines()[1].split()[4]

    for _ in range(2):
        stopped = any_stack.ctl("stop", "web")
        assert stopped.returncode == 0
        assert re.fullmatch(r"ok: down: web: \ds, normally up\n", stopped.stdout)
        assert not listening(port)
    assert any_stack.processes("runsvdir")

    # a restart also starts what was stopped, as sv's own
    assert any_stack.ctl("-q", "restart", "web").stdout == ""
    assert listening(port)


@pytest.mark.real
def test_failure_shows_svs_line_and_the_log_and_the_others_go_on(stack: Stack) -> None:
    stack.define("broken", CRASHER, wait=1)
    port = stack.listener("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    done = stack.ctl("restart")
    assert done.returncode == 1
    broken, web = done.stdout.splitlines()
    assert re.fullmatch(r"timeout: (down|run): broken: .*", broken)
    assert web.startswith("ok: run: web: ")
    assert listening(port)
    assert f"{stack.layout.logs}/broken/current:" in done.stderr
    assert "cannot open the thing" in done.stderr


@pytest.mark.real
def test_without_a_supervisor(stack: Stack) -> None:
    stack.listener("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    stack.runit.end_supervisor()
    for command in ("restart", "stop", "graceful-kill"):
        done = stack.ctl(command)
        assert (done.returncode, done.stdout) == (1, "fail: web: runsv not running\n")
        assert "`ctl start` starts it" in done.stderr
    assert stack.ctl("hup").returncode == 1


@pytest.mark.real
def test_signals(stack: Stack) -> None:
    names = {"hup": "HUP", "term": "TERM", "int": "INT", "usr1": "USR1", "usr2": "USR2"}
    traps = "; ".join(f"trap 'echo got {name}' {name}" for name in names.values())
    stack.define("web", f"{traps}; echo ready; while :; do sleep 0.05; done")
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("web"))
    pid = stack.pid("web")
    for command, name in names.items():
        done = stack.ctl(command, "web")
        assert (done.returncode, done.stdout) == (0, f"ok: web: sent {name}\n")
        wait_for(lambda: f"got {name}" in stack.log("web"), what=name)  # noqa: B023 - called at once
    assert stack.pid("web") == pid
    assert stack.ctl("kill", "web").returncode == 0
    wait_for(lambda: stack.runit.status("web").pid not in (None, pid))


@pytest.mark.real
def test_a_signal_goes_only_where_it_means_something(stack: Stack) -> None:
    for name in ("web", "timer"):
        stack.define(name, f"trap 'echo got it' HUP; echo ready {name}; while :; do sleep 0.05; done")
    meaning = Definition(signals={"HUP": "reads its file anew"}).content()
    stack.write(stack.layout.sv / "web/ctl.json", meaning)
    stack.write(stack.layout.sv / "timer/ctl.json", Definition(signals={"TERM": "ends"}).content())
    stack.runit.ensure_supervisor()
    wait_for(lambda: all("ready" in stack.log(name) for name in ("web", "timer")))
    done = stack.ctl("hup")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "timer: not sent: HUP means nothing to it; what does: TERM (ends)\n"
        "ok: web: sent HUP: reads its file anew\n"
    )
    wait_for(lambda: "got it" in stack.log("web"))
    assert "got it" not in stack.log("timer")
    done = stack.ctl("hup", "timer")
    assert done.returncode == 1
    assert "HUP means nothing to it" in done.stderr


@pytest.mark.real
def test_once(stack: Stack) -> None:
    stack.define("web", "echo ran; sleep 0.3")
    stack.runit.ensure_supervisor()
    stack.runit.stop("web")
    count = stack.log("web").count("ran")
    assert stack.ctl("once", "web").returncode == 0
    wait_for(lambda: stack.log("web").count("ran") == count + 1)
    wait_for(lambda: stack.runit.status("web").state == "down")
    assert stack.runit.status("web").stopped


@pytest.mark.real
def test_graceful_kill(stack: Stack) -> None:
    """TERM, its time, then KILL for the whole process group; the log service lives in another one."""
    stack.define("stubborn", f'exec chpst -P sh -c "(exec sleep 1001) & {STUBBORN.replace("$", "")}"', wait=1)
    stack.listener("web")
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("stubborn"))
    stack.runit.wait_until_up("web")
    logger = stack.runit.status("stubborn").log

    done = stack.ctl("graceful-kill")
    assert done.returncode == 0
    kill, stubborn, web = done.stdout.splitlines()
    assert re.fullmatch(r"kill: stubborn: sent KILL to [\d, ]+", kill)
    assert re.fullmatch(r"ok: down: stubborn: \ds, normally up", stubborn)
    assert web.startswith("ok: down: web: ")
    wait_for(lambda: not [one for one in stack.processes() if "1001" in one.arguments])
    now = stack.runit.status("stubborn").log
    assert logger
    assert now
    assert logger.pid == now.pid


@pytest.mark.real
def test_a_group_shared_with_the_log_is_not_killed(stack: Stack) -> None:
    stack.define("stubborn", STUBBORN, wait=1)
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("stubborn"))
    logger = stack.pid("stubborn/log")
    assert stack.ctl("graceful-kill").returncode == 0
    assert stack.pid("stubborn/log") == logger
    assert len(stack.processes("runsv")) == 1


@pytest.mark.real
def test_stop_that_takes_too_long(stack: Stack) -> None:
    stack.define("stubborn", STUBBORN, wait=1)
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("stubborn"))
    pid = stack.pid("stubborn")
    done = stack.ctl("stop")
    assert done.returncode == 0
    assert re.fullmatch(r"ok: down: stubborn: \d+s, normally up\n", done.stdout)
    assert done.stderr.startswith(f"stubborn did not end within 1 s of TERM: killed (pid {pid})\n")


@pytest.mark.real
def test_interrupting_a_wait_is_quiet(stack: Stack) -> None:
    stack.define("web", SLEEPER, listen=["127.0.0.1:9"], wait=20)
    stack.runit.ensure_supervisor()
    waiting = subprocess.Popen(
        stack.command("start"), stderr=subprocess.PIPE, text=True, cwd="/", env=stack.environment()
    )
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1)
    waiting.send_signal(2)
    assert waiting.communicate(timeout=5)[1].strip() == "interrupted"
    assert waiting.returncode == 130
