"""The gate: who waits for whom, and who must come back later."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.errors import CtlError, LockHeld
from ctl.paths import Layout
from ctl.registry.gate import Gate, collecting, gate_file
from ctl.registry.repair import PREFIX, mark_file, repair


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@contextmanager
def run_script(layout: Layout) -> Iterator[subprocess.Popen[bytes]]:
    """What the registry's run script does before it serves."""
    text = 'exec 9>>"$0"; flock -s 9; exec 9>&-; echo served; exec sleep 60'
    process = subprocess.Popen(["sh", "-c", text, str(gate_file(layout))], stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def served(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return process.stdout.read() == b"served\n"


def test_run_script_waits_until_the_gate_opens(layout: Layout) -> None:
    with Gate(layout), run_script(layout) as process:
        time.sleep(0.1)
        assert not served(process)
    with run_script(layout) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"served\n"


def test_waiting_run_script_goes_on_by_itself(layout: Layout) -> None:
    gate = Gate(layout)
    gate.__enter__()
    with run_script(layout) as process:
        gate.release()
        assert process.stdout is not None
        assert process.stdout.readline() == b"served\n"


def test_child_that_inherits_the_gate_keeps_it_closed(layout: Layout) -> None:
    with Gate(layout) as gate:
        child = subprocess.Popen(["sleep", "60"], pass_fds=(gate.fileno(),))
    assert collecting(layout)
    child.kill()
    child.wait()
    assert not collecting(layout)


def test_child_that_does_not_inherit_it_does_not(layout: Layout) -> None:
    with Gate(layout):
        child = subprocess.Popen(["sleep", "60"])
    try:
        assert not collecting(layout)
    finally:
        child.kill()
        child.wait()


def test_second_collection_learns_who_has_the_gate(layout: Layout) -> None:
    with Gate(layout):
        assert collecting(layout)
        for shared in (False, True):
            with (
                pytest.raises(LockHeld, match=rf"process {os.getpid()}\b") as caught,
                Gate(layout, shared=shared),
            ):
                pass
            assert caught.value.exit_code == 75
    assert not collecting(layout)


def test_dry_runs_and_run_scripts_pass_each_other(layout: Layout) -> None:
    with Gate(layout, shared=True), Gate(layout, shared=True), run_script(layout) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"served\n"
        assert not collecting(layout)


def test_collection_waits_for_a_run_script_on_its_way(layout: Layout) -> None:
    passing = Gate(layout, shared=True)
    passing.__enter__()
    threading.Timer(0.1, passing.release).start()
    with Gate(layout):
        assert collecting(layout)


def test_file_is_private_also_where_a_run_script_made_it(layout: Layout) -> None:
    layout.state.mkdir(parents=True)
    gate_file(layout).touch(mode=0o644)
    with Gate(layout):
        assert stat.S_IMODE(gate_file(layout).stat().st_mode) == 0o600


def test_link_in_its_place_is_refused(layout: Layout, tmp_path: Path) -> None:
    layout.state.mkdir(parents=True)
    gate_file(layout).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CtlError, match=r"collect\.lock cannot be opened"), Gate(layout):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_to_look_at_is_no_collection(layout: Layout) -> None:
    assert not collecting(layout)
    assert not layout.state.exists()


# --- what a killed collection leaves


def left_behind(layout: Layout) -> Path:
    layout.state.mkdir(parents=True)
    mark_file(layout).touch()
    folder = layout.data / f"{PREFIX}abc"
    folder.mkdir()
    (folder / "config.yml").write_text("secret", encoding="utf-8")
    return folder


def test_private_folder_is_removed(layout: Layout) -> None:
    folder = left_behind(layout)
    assert repair(layout)
    assert not folder.exists()
    assert not mark_file(layout).exists()
    assert not repair(layout)


def test_private_folder_of_a_living_collection_stays(layout: Layout) -> None:
    folder = left_behind(layout)
    for shared in (True, False):
        with Gate(layout, shared=shared):
            assert not repair(layout)
            assert folder.exists()


def test_nothing_is_made_where_nothing_is(layout: Layout) -> None:
    assert not repair(layout)
    assert not layout.state.exists()
