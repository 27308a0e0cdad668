"""A run that is cut off, at whatever point, is undone by the next one; signals undo it at once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from ctl.converge import (
    Absent,
    Command,
    Directory,
    EnvDirectory,
    File,
    Item,
    Service,
    Symlink,
    converge,
    restart,
)
from ctl.converge.journal import Journal, discard, interrupted
from ctl.converge.model import Change
from ctl.converge.rollback import recover, roll_back
from ctl.errors import RunFailed
from ctl.paths import Layout
from tests.harness.supervisor import Bench, Recorder
from tests.harness.tree import tree

pytestmark = pytest.mark.real


def before(layout: Layout) -> None:
    """A machine with a history."""
    folder = layout.path("/etc/app")
    folder.mkdir(parents=True)
    (folder / "changed").write_text("old")
    (folder / "removed").write_text("precious")
    (folder / "link").symlink_to("changed")
    (folder / "rights").write_text("same")
    (folder / "rights").chmod(0o644)


def wanted(layout: Layout) -> list[Item]:
    """A run with every kind of step."""
    folder = layout.path("/etc/app")
    return [
        Directory(layout.path("/var/app/data"), mode=0o750),
        File(folder / "changed", content="new", notifies=(restart("old"),)),
        File(folder / "added", content="x", mode=0o600),
        File(folder / "rights", content="same", mode=0o600),
        Absent(folder / "removed"),
        Symlink(folder / "link", target="added"),
        EnvDirectory(folder / "env", variables={"A": "1"}),
        Service("old"),
        Service("new"),
    ]


def bench_with_history(folder: Path) -> Bench:
    bench = Bench.at(folder)
    before(bench.layout)
    bench.services.enable("old")
    return bench


def killed_at(countdown: int) -> Callable[[FrameType, str, object], Any]:
    """A trace function that kills the process at the n-th line run inside ctl.converge."""
    left = [countdown]

    def trace(frame: FrameType, event: str, argument: object) -> object:
        if "/ctl/converge/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def run_and_die(bench: Bench, countdown: int) -> bool:
    """Converge in a child that is killed after so many lines. Returns whether it was."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            machine, observer = bench.machine, Recorder()
            sys.settrace(killed_at(countdown))
            converge(wanted(bench.layout), machine=machine, layout=bench.layout, observer=observer)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def run_again(bench: Bench) -> None:
    """The next good run converges, and says nothing more is to do."""
    items = wanted(bench.layout)
    recover(bench.layout, bench.machine, lambda text: None)
    converge(items, machine=bench.machine, layout=bench.layout, observer=Recorder())
    report = converge(items, machine=bench.machine, layout=bench.layout, observer=Recorder())
    assert report.changes == []


STARTS = [pytest.param(start, marks=pytest.mark.real if start % 4 else ()) for start in range(12)]
"""Some at each run of the fast tests, the others with those that take longer."""


@pytest.mark.parametrize("start", STARTS)
def test_killed_anywhere_the_next_run_starts_from_before(tmp_path: Path, start: int) -> None:
    countdown = 40 + start * 11
    for number in range(100):
        bench = bench_with_history(tmp_path / str(number))
        former = tree(bench.layout.root)
        if not run_and_die(bench, countdown):
            assert number > 3
            return
        if interrupted(bench.layout):
            roll_back(bench.layout.journal, bench.machine, lambda text: None)
            assert tree(bench.layout.root) == former
            assert not bench.services.enabled("new")
        run_again(bench)
        assert bench.services.enabled("new")
        countdown += 137
    raise AssertionError("the run never came to its end")


def test_the_way_back_can_be_killed_and_repeated(tmp_path: Path) -> None:
    for countdown in range(20, 400, 37):
        bench = bench_with_history(tmp_path / str(countdown))
        former = tree(bench.layout.root)
        journal = Journal.begin(bench.layout)
        with journal:
            changes = [
                item.plan(bench.machine) for item in wanted(bench.layout) if not hasattr(item, "watches")
            ]
            apply_all(journal, changes)
        child = os.fork()
        if child == 0:
            sys.settrace(killed_at(countdown))
            roll_back(journal.folder, bench.machine, lambda text: None)
            os._exit(0)
        os.waitpid(child, 0)
        if interrupted(bench.layout):
            roll_back(bench.layout.journal, bench.machine, lambda text: None)
        assert tree(bench.layout.root) == former


def apply_all(journal: Journal, changes: list[Change | None]) -> None:
    for change in changes:
        for step in change.steps if change else ():
            record = step.undo(journal)
            if record:
                journal.record(record)
            step.apply()


def test_a_torn_record_belongs_to_a_step_never_begun(tmp_path: Path) -> None:
    bench = bench_with_history(tmp_path)
    former = tree(bench.layout.root)
    with Journal.begin(bench.layout):
        pass
    with (bench.layout.journal / "records").open("ab") as file:
        file.write(b'{"kind": "rem')
    roll_back(bench.layout.journal, bench.machine, lambda text: None)
    assert tree(bench.layout.root) == former


def test_a_record_is_whole_or_refused(tmp_path: Path) -> None:
    """A disk that becomes full takes a part of the record: its step must not be made then."""
    bench = Bench.at(tmp_path)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        code = 1
        with Journal.begin(bench.layout) as journal:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
            try:
                journal.record({"kind": "remove", "path": "/" + "x" * 100})
            except OSError:
                code = 0
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (bench.layout.journal / "records").stat().st_size == 50
    roll_back(bench.layout.journal, bench.machine, lambda text: None)


def test_half_written_files_are_swept(tmp_path: Path) -> None:
    bench = bench_with_history(tmp_path)
    half = bench.layout.path("/etc/app/.ctl-0123456789abcdef")
    with Journal.begin(bench.layout) as journal:
        journal.record({"kind": "remove", "path": str(bench.layout.path("/etc/app/added"))})
    half.write_text("half a secret")
    roll_back(bench.layout.journal, bench.machine, lambda text: None)
    assert not half.exists()


CHILD = """
import sys, time
from pathlib import Path
from ctl.converge import Command, File, converge
from ctl.errors import CtlError
from tests.harness.supervisor import Bench
bench = Bench.at(Path(sys.argv[1]))
items = [File(bench.layout.path("/etc/a"), content="x"),
         Command("wait", argv=["sh", "-c", "echo ready >&2; sleep 30"], guard=lambda: True)]
try:
    converge(items, machine=bench.machine, layout=bench.layout, observer=bench.observer)
except CtlError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_puts_everything_back(tmp_path: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        changed = tmp_path / "root/etc/a"
        deadline = time.monotonic() + 20
        while not changed.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert changed.exists()
        time.sleep(0.1)
        child.send_signal(number)
        output, _ = child.communicate(timeout=20)
    assert child.returncode == 1
    assert f"interrupted by {number.name}; everything was put back" in output
    assert not changed.exists()
    assert not (tmp_path / "root/var/opt/gitlab/ctl/journal").exists()


CHECKED = """
import os, signal, sys, tempfile
from pathlib import Path
from ctl.converge import File, Validation, converge
from tests.harness.supervisor import Bench
bench = Bench.at(Path(sys.argv[1]))
tempfile.tempdir = sys.argv[1]
path = bench.layout.path("/etc/a")
check = Validation("v", watches=(path,), check=lambda copy: os.kill(os.getpid(), signal.SIGTERM))
converge([File(path, content="secret"), check], machine=bench.machine, layout=bench.layout, dry_run=True,
         observer=bench.observer)
"""


def test_a_signal_during_a_check_leaves_no_copy(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CHECKED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "KeyboardInterrupt: interrupted by SIGTERM" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


@pytest.mark.parametrize("moment", ["discard", "roll_back"])
def test_a_signal_at_the_end_or_on_the_way_back_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    bench, path = Bench.at(tmp_path), tmp_path / "root/etc/a"
    module = "ctl.converge.journal.discard" if moment == "discard" else "ctl.converge.engine.roll_back"
    real: Callable[..., object] = discard if moment == "discard" else roll_back

    def interrupted_once_more(*arguments: Any) -> object:  # noqa: ANN401
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        return real(*arguments)

    monkeypatch.setattr(module, interrupted_once_more)
    items: list[Item] = [File(path, content="x")]
    if moment == "discard":
        converge(items, machine=bench.machine, layout=bench.layout, observer=Recorder())
    else:
        items.append(Command("bad", argv=["false"], guard=lambda: True))
        with pytest.raises(RunFailed, match="everything was put back"):
            converge(items, machine=bench.machine, layout=bench.layout, observer=Recorder())
    assert path.exists() == (moment == "discard")
    assert not bench.layout.journal.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
