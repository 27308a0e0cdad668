"""The lock of a converging run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ctl.converge.lock import run_lock
from ctl.errors import LockHeld
from ctl.paths import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    return layout


def held(layout: Layout, content: str) -> int:
    """Another holder of the lock, with this in its file."""
    layout.run_lock.write_text(content)
    descriptor = os.open(layout.run_lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def test_a_second_run_learns_who_holds_the_lock(layout: Layout) -> None:
    with run_lock(layout), pytest.raises(LockHeld, match=f"pid {os.getpid()}"), run_lock(layout):
        pass


def test_the_lock_is_free_again_after_a_run(layout: Layout) -> None:
    for _ in range(2):
        with run_lock(layout):
            assert layout.run_lock.read_text() == f"{os.getpid()}\n"
    assert layout.run_lock.read_text() == ""


def test_a_holder_that_has_not_yet_written_its_number_is_waited_for(layout: Layout) -> None:
    descriptor = held(layout, "")
    late = threading.Timer(0.2, os.pwrite, (descriptor, f"{os.getpid()}\n".encode(), 0))
    late.start()
    try:
        with pytest.raises(LockHeld, match=f"pid {os.getpid()}"), run_lock(layout):
            pass
    finally:
        late.join()
        os.close(descriptor)


KILLED = """
import os, signal, subprocess, sys
from pathlib import Path
from ctl.converge.lock import held_locks, run_lock
from ctl.paths import Layout
with run_lock(Layout(Path(sys.argv[1]))):
    child = subprocess.Popen(["sh", "-c", sys.argv[2]], pass_fds=held_locks(), stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_run(layout: Layout, child: str) -> int:
    """A run that is killed beside a program that it has started. Returns the number of the program."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, layout.root, child], stdout=subprocess.PIPE, check=False, text=True
    )
    return int(done.stdout)


def test_what_a_killed_run_has_started_is_waited_for(layout: Layout, tmp_path: Path) -> None:
    done, go_on = tmp_path / "done", tmp_path / "go on"
    killed_run(layout, f"until test -e '{go_on}'; do sleep 0.02; done; sleep 0.1; touch '{done}'")
    threading.Timer(0.05, go_on.touch).start()
    with run_lock(layout):
        assert done.exists()


def test_what_a_killed_run_has_started_and_does_not_end_is_named(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctl.converge.lock.PATIENCE_AFTER_KILL", 0.1)
    child = killed_run(layout, "exec sleep 1000")
    with (
        pytest.raises(LockHeld, match=rf"does not end, and holds .*\(sleep, pid {child}\)"),
        run_lock(layout),
    ):
        pass
    os.kill(child, signal.SIGKILL)


def test_a_lock_that_is_let_go_meanwhile_is_taken(layout: Layout) -> None:
    descriptor = held(layout, "")
    freed: list[int] = []

    def free() -> None:
        freed.append(descriptor)
        os.close(descriptor)

    threading.Timer(0.1, free).start()
    with run_lock(layout):
        assert freed
