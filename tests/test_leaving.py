"""The process ends at once and with the right exit code, whatever a thread is still doing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys, threading
from ctl.__main__ import leave
from cryptography.hazmat.primitives.asymmetric import rsa
def make():
    while True:
        rsa.generate_private_key(65537, 4096)
threading.Thread(target=make, daemon=True).start()
print("said")
leave(2)
"""


def test_a_key_that_is_still_being_made_does_not_abort() -> None:
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=30
        )
        assert (done.returncode, done.stdout, done.stderr) == (2, "said\n", "")


def test_wrong_settings_of_a_first_run_exit_with_2(tmp_path: Path) -> None:
    settings = tmp_path / "etc/gitlab/gitlab.py"
    settings.parent.mkdir(parents=True)
    settings.write_text("registry_external_url = 5\n")
    command = [sys.executable, "-m", "ctl", "--root", str(tmp_path), "reconfigure"]
    for _ in range(5):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 2
        assert "FATAL" not in done.stderr
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["gitlab.py"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_obstacle(tmp_path: Path, closed: str) -> None:
    """Else a file that is opened gets the stream's number, and a message may be written into it."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "ctl", "--root", str(tmp_path)]
    done = subprocess.run([*command, "status"], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "etc/gitlab").mkdir(parents=True)
    (tmp_path / "etc/gitlab/gitlab.py").write_text('registry_external_url = "http://localhost:5050"\n')
    assert subprocess.run([*command, "generate-secrets"], check=False, timeout=30).returncode == 0
    assert set(json.loads((tmp_path / "etc/gitlab/gitlab-secrets.json").read_text())) == {"registry"}
