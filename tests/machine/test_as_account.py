"""Work tried in a child process, with the rights of an account."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctl.machine.as_account import Identity, failure_as

ME = Identity(os.geteuid(), os.getegid())
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take on another account")


def test_what_works_is_no_failure(tmp_path: Path) -> None:
    assert failure_as(ME, (tmp_path / "made").touch) == ""
    assert (tmp_path / "made").exists()


def test_an_error_of_the_system_comes_back_in_words(tmp_path: Path) -> None:
    missing = tmp_path / "none/made"
    assert failure_as(ME, missing.touch) == f"{missing}: No such file or directory"


def test_a_child_that_ends_otherwise_is_a_failure() -> None:
    assert failure_as(ME, lambda: os.kill(os.getpid(), 9)) == "the try was ended"
    assert failure_as(ME, lambda: [][0]) == "the try was ended"


def test_it_keeps_nothing_open_of_its_parent(tmp_path: Path) -> None:
    """A lock would be held for as long as it hangs."""
    with (tmp_path / "lock").open("w") as lock:

        def look() -> None:
            os.fstat(lock.fileno())

        assert "Bad file descriptor" in failure_as(ME, look)


@needs_root
def test_it_has_the_rights_of_the_account_alone(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    nobody = Identity(65_534, 65_534)
    assert "Permission denied" in failure_as(nobody, (own / "made").touch)
    os.chown(own, *nobody)
    tmp_path.chmod(0o711)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(("pytest", "popen")):
            folder.chmod(0o711)
    assert failure_as(nobody, (own / "made").touch) == ""
    assert (own / "made").stat().st_uid == nobody.uid
    assert os.geteuid() == 0
