"""Where nothing can be written, one line says which file it was about, and that file is as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ctl.tls.authority import issue, make_authority
from tests.harness.namespaces import need_mounts

pytestmark = pytest.mark.real

HOST = "registry.example.com"
SETTINGS = 'registry_external_url = "https://registry.example.com"\n'
CHANGES = [
    ["settings", "set", "registry.log_level", "debug"],
    ["user", "add", "alice", "--random-password"],
    ["backup-etc"],
    ["trust", "--docker"],
    ["reconfigure"],
]
READ_ONLY = {"settings", "trust", "reconfigure"}
"""Those that each have a way of their own to the file."""
need_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with settings, and a certificate of a local CA."""
    (tmp_path / "etc/gitlab").mkdir(parents=True)
    (tmp_path / "etc/gitlab/gitlab.py").write_text(SETTINGS)
    authority = make_authority(HOST, now=datetime.now(UTC))
    server = issue(authority, [HOST], now=datetime.now(UTC))
    (tmp_path / "etc/gitlab/ssl").mkdir()
    (tmp_path / "etc/gitlab/ssl/ca.crt").write_bytes(authority.certificate)
    (tmp_path / f"etc/gitlab/ssl/{HOST}.crt").write_bytes(server.certificate)
    return tmp_path


def ctl(root: Path, arguments: Sequence[str], *, before: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-m", "ctl", "--root", str(root), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )


def of_people(root: Path) -> dict[str, bytes]:
    """The files but those that ctl keeps for itself."""
    files = (path for path in (root / "etc").rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.mark.parametrize("arguments", [one for one in CHANGES if one[0] != "trust"], ids=lambda one: one[0])
def test_a_full_disk(root: Path, arguments: list[str]) -> None:
    before = of_people(root)
    done = ctl(root, arguments, before=["prlimit", "--fsize=0"])
    assert done.returncode == 1
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("error: ")]
    assert line.startswith(f"error: {root}/")
    assert "File too large" in line
    assert of_people(root) == before


@need_root
@pytest.mark.parametrize("arguments", [one for one in CHANGES if one[0] in READ_ONLY], ids=lambda one: one[0])
def test_a_file_system_that_is_read_only(root: Path, arguments: list[str]) -> None:
    need_mounts()
    script = f'mount --bind "{root}" "{root}" && mount -o remount,ro,bind "{root}" && exec "$@"'
    done = ctl(root, arguments, before=["unshare", "--mount", "sh", "-c", script, "sh"])
    assert done.returncode in {1, 2}
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("error: ")]
    assert line.startswith(f"error: {root}/")
    assert "read-only" in line.lower()
    assert "sudo" not in done.stderr
