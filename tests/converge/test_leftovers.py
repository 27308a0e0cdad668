"""What killed processes left is removed by the next one; what is in use, or somebody's own, is not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.converge.atomic import TEMPORARY_PREFIX, created, write_atomic
from ctl.converge.leftovers import abandoned, locked_folder, sweep, temporary_folder

ROOT = Path(__file__).parents[2]
FOLDER = "with temporary_folder('.ctl-x-', parent) as made: (made / 'secret').touch(); wait()"
FILE = "with created(parent / '.ctl-x-1'): wait()"


@contextmanager
def user_of(parent: Path, statement: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that uses something temporary until it is killed."""
    program = (
        "import sys, pathlib\n"
        "from ctl.converge.leftovers import temporary_folder\n"
        "from ctl.converge.atomic import created\n"
        f"parent = pathlib.Path({str(parent)!r})\n"
        "def wait(): print('here', flush=True); sys.stdin.read()\n"
        f"{statement}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout
    assert process.stdout.readline() == b"here\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.real
@pytest.mark.parametrize("statement", [FOLDER, FILE])
def test_what_a_killed_process_left_is_removed_once_it_is_dead(tmp_path: Path, statement: str) -> None:
    with user_of(tmp_path, statement):
        sweep(tmp_path, ".ctl-x-")
        assert len(list(tmp_path.iterdir())) == 1, "it is in use"
    assert len(list(tmp_path.iterdir())) == 1, "it was killed"
    sweep(tmp_path, ".ctl-x-")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_leftover_stays(tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.mkdir()
    (aim / "file").touch()
    (tmp_path / ".ctl-x-link").symlink_to(aim)
    os.mkfifo(tmp_path / ".ctl-x-pipe")
    (tmp_path / "other").touch()
    before = sorted(tmp_path.rglob("*"))
    sweep(tmp_path, ".ctl-y-")
    assert list(abandoned(tmp_path, ".ctl-x-link")) == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_another_account_laid_stays(tmp_path: Path) -> None:
    theirs = tmp_path / ".ctl-x-theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    sweep(tmp_path, ".ctl-x-")
    assert theirs.is_dir()


def test_a_folder_in_use_is_removed_at_its_end(tmp_path: Path) -> None:
    with temporary_folder(".ctl-x-", tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        sweep(tmp_path, ".ctl-x-")
        assert folder.is_dir()
    assert not folder.exists()


def test_a_child_that_inherits_the_lock_keeps_the_folder(tmp_path: Path) -> None:
    folder, held = locked_folder(".ctl-x-", tmp_path)
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[held])
    os.close(held)
    try:
        sweep(tmp_path, ".ctl-x-")
        assert folder.is_dir()
    finally:
        child.communicate()
    sweep(tmp_path, ".ctl-x-")
    assert not folder.exists()


def test_writing_goes_on_under_a_busy_sweeper(tmp_path: Path) -> None:
    """The moment between making a file and locking it must not lose it."""
    program = (
        "import sys, pathlib\n"
        "from ctl.converge.leftovers import sweep\n"
        "print('here', flush=True)\n"
        "while True: sweep(pathlib.Path(sys.argv[1]), '.ctl-')\n"
    )
    sweeper = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert sweeper.stdout
        sweeper.stdout.readline()
        for number in range(60):
            write_atomic(tmp_path / "file", str(number).encode(), mode=0o600)
            with created(tmp_path / f"{TEMPORARY_PREFIX}a"):
                assert (tmp_path / f"{TEMPORARY_PREFIX}a").exists()
            (tmp_path / f"{TEMPORARY_PREFIX}a").unlink(missing_ok=True)
            with temporary_folder(TEMPORARY_PREFIX, tmp_path) as folder:
                (folder / "x").touch()
        assert (tmp_path / "file").read_text() == "59"
    finally:
        sweeper.kill()
        sweeper.communicate()
