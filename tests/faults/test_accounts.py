"""Tools for accounts that are broken, as they come by a seed; `python -m tests.faults.accounts` breaks more of them."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.faults.accounts import can_be_private
from tests.harness.people import CHECKOUT

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("strace") is None, reason="no strace on this machine"),
    pytest.mark.skipif(not can_be_private(), reason="needs root and a mount namespace"),
]


@pytest.mark.parametrize(
    "points", [["--points", "6", "--seed", "tests"], ["--fault", "killed half way rename 2"]]
)
def test_the_next_run_makes_the_accounts_or_takes_them_back(points: list[str]) -> None:
    command = [sys.executable, "-m", "tests.faults.accounts", *points]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout
