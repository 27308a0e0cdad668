"""Starting, stopping, restarting and reloading small services under a real supervisor."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ctl.converge.model import Action, Notification, ServiceManager
from ctl.errors import CtlError
from ctl.paths import Layout
from ctl.services import start_watch
from ctl.services.control import ServiceFailed
from ctl.services.runit import Runit
from tests.harness.services_stack import CRASHER, SLEEPER, STUBBORN, Stack
from tests.harness.waiting import listening, wait_for

pytestmark = pytest.mark.real

MASTER = """
import os, signal, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
generation, worker = 0, 0

def renew(*_):
    global generation, worker
    former, generation = worker, generation + 1
    time.sleep(0.4 if former else 0)
    worker = os.fork()
    if not worker:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, drain)
        while True:
            client = listener.accept()[0]
            client.send(str(generation).encode())
            client.close()
    if former:
        os.kill(former, signal.SIGQUIT)

def drain(*_):
    listener.close()
    time.sleep(100)

signal.signal(signal.SIGHUP, renew)
renew()
while True:
    time.sleep(100)
"""
RESTART, RELOAD = Action.RESTART, Action.RELOAD


def ask(port: int) -> str:
    """What the service at a port says."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        return client.recv(10).decode()


def test_is_what_the_engine_needs() -> None:
    manager: ServiceManager = Runit(Layout(Path("/nonexistent")))
    assert not manager.enabled("web")
    assert not manager.running("web")


def test_restart_returns_when_the_new_process_answers(stack: Stack) -> None:
    port = stack.listener("web", delay=0.5)
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    assert listening(port)
    first = stack.pid("web")

    second = stack.runit.restart("web").pid
    assert listening(port)
    assert second == stack.pid("web") != first

    # at once again: within a second of the last start runsv waits
    third = stack.runit.restart("web").pid
    assert listening(port)
    assert third == stack.pid("web") not in (first, second)


def test_restart_waits_for_a_drain(stack: Stack) -> None:
    port = stack.listener("web", drain=1.1)
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    stack.runit.perform(Notification(RESTART, "web"))
    wait_for(lambda: "drained" in stack.log("web"), what="svlogd has written it")
    assert listening(port)


@pytest.mark.parametrize("command", ["restart", "stop", "disable"])
def test_a_process_drains_by_what_held_when_it_started(stack: Stack, command: str) -> None:
    """The definition has been written anew since, with a shorter wait."""
    stack.listener("web", drain=1.5, wait=8)
    run = stack.layout.sv / "web/run"
    run.write_text(run.read_text().replace("exec chpst", "export CTL_WAIT=8\nexec chpst"))
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    facts = stack.layout.sv / "web/ctl.json"
    facts.write_text(facts.read_text().replace('"wait": 8', '"wait": 0'))
    process = stack.pid("web")
    with suppress(ServiceFailed):  # a restarted one has no time to come up, by the new definition
        getattr(stack.runit, command)("web")
    assert not Path(f"/proc/{process}").exists()
    wait_for(lambda: "drained" in stack.log("web"), what="svlogd has written that it was not killed")


def test_start_and_stop_change_nothing_the_second_time(stack: Stack) -> None:
    port = stack.listener("web")
    stack.runit.ensure_supervisor()
    pid = stack.runit.start("web").pid
    assert stack.runit.start("web").pid == pid
    assert stack.runit.running("web")
    for _ in range(2):
        assert stack.runit.stop("web").line.startswith("down: web: ")
        assert not listening(port)
    assert not stack.runit.running("web")
    assert stack.runit.status("web").log
    assert stack.runit.supervised()


def test_start_of_a_service_that_is_still_ending(stack: Stack) -> None:
    port = stack.listener("web", drain=0.5)
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    first = stack.pid("web")
    subprocess.run(["sv", "down", stack.layout.sv / "web"], check=True)
    wait_for(lambda: stack.runit.status("web").got)
    assert stack.runit.start("web").pid != first
    assert listening(port)


@pytest.mark.parametrize("action", [RESTART, RELOAD])
def test_an_administrators_stop_is_respected(stack: Stack, action: Action) -> None:
    stack.define("web", SLEEPER)
    stack.runit.ensure_supervisor()
    stack.runit.stop("web")
    stack.runit.perform(Notification(action, "web"))
    assert stack.runit.status("web").stopped


def test_a_service_that_is_not_enabled_is_left_alone(stack: Stack) -> None:
    stack.define("web", SLEEPER, enabled=False)
    stack.runit.ensure_supervisor()
    stack.runit.perform(Notification(RESTART, "web"))
    assert not stack.processes("sleep")


def test_reload_keeps_the_process(stack: Stack) -> None:
    stack.listener("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    wait_for(lambda: "listening" in stack.log("web"))
    pid = stack.pid("web")
    stack.runit.perform(Notification(RELOAD, "web"))
    wait_for(lambda: "read anew" in stack.log("web"))
    assert stack.pid("web") == pid


def test_reload_waits_until_new_workers_have_taken_over(stack: Stack) -> None:
    """A master with workers, as NGINX: the old worker goes on answering until the new one is there."""
    port = stack.port()
    program = stack.write(stack.folder / "master.py", MASTER)
    script = f"exec chpst -P {sys.executable} -I -S {program} {port}"
    stack.define("web", script, listen=[f"127.0.0.1:{port}"])
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    assert ask(port) == "1"
    stack.runit.perform(Notification(RELOAD, "web"))
    assert [ask(port) for _ in range(5)] == ["2"] * 5


def test_reload_of_the_log_takes_its_configuration(stack: Stack) -> None:
    stack.define("web", "while :; do echo tick; sleep 0.1; done")
    stack.runit.ensure_supervisor()
    wait_for(lambda: "tick" in stack.log("web"))
    logger = stack.pid("web/log")
    stack.write(stack.layout.logs / "web/config", "s1000000\npNOW \n!gzip\n")
    stack.runit.perform(Notification(RELOAD, "web/log"))
    wait_for(lambda: "NOW tick" in stack.log("web"))
    assert stack.pid("web/log") == logger

    service = stack.pid("web")
    stack.runit.perform(Notification(RESTART, "web/log"))
    assert stack.pid("web/log") != logger
    assert stack.pid("web") == service


def test_rotated_logs_are_compressed(stack: Stack) -> None:
    stack.define("web", "echo the first line; exec sleep 1000")
    stack.runit.ensure_supervisor()
    wait_for(lambda: "the first line" in stack.log("web"))
    subprocess.run(["sv", "alarm", stack.layout.sv / "web/log"], check=True)
    folder = stack.layout.logs / "web"
    (rotated,) = wait_for(lambda: list(folder.glob("@*.s")))
    assert b"the first line" in gzip.decompress(rotated.read_bytes())


def test_enable_and_disable_while_the_supervisor_runs(stack: Stack) -> None:
    stack.runit.ensure_supervisor()
    port = stack.listener("web", enabled=False)
    stack.runit.enable("web")
    stack.runit.enable("web")
    stack.runit.wait_until_up("web")
    assert listening(port)
    assert stack.runit.enabled("web")
    assert stack.runit.names() == ["web"]

    for _ in range(2):
        stack.runit.disable("web")
        assert not stack.runit.enabled("web")
        assert not listening(port)
        assert not stack.processes("runsv")
    assert (stack.layout.sv / "web/run").exists()
    assert stack.runit.names() == []
    assert not any(path.is_symlink() for path in stack.layout.service.iterdir())


def test_disable_kills_what_does_not_end(stack: Stack) -> None:
    stack.define("stubborn", STUBBORN, wait=1)
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("stubborn"))
    stack.runit.disable("stubborn")
    assert not stack.processes("runsv")
    assert not any("stubborn" in " ".join(one.arguments) for one in stack.processes())


def test_what_is_no_link_is_not_replaced(stack: Stack) -> None:
    stack.define("web", SLEEPER, enabled=False)
    (stack.layout.service / "web").mkdir()
    with pytest.raises(CtlError, match="is in the way"):
        stack.runit.enable("web")
    with pytest.raises(CtlError, match="is no link"):
        stack.runit.disable("web")
    with pytest.raises(CtlError, match="service nosuch has no definition"):
        stack.runit.enable("nosuch")


def test_a_crashing_service_fails_early_with_its_log(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_watch, "CRASHES", 2)
    stack.define("web", CRASHER, wait=60)
    stack.runit.ensure_supervisor()
    with pytest.raises(ServiceFailed, match="web keeps exiting: down: web: ") as caught:
        stack.runit.wait_until_up("web")
    log = stack.layout.logs / "web/current"
    _, where, *lines = caught.value.message.splitlines()
    assert where == f"  {log}:"
    assert 1 <= len(lines) <= 10
    assert all(line.endswith("cannot open the thing") for line in lines)
    assert caught.value.line.startswith("timeout: down: web: ")


def test_what_runsv_complains_of_is_reported(stack: Stack) -> None:
    folder = stack.define("web", SLEEPER, wait=1)
    (folder / "run").chmod(0o644)
    stack.define("other", CRASHER)
    stack.runit.ensure_supervisor()
    with pytest.raises(ServiceFailed) as caught:
        stack.runit.wait_until_up("web")
    lines = caught.value.message.splitlines()
    assert lines[1] == "  runsv web: fatal: unable to start ./run: access denied"
    assert lines[2] == f"  {stack.layout.logs}/web/current is empty"
    assert len(lines) == 3


def test_a_log_cannot_disturb_the_terminal(stack: Stack) -> None:
    stack.define("web", SLEEPER, wait=1)
    stack.write(stack.layout.logs / "web/current", "GET /\x1b]0;owned\a\n" * 20)
    *_, last = stack.runit.log_end("web")
    assert last == "  GET /?]0;owned?"
    assert len(stack.runit.log_end("web")) == 11


def test_a_service_that_never_answers_fails_in_time(stack: Stack) -> None:
    address = f"127.0.0.1:{stack.port()}"
    stack.define("web", "echo waiting for nothing; exec sleep 1000", listen=[address], wait=1)
    stack.runit.ensure_supervisor()
    with pytest.raises(ServiceFailed, match=f"web does not answer at {address} after 1 s") as caught:
        stack.runit.wait_until_up("web")
    assert "waiting for nothing" in caught.value.message
    assert caught.value.line.startswith("timeout: run: web: (pid ")


def test_a_stranger_at_the_port_is_not_taken_for_the_service(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        address = f"127.0.0.1:{stranger.getsockname()[1]}"
        stack.define("web", SLEEPER, listen=[address], wait=1)
        stack.runit.ensure_supervisor()
        with pytest.raises(ServiceFailed, match=f"web does not listen at {address}, where another process"):
            stack.runit.wait_until_up("web")


def test_a_service_without_its_log_is_not_up(stack: Stack) -> None:
    """Also where that is looked at in the moments in which it lives, between two starts a second apart."""
    folder = stack.define("web", SLEEPER, wait=2)
    stack.write(folder / "log/run", "#!/bin/sh\nsleep 0.2\nexit 1\n", mode=0o755)
    stack.runit.ensure_supervisor()
    with pytest.raises(ServiceFailed, match="web is not up after 2 s"):
        stack.runit.wait_until_up("web")


def test_a_process_that_does_not_end_is_killed(stack: Stack) -> None:
    stack.define("stubborn", STUBBORN, wait=1)
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("stubborn"))
    former = stack.pid("stubborn")
    stack.runit.restart("stubborn")
    assert stack.pid("stubborn") != former
    assert stack.notes == [f"stubborn did not end within 1 s of TERM: killed (pid {former})"]


def test_without_the_supervisor_sv_is_quoted_and_help_given(stack: Stack) -> None:
    stack.define("web", SLEEPER)
    for act in (stack.runit.restart, stack.runit.stop, stack.runit.wait_until_up):
        with pytest.raises(ServiceFailed, match="web: ") as caught:
            act("web")
        assert caught.value.hint == "The supervisor does not run: `ctl start` starts it."


def test_a_killed_service_comes_back(stack: Stack) -> None:
    port = stack.listener("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    os.kill(stack.pid("web"), signal.SIGKILL)
    stack.runit.wait_until_up("web")
    assert listening(port)
