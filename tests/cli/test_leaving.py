"""The process ends at once and with the right exit code, whatever a thread is still doing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

CODE = """
import sys, threading
from ctl.__main__ import leave
from cryptography.hazmat.primitives.asymmetric import rsa
def make():
    while True:
        rsa.generate_private_key(65537, 4096)
threading.Thread(target=make, daemon=True).start()
print("text")
leave(2)
"""


def test_a_key_that_is_still_being_made_does_not_abort() -> None:
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=30
        )
        assert (done.returncode, done.stdout, done.stderr) == (2, "text\n", "")


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


ONE = [pytest.param(one, marks=pytest.mark.real) for one in ("<&-", ">&-", "2>&-")]
"""With the tests that take longer: each call makes a key."""


@pytest.mark.parametrize("closed", [*ONE, "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_obstacle(tmp_path: Path, closed: str) -> None:
    """Else a file that is opened gets the stream's number, and a message may be written into it."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "ctl", "--root", str(tmp_path)]
    done = subprocess.run([*command, "service-list"], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "etc/gitlab").mkdir(parents=True)
    (tmp_path / "etc/gitlab/gitlab.py").write_text('registry_external_url = "http://localhost:5050"\n')
    assert subprocess.run([*command, "generate-secrets"], check=False, timeout=30).returncode == 0
    assert set(json.loads((tmp_path / "etc/gitlab/gitlab-secrets.json").read_text())) == {"registry"}


def ctl(root: Path, *arguments: str, to: str) -> subprocess.CompletedProcess[str]:
    """`ctl` with its standard output going to a place, by bash."""
    command = f'set -o pipefail; "$@" {to}'
    program = [sys.executable, "-m", "ctl", "--root", str(root), *arguments]
    return subprocess.run(
        ["bash", "-c", command, "bash", *program], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("arguments", [["settings", "list"], ["settings", "template"]])
def test_a_full_disk_behind_standard_output_is_reported_in_one_line(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = ctl(tmp_path, *arguments, to="> /dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize("to", ["2> /dev/full", "2>&1 | true"])
def test_a_message_that_cannot_be_written_changes_no_exit_code(tmp_path: Path, to: str) -> None:
    done = ctl(tmp_path, "check-config", to=to)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_reader_that_goes_away_ends_the_command_quietly(tmp_path: Path) -> None:
    done = ctl(tmp_path, "settings", "list", to="| true")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("umask", ["000", "077"])
def test_the_umask_of_the_caller_does_not_matter(tmp_path: Path, umask: str) -> None:
    """At 077 services could not get to their files; at 000 everybody could put other settings in their place."""
    for arguments in (
        "settings template --url https://a.example --output $0/etc/gitlab/gitlab.py",
        "user add bob",
    ):
        command = (
            f"umask {umask}; printf 'a long password' | exec {sys.executable} -m ctl --root $0 {arguments}"
        )
        subprocess.run(["sh", "-c", command, str(tmp_path)], check=True, capture_output=True, timeout=60)
    found = {
        str(path.relative_to(tmp_path)): f"{path.stat().st_mode & 0o777:o}" for path in tmp_path.rglob("*")
    }
    assert found == {
        "etc": "755",
        "etc/gitlab": "755",
        "etc/gitlab/gitlab.py": "600",
        "etc/gitlab/registry-accounts.json": "640",
        "var": "755",
        "var/opt": "755",
        "var/opt/gitlab": "755",
        "var/opt/gitlab/ctl": "700",
        "var/opt/gitlab/ctl/accounts.lock": "600",
    }
