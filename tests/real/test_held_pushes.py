"""`registry-garbage-collect --now`: pushes wait for moments and succeed, pulls go on; what nothing needs is gone."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.namespaces import need_mounts
from tests.harness.processes import end_all
from tests.harness.registry_store import Store
from tests.harness.root import Root, RootMaker, kill
from tests.harness.waiting import wait_for
from tests.harness.watch import Watch

pytestmark = pytest.mark.real

STORAGE = "var/opt/gitlab/gitlab-rails/shared/registry"
SOCKET = "var/opt/gitlab/run/registry/current.sock"
NOW = ("registry-garbage-collect", "-m", "--now")
GARBAGE = 1_000


def _fill(root: Root) -> Store:
    """Many old blobs that no image needs."""
    store = Store(root.path / STORAGE)
    root.client.push("grp/old", images.image("old"))
    for number in range(GARBAGE):
        blob = images.Blob(images.LAYER, str(number).encode())
        store.write(
            f"docker/registry/v2/blobs/sha256/{blob.digest[7:9]}/{blob.digest[7:]}/data", blob.content
        )
    owner = store.root.stat()
    for folder, folders, files in os.walk(store.root):
        for name in (*folders, *files):
            os.chown(Path(folder, name), owner.st_uid, owner.st_gid)
    store.age()
    return store


def _held(root: Root) -> bool:
    return (root.path / SOCKET).resolve().name.startswith("hold-")


def test_pushes_wait_and_succeed_while_the_disk_is_freed(running: Root, tmp_path: Path) -> None:
    store = _fill(running)
    kept = images.image("held kept")
    running.client.push("grp/kept", kept, "v1")
    layout = images.write_layout(tmp_path / "out", {"v1": images.image("by skopeo")})
    held: list[bool] = []
    pushed, copied = itertools.count(), itertools.count()

    def pull() -> str:
        held.append(_held(running))
        return "" if running.client.pulls("grp/kept", kept, "v1") else "not pulled"

    def push() -> str:
        number = next(pushed)
        image = images.image(f"pushed {number}", shared=[images.layer("shared by pushes", size=1_000)])
        running.client.push("grp/pushed", image, f"v{number}")
        return ""

    def skopeo() -> str:
        number = next(copied)
        token = running.sign(f"grp/skopeo-{number}", "pull,push")
        running.skopeo.push(layout, "v1", f"grp/skopeo-{number}", token=token)
        return ""

    with Watch(pull) as pulls, Watch(push) as pushes, Watch(skopeo) as copies:
        wait_for(lambda: min(pulls.looks, pushes.looks, copies.looks) > 1)
        report = running.ctl(*NOW, "--json").ok().json()
        before = pushes.looks, copies.looks
        wait_for(lambda: pushes.looks > before[0] + 1 and copies.looks > before[1] + 1)
    assert [*pulls.findings, *pushes.findings, *copies.findings] == []
    assert any(held), "nothing was held"
    assert not _held(running)
    assert report["blobs_deleted"] >= GARBAGE
    assert len(store.blobs()) < GARBAGE
    assert list((store.root / "ctl-quarantine").glob("*Z-*")) == []
    for number in range(pushes.looks):
        image = images.image(f"pushed {number}", shared=[images.layer("shared by pushes", size=1_000)])
        assert running.client.pulls("grp/pushed", image, f"v{number}")
    assert not list((running.path / SOCKET).parent.glob("sockets/hold-*"))


def test_what_holds_pushes_is_killed_and_the_registry_goes_on(running: Root) -> None:
    _fill(running)
    collection = running.begin(*NOW)
    wait_for(lambda: _held(running))
    kill(collection)
    wait_for(lambda: not _held(running))
    image = images.image("after a kill")
    running.client.push("grp/killed", image, "v1")
    assert running.client.pulls("grp/killed", image, "v1")
    running.ctl(*NOW).ok()
    assert running.client.pulls("grp/killed", image, "v1")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk of the test's own, for longer than the node that is on it."""
    need_mounts()
    found = Path(tempfile.mkdtemp(prefix="ctl-disk-"))  # where every account may go
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "none", found], check=True)
    yield found
    end_all(found)  # a worker of NGINX's is known by its folder only, which is there
    subprocess.run(["umount", "--lazy", found], check=True)
    found.rmdir()


@pytest.mark.one_registry("its program only has to start where it cannot write")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_pushes_are_held_on_a_disk_without_a_byte(disk: Path, make_root: RootMaker) -> None:
    """All of the node's own files are on that disk, too."""
    assert disk.is_mount(), "else this machine's own disk would be filled"
    root = make_root()
    (root.path / "var").symlink_to(disk)
    root.settings()
    root.reconfigure()
    kept, gone = images.image("kept"), images.image("gone", size=2_000_000)
    root.client.push("grp/app", kept, "v1")
    root.client.push("grp/app", gone)
    Store(root.path / STORAGE).age()
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (65_536, 1):
            _write_all(file, size)
    report = root.ctl(*NOW, "--json").ok().json()
    assert report["bytes_freed"] > 2_000_000
    assert root.client.pulls("grp/app", kept, "v1")
    root.client.push("grp/app", images.image("later"), "v2")


def _write_all(file: FileIO, size: int) -> None:
    with contextlib.suppress(OSError):  # no space left
        while True:
            file.write(bytes(size))
