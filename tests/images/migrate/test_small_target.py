"""A disk that is too small for the images is refused before anything is copied to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.errors import PreflightError
from ctl.images.migrate.copying import Copying
from ctl.images.migrate.state import State
from ctl.storage.filesystem import FilesystemStore
from tests.harness import images
from tests.harness.collecting import SILENT
from tests.harness.namespaces import need_mounts
from tests.harness.people import CHECKOUT
from tests.harness.registry_store import Store

pytestmark = [pytest.mark.real, pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")]
IMAGES = 4


def test_a_disk_without_room(tmp_path: Path) -> None:
    need_mounts()
    store = Store(tmp_path / "source")
    for number in range(IMAGES):
        store.push("grp/app", images.image(f"room {number}", size=400_000), f"v{number}")
    store.age()
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
        set -e
        mount -t tmpfs -o size=1m none {disk}
        {sys.executable} -m tests.images.migrate.test_small_target {tmp_path}
        mount -o remount,size=9m {disk}
        {sys.executable} -m tests.images.migrate.test_small_target {tmp_path}
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    refused, copied = done.stdout.splitlines()
    assert refused.startswith(f"{disk} has room for 1,048,576 bytes, and 1,6")
    assert refused.endswith("must be copied: 0 objects are there")
    assert copied.startswith(f"copied {IMAGES * 3} blobs")


def _copy(folder: Path) -> str:
    """What a migration from the one folder to the other comes to."""
    source, target = (FilesystemStore(str(folder / name)) for name in ("source", "disk"))
    copying = Copying(source, target, State(folder / "state.jsonl"), SILENT, 2)
    try:
        copying.copy()
    except PreflightError as error:
        return f"{error.message}: {len(list(target.list('')))} objects are there"
    return f"copied {copying.finish()['blobs']} blobs"


if __name__ == "__main__":
    print(_copy(Path(sys.argv[1])))
