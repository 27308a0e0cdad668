"""A dry run that is killed while programs check its files leaves a copy of them; the next run removes it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.harness.root import Root
from tests.harness.waiting import wait_for

pytestmark = [pytest.mark.real, pytest.mark.one_registry]


def test_a_killed_dry_run_is_cleaned_up_by_the_next(running: Root) -> None:
    running.settings('registry["log_level"] = "debug"')
    temporary = running.home / "temporary"
    temporary.mkdir(exist_ok=True)
    env = running.environment() | {"TMPDIR": str(temporary)}
    command = running.person.command(["--root", str(running.path), "reconfigure", "--dry-run"])

    def copies() -> list[Path]:
        return list(temporary.glob(".ctl-*/copy"))

    def killed_with_its_copy() -> bool:
        """It lives for some tenths of a second: a run that was quicker is followed by another."""
        process = subprocess.Popen(command, env=env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: copies() or process.poll() is not None, what="the copy", pause=0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        return bool(copies())

    wait_for(killed_with_its_copy, seconds=60, what="a copy that is left")
    running.ctl("reconfigure", "--dry-run", env={"TMPDIR": str(temporary)}).ok()
    assert list(temporary.iterdir()) == []
