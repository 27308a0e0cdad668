"""Other programs that are run to their end, however that comes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctl.machine.child import ChildFailed, ChildHangs, run_child
from tests.harness.waiting import wait_for


def test_what_it_prints_and_how_it_ends() -> None:
    done = run_child(["sh", "-c", "echo out; echo err >&2; exit 3"], seconds=20)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_it_has_no_terminal_and_only_its_environment() -> None:
    done = run_child(["env"], seconds=20, environment={"PATH": "/usr/bin:/bin", "A": "b"})
    assert "A=b" in done.stdout
    assert "HOME" not in done.stdout


def test_one_that_was_killed_has_not_answered() -> None:
    with pytest.raises(ChildFailed, match=r"sh was killed \(SIGKILL\)"):
        run_child(["sh", "-c", "kill -9 $$"], seconds=20)


def test_one_that_is_missing_is_named_with_its_package() -> None:
    with pytest.raises(ChildFailed, match="sv is not in /nowhere") as caught:
        run_child(["sv", "status"], seconds=20, environment={"PATH": "/nowhere"})
    assert "runit" in str(caught.value.hint)
    with pytest.raises(ChildFailed, match="/nowhere/sv is not installed"):
        run_child(["/nowhere/sv"], seconds=20)


def test_one_that_cannot_be_run_says_why(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=f"{tmp_path} cannot be started: {os.strerror(errno.EACCES)}"):
        run_child([str(tmp_path)], seconds=20)


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """What it started holds its output open, which would be waited for."""
    pids = tmp_path / "pids"
    with pytest.raises(ChildHangs, match=r"sh does not end within 0\.5 s"):
        run_child(["sh", "-c", f"sleep 1000 & echo $$ $! >{pids}; wait"], seconds=0.5)
    for pid in map(int, pids.read_text().split()):
        while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
            time.sleep(0.01)


def test_one_goes_on_when_who_started_it_is_killed(tmp_path: Path) -> None:
    """With a pipe it would be killed (SIGPIPE) when it next has something to say."""
    go_on, done = tmp_path / "go on", tmp_path / "done"
    child = f"until test -e '{go_on}'; do sleep 0.05; done; env echo late || exit; touch '{done}'"
    program = "import sys; from ctl.machine.child import run_child; run_child(['sh', '-c', sys.argv[1]], seconds=60)"
    starter = subprocess.Popen([sys.executable, "-c", program, child])
    while not Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text():
        time.sleep(0.01)
    starter.kill()
    starter.wait()
    go_on.touch()
    wait_for(done.exists)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
