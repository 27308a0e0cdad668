"""The unit that starts the supervisor at boot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_has_nothing_to_say() -> None:
    unit = CHECKOUT / "packaging/registry-ctl.service"
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    "script", ["install.sh", "tests/run.sh", "packaging/apt.sh", "packaging/pin.sh", ".ci/run"]
)
def test_scripts_are_sound_shell(script: str) -> None:
    shell = "bash" if script == ".ci/run" else "sh"
    done = subprocess.run([shell, "-n", str(CHECKOUT / script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
