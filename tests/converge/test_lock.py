"""The lock of a converging run."""

from __future__ import annotations

import fcntl
import os
import subprocess
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


def test_the_number_of_a_dead_process_is_not_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctl.converge.lock.PATIENCE", 0.1)
    dead = subprocess.Popen(["true"])
    dead.wait()
    descriptor = held(layout, f"{dead.pid}\n")
    with pytest.raises(LockHeld, match="pid unknown"), run_lock(layout):
        pass
    os.close(descriptor)


def test_a_lock_that_is_let_go_meanwhile_is_taken(layout: Layout) -> None:
    descriptor = held(layout, "")
    freed: list[int] = []

    def free() -> None:
        freed.append(descriptor)
        os.close(descriptor)

    threading.Timer(0.1, free).start()
    with run_lock(layout):
        assert freed
