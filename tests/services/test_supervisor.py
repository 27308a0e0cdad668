"""The supervisor: started once, detached and clean; regained after a kill; ended with everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.errors import CtlError
from ctl.machine.search import SYSTEM_PATH
from ctl.paths import Layout
from ctl.services import supervisor, sv
from ctl.services.runit import Runit
from ctl.services.supervisor import Supervisor
from tests.harness.processes import environment
from tests.harness.services_stack import (
    SLEEPER,
    STUBBORN,
    Stack,
)
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real


def test_started_once_however_many_start_it(any_stack: Stack) -> None:
    any_stack.listener("web", delay=0.2)
    command, quiet = any_stack.command("start"), {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    starters = [
        subprocess.Popen(command, text=True, cwd="/", env=any_stack.environment(), **quiet)  # type: ignore[call-overload]
        for _ in range(6)
    ]
    output = [starter.communicate(timeout=30)[0] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 6, output
    assert all(text.startswith("ok: run: web: (pid ") for text in output), output
    assert len(any_stack.processes("runsvdir")) == 1
    assert len(any_stack.processes("runsv")) == 1


def test_detached_from_its_starter(any_stack: Stack) -> None:
    """capture_output in Stack.ctl returns only when nobody holds the pipes any more."""
    any_stack.define("web", SLEEPER)
    with (any_stack.folder / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        done = subprocess.run(
            any_stack.command("start"),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            cwd="/tmp",
            pass_fds=[held.fileno()],
            env=any_stack.environment() | {"AWS_CA_BUNDLE": "x", "REGISTRY_HTTP_ADDR": "y", "SVWAIT": "1"},
        )
    assert done.stdout.startswith("ok: run: web: ")
    for process in any_stack.processes():
        folder = Path(f"/proc/{process.pid}")
        names = [str(link.readlink()) for link in (folder / "fd").iterdir()]
        assert str(any_stack.folder / "held") not in names
        assert not any("lock" in name and "supervisor" in name for name in names)
        assert environment(process.pid).keys() <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_", "CTL_SERVICE"}
        assert os.getsid(process.pid) != os.getsid(0)
    (runsvdir,) = any_stack.processes("runsvdir")
    assert Path(f"/proc/{runsvdir.pid}/cwd").readlink() == Path("/")
    assert environment(runsvdir.pid)["PATH"] == SYSTEM_PATH


def test_blocked_signals_are_not_handed_down(stack: Stack) -> None:
    stack.define("web", SLEEPER)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        stack.runit.ensure_supervisor()
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    stack.runit.wait_until_up("web")
    assert stack.runit.stop("web").state == "down"


def test_services_outlive_a_killed_supervisor_and_are_regained(stack: Stack) -> None:
    stack.listener("web")
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    pid, first = stack.pid("web"), stack.runit.supervisor.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: not stack.runit.supervised())

    assert stack.runit.ensure_supervisor()
    assert stack.pid("web") == pid
    assert not stack.runit.ensure_supervisor()
    assert stack.runit.restart("web").pid != pid

    stack.runit.disable("web")
    assert not stack.processes("runsv")
    stack.runit.enable("web")
    stack.runit.wait_until_up("web")
    assert len(stack.processes("runsv")) == 1


def test_the_end_ends_everything(stack: Stack) -> None:
    """Also a service that ignores TERM, and one whose supervisor was lost before."""
    stack.define("stubborn", STUBBORN, wait=1)
    stack.listener("web", wait=1)
    stack.runit.ensure_supervisor()
    wait_for(lambda: "ready" in stack.log("stubborn"))
    first = stack.runit.supervisor.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    stack.runit.ensure_supervisor()
    stack.runit.end_supervisor()
    assert not stack.runit.supervised()
    wait_for(lambda: not stack.processes(), what="the end of every process")
    stack.runit.end_supervisor()


def test_another_root_has_another_supervisor(stack: Stack, tmp_path: Path) -> None:
    stack.runit.ensure_supervisor()
    other = Layout(tmp_path)
    other.service.mkdir(parents=True)
    assert Supervisor(other).pid() is None
    # the same folder under another name is the same root
    (tmp_path / "alias").symlink_to(stack.layout.root)
    assert Supervisor(Layout(tmp_path / "alias")).pid() == stack.runit.supervisor.pid()


def test_without_runit_the_package_is_named(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sv, supervisor):
        monkeypatch.setattr(module, "SYSTEM_PATH", "/nonexistent")
    with pytest.raises(CtlError, match="runsvdir is not in /nonexistent") as caught:
        stack.runit.ensure_supervisor()
    assert caught.value.hint == "Run: apt-get install runit"


class TestSystemd:
    """A machine on which systemd starts the supervisor, with a stand-in for systemctl."""

    class Machine(Layout):
        """A private root that takes itself for the machine's own."""

        @property
        def is_machine(self) -> bool:
            """It is not, but nothing else is tested here."""
            return True

    @pytest.fixture
    def machine(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Layout:
        units, programs = stack.folder / "units", stack.folder / "bin"
        stack.write(units / supervisor.UNIT, "")
        start = f'"{sys.executable}" -c "import sys; from subprocess import Popen; Popen(sys.argv[1:])"'
        stack.write(
            programs / "systemctl",
            f"""\
            #!/bin/sh
            echo "$@" >>{stack.folder}/calls
            test "$1" = stop && exec pkill -HUP -x -f 'runsvdir -P {stack.layout.service} .*'
            test -e {stack.folder}/broken && {{ echo "Unit is masked." >&2; exit 1; }}
            exec setsid {start} runsvdir -P {stack.layout.service} "log: ....." >/dev/null 2>&1 </dev/null
            """,
            mode=0o755,
        )
        monkeypatch.setattr(supervisor, "SYSTEMD_RUNS", stack.folder)
        monkeypatch.setattr(supervisor, "UNIT_FOLDERS", (str(units),))
        for module in (sv, supervisor):
            monkeypatch.setattr(module, "SYSTEM_PATH", f"{programs}:{SYSTEM_PATH}")
        return self.Machine(stack.layout.root)

    def test_started_and_ended_through_it(self, stack: Stack, machine: Layout) -> None:
        runit = Runit(machine)
        assert runit.ensure_supervisor()
        assert not runit.ensure_supervisor()
        assert len(stack.processes("runsvdir")) == 1
        runit.end_supervisor()
        assert not runit.supervised()
        calls = (stack.folder / "calls").read_text().splitlines()
        assert calls == [f"start {supervisor.UNIT}", f"stop {supervisor.UNIT}"]

    def test_what_it_says_is_reported(self, stack: Stack, machine: Layout) -> None:
        (stack.folder / "broken").touch()
        with pytest.raises(CtlError, match=f"systemctl start {supervisor.UNIT}: Unit is masked"):
            Runit(machine).ensure_supervisor()

    def test_a_private_root_never_asks_it(self, stack: Stack, machine: Layout) -> None:
        assert stack.runit.ensure_supervisor()
        assert not (stack.folder / "calls").exists()
