"""`ctl status`: sv's own lines, a meaningful exit status, and JSON with more."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.paths import Layout
from ctl.registry.gate import Gate
from tests.harness.services_stack import (
    CRASHER,
    SLEEPER,
    Stack,
)
from tests.harness.waiting import wait_for

RUNNING = r"run: web: (pid {}) {}s; run: log: (pid {}) {}s"


def status(root: Path, *arguments: str) -> int:
    return run(["--root", str(root), "status", *arguments])


def test_nothing_enabled_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "opt/gitlab/sv/web").mkdir(parents=True)
    assert status(tmp_path) == 0
    assert capsys.readouterr() == ("no service is enabled\n", "")
    assert status(tmp_path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "supervisor": None,
        "healthy": True,
        "reason": None,
        "under_way": [],
        "services": [],
        "tasks": [],
        "backup": None,
    }


def test_what_was_never_set_up_is_not_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = "not set up yet: `sudo ctl reconfigure` sets up what the settings file says"
    assert status(tmp_path) == 1
    assert capsys.readouterr() == (f"{reason}\n", "")
    assert status(tmp_path, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "supervisor": None,
        "healthy": False,
        "reason": reason,
        "under_way": [],
        "services": [],
        "tasks": [],
        "backup": None,
    }


def test_unknown_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "opt/gitlab/service").mkdir(parents=True)
    (tmp_path / "opt/gitlab/service/registry").symlink_to("../sv/registry")
    assert status(tmp_path, "registy") == 2
    assert "no service 'registy'; did you mean 'registry'?" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000], ids=["empty", "cut", "a list", "deep"])
@pytest.mark.parametrize("name", ["opt/gitlab/sv/web/ctl.json", "var/opt/gitlab/ctl/trial.json"])
def test_damage_is_a_reason_as_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    for folder in ("opt/gitlab/sv/web", "opt/gitlab/service", "var/opt/gitlab/ctl"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "opt/gitlab/service/web").symlink_to("../sv/web")
    path = tmp_path / name
    path.write_text(content)
    assert status(tmp_path, "--json") == 1
    assert f"{path} is damaged" in json.loads(capsys.readouterr().out)["reason"]


def test_hint_at_an_interrupted_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "var/opt/gitlab/ctl"
    (state / "journal").mkdir(parents=True)
    status(tmp_path)
    assert "`ctl reconfigure` to finish or undo it" in capsys.readouterr().out
    # a run that is under way has not been interrupted
    with (state / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status(tmp_path)
    assert "interrupted" not in capsys.readouterr().out


def test_hint_at_a_collection_under_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    monkeypatch.setenv("SUDO_USER", "alice")
    with Gate(layout):
        assert run(["--root", str(tmp_path), "status"]) == 1
    during = capsys.readouterr().out
    run(["--root", str(tmp_path), "status"])
    who = rf"\(process {os.getpid()}, alice\)"
    assert re.search(
        rf"a garbage collection is under way since \d\d:\d\d:\d\d {who}: the registry waits", during
    )
    assert "garbage collection" not in capsys.readouterr().out


def test_imports_nothing_heavy(tmp_path: Path) -> None:
    """`ctl status` should cost about as much as `import click`."""
    code = (
        "import sys; from ctl.__main__ import run; "
        f"run(['--root', {str(tmp_path)!r}, 'status']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "ctl.converge",
        "shutil",
        "tempfile",
        "jinja2",
        "yaml",
        "cryptography",
        "psutil",
        "josepy",
        "http",
        "urllib.request",
        "ssl",
    }
    assert not heavy & set(done.stderr.split())


@pytest.mark.real
def test_lines_and_exit_status(any_stack: Stack) -> None:
    any_stack.listener("web")
    any_stack.define("idle", SLEEPER)

    before = any_stack.ctl("status")
    assert before.returncode == 1
    assert "ctl start" in before.stdout

    assert any_stack.ctl("start").returncode == 0
    up = any_stack.ctl("status")
    by_sv = subprocess.run(
        ["sv", "status", "idle", "web"],
        env={"SVDIR": str(any_stack.layout.service), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split(") ")[0] for line in up.stdout.splitlines()] == [
        line.split(") ")[0] for line in by_sv.stdout.splitlines()
    ]
    assert (up.returncode, up.stderr) == (0, "")

    any_stack.ctl("stop", "idle")
    assert any_stack.ctl("status").returncode == 1
    assert any_stack.ctl("status", "web").returncode == 0
    down = any_stack.ctl("status", "idle")
    assert down.returncode == 1
    assert down.stdout.startswith("down: idle: ")


@pytest.mark.real
def test_a_crashing_service_is_not_well(stack: Stack) -> None:
    stack.define("web", CRASHER)
    stack.runit.ensure_supervisor()
    wait_for(lambda: stack.runit.status("web").crashing)
    done = stack.ctl("status")
    assert done.returncode == 1
    assert "want up" in done.stdout


@pytest.mark.real
def test_json(any_stack: Stack) -> None:
    port = any_stack.listener("web")
    spare = any_stack.port()
    any_stack.define("idle", SLEEPER, listen=[f"127.0.0.1:{spare}"])
    any_stack.runit.ensure_supervisor() if not any_stack.person.switch else any_stack.ctl("start", "web")
    wait_for(lambda: any_stack.ctl("status", "web").returncode == 0)

    done = any_stack.ctl("status", "--json")
    found = json.loads(done.stdout)
    assert found["supervisor"] == any_stack.processes("runsvdir")[0].pid
    web = {one["name"]: one for one in found["services"]}["web"]
    assert (web["state"], web["healthy"], web["want"], web["reason"]) == ("run", True, None, None)
    assert web["pid"] in {process.pid for process in any_stack.processes()}
    assert 0 <= web["uptime"] < 60
    assert web["log"]["state"] == "run"
    assert web["memory"] > 1_000_000
    assert web["cpu_seconds"] >= 0
    assert web["open_files"] >= 3
    assert web["listening"] == [f"127.0.0.1:{port}"]
    assert web["answers"] == {f"127.0.0.1:{port}": True}
    idle = {one["name"]: one for one in found["services"]}["idle"]
    assert idle["answers"] == {f"127.0.0.1:{spare}": False}
    assert idle["listening"] == []

    any_stack.ctl("stop", "web")
    (web,) = json.loads(any_stack.ctl("status", "--json", "web").stdout)["services"]
    assert (web["state"], web["pid"], web["memory"], web["listening"]) == ("down", None, None, None)


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a root of somebody else")
def test_without_the_rights_sudo_is_advised(stack: Stack, ordinary_user: object) -> None:
    from tests.harness.people import Person

    assert isinstance(ordinary_user, Person)
    stack.define("web", SLEEPER)
    stack.runit.ensure_supervisor()
    stack.runit.wait_until_up("web")
    pid = stack.pid("web")
    stack.person = ordinary_user
    for command in ("status", "start", "stop", "restart", "hup", "kill", "graceful-kill"):
        done = stack.ctl(command)
        assert done.returncode == 1, command
        assert done.stdout == "warning: web: unable to open supervise/ok: access denied\n", command
        assert "sudo" in done.stderr, command
    assert stack.pid("web") == pid
