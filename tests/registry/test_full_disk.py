"""A disk with no byte left: a collection frees it, with all that ctl keeps for itself on that disk, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.namespaces import need_mounts
from tests.harness.registry_store import Store

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("its program is not run"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount"),
]
CHECKOUT = Path(__file__).resolve().parents[2]
SIZE = 300_000
FILL = "import os\nfd = os.open('filler', os.O_WRONLY | os.O_CREAT)\nwhile True: os.write(fd, bytes({size}))"


def test_a_disk_without_a_byte_is_freed(tmp_path: Path) -> None:
    """The storage is made elsewhere and copied into a small file system of the test's own."""
    need_mounts()
    made, disk = tmp_path / "made", tmp_path / "disk"
    store = Store(made / "images")
    kept, gone = images.image("kept"), images.image("gone", size=SIZE)
    store.push("grp/app", kept, "v1")
    store.push("grp/app", gone)
    revisions = made / "images/docker/registry/v2/repositories/grp/app/_manifests/revisions/sha256"
    (revisions / gone.digest.partition(":")[2] / "link").unlink()
    storage = {"filesystem": {"rootdirectory": str(disk / "images")}}
    (made / "config.yml").write_text(json.dumps({"version": 0.1, "storage": storage}), encoding="utf-8")
    disk.mkdir()
    collect = (
        f"{sys.executable} -m ctl --root {disk}/root registry-garbage-collect --json --config {disk}/config.yml "
        "--now-below 10 --older-than 0"
    )
    script = f"""
        set -e  # where nothing is mounted, it would fill this machine's own disk
        mount -t tmpfs -o size=3m none {disk}
        cp -a {made}/. {disk}
        cd {disk}
        {sys.executable} -c "{FILL.format(size=65_536)}" 2>/dev/null || true
        {sys.executable} -c "{FILL.format(size=1)}" 2>/dev/null || true
        df --output=avail . | tail -1 >&2
        cd {CHECKOUT} && exec {collect}
    """
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.split()[0] == "0", "the disk is full"
    assert "0.0 % of" in done.stderr
    assert json.loads(done.stdout)["bytes_freed"] > SIZE
