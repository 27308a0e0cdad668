"""`ctl render` for a root of another distribution: its paths, and no word of this machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.namespaces import need_mounts

BOTH = {
    "ID=alpine\n": ("/usr/sbin/chpst", "/usr/sbin/svlogd"),
    "ID=debian\n": ("/usr/bin/chpst", "/usr/bin/svlogd"),
}


@pytest.mark.real
@pytest.mark.parametrize("release", BOTH)
def test_scripts_name_programs_of_the_roots_distribution(tmp_path: Path, release: str) -> None:
    """On a machine without any of them: PATH leads nowhere, and so does the system's, behind an empty mount."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs a mount namespace, to hide this machine's programs")
    need_mounts()
    root = tmp_path / "root"
    (root / "etc/gitlab").mkdir(parents=True)
    (root / "etc/os-release").write_text(release, encoding="utf-8")
    settings = 'registry_external_url = "http://registry.example.com:5050"\n'
    (root / "etc/gitlab/gitlab.py").write_text(settings, encoding="utf-8")
    hidden = [shutil.which(name) for name in ("chpst", "svlogd", "runsvdir")]
    mounts = "; ".join(f"mount --bind /dev/null {path}" for path in hidden if path)
    command = f'{mounts}; exec "{sys.executable}" -m ctl --root "{root}" render --output "{tmp_path}/out"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = sorted((tmp_path / "out").rglob("opt/gitlab/sv/**/run"))
    text = "".join(path.read_text(encoding="utf-8") for path in runs)
    assert all(path in text for path in BOTH[release])
    others = {path for paths in BOTH.values() for path in paths} - set(BOTH[release])
    assert not any(path in text for path in others)
