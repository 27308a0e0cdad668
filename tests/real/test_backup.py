"""`ctl backup` and `ctl restore`: a node is taken whole while it serves, proven, and put back elsewhere."""

from __future__ import annotations

import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.root import Root, RootMaker
from tests.harness.waiting import wait_for

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("files are copied; both programs write the same"),
]
IMAGE = images.image("saved", size=50_000)
BOTH = images.two_platforms("both", size=20_000)
SECRETS = "etc/gitlab/gitlab-secrets.json"


@pytest.fixture
def folder(running: Root) -> Iterator[Path]:
    """Where backups go."""
    path = running.folder / "backups"
    yield path
    shutil.rmtree(path, ignore_errors=True)


def archives(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def back_up(root: Root, folder: Path, *arguments: str) -> Path:
    """Take a backup. Returns its archive."""
    before = set(archives(folder)) if folder.is_dir() else set()
    root.ctl("backup", "--to", str(folder), *arguments, timeout=120).ok()
    (made,) = set(archives(folder)) - before
    return made


def test_a_backup_is_verified_and_starts_on_a_fresh_machine(
    running: Root, folder: Path, make_root: RootMaker
) -> None:
    running.write("etc/gitlab/conf.d/more.py", 'registry["log_level"] = "warn"\n')
    running.settings(f'from_file("{running.path}/etc/gitlab/conf.d/*.py")')
    running.reconfigure()
    running.client.push("saved/app", IMAGE, "v1")
    running.client.push("saved/both", BOTH, "v1")
    said = running.ctl("backup", "--to", str(folder), "--with-images", "--verify", timeout=120).ok().out
    assert "verified: it starts elsewhere, 2 images pulled" in said
    (archive,) = archives(folder)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert not list(Path("/var/tmp").glob("ctl-verify-*/etc/gitlab/gitlab-secrets.json"))
    fresh = make_root(seeded=False)
    fresh.ports.release()
    fresh.port, fresh.registry_port = running.port, running.registry_port
    key = running.secrets()
    running.ctl("stop").ok()
    try:
        fresh.ctl("restore", str(archive), timeout=120).ok()
        assert fresh.secrets() == key
        assert fresh.client.pulls("saved/app", IMAGE, "v1")
        assert fresh.client.pulls("saved/both", BOTH, "v1")
        assert fresh.read("etc/gitlab/conf.d/more.py") == running.read("etc/gitlab/conf.d/more.py")
        fresh.client.push("saved/new", IMAGE, "v1")
        assert "0 files put back" in fresh.ctl("restore", str(archive), timeout=120).ok().out
        fresh.ctl("stop").ok()
    finally:
        running.ctl("start").ok()
    wait_for(running.serves, what="the first node again")


def test_a_damaged_backup_is_not_verified(running: Root, folder: Path) -> None:
    """The negative control of --verify."""
    running.client.push("saved/app", IMAGE, "v1")
    archive = back_up(running, folder, "--with-images")
    layer = IMAGE.needs[1].digest.partition(":")[2]
    path = Path(f"{archive}.images/docker/registry/v2/blobs/sha256/{layer[:2]}/{layer}/data")
    path.write_bytes(bytes(path.stat().st_size))
    result = running.ctl("backup", "--to", str(folder), "--with-images", "--verify", timeout=120)
    assert (result.code, "has other bytes" in result.err) == (1, True)


def test_a_copy_is_a_whole_storage_while_images_are_pushed(running: Root, folder: Path) -> None:
    """Every tag of every copy leads to an image that is there with all its blobs."""
    stop, pushed = threading.Event(), []

    def push(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            seed = f"{number}-{turn}"
            made = images.index(images.image(f"a{seed}"), images.image(f"b{seed}"))
            running.client.push(f"busy/{number}", made, "latest", f"t{turn}")
            pushed.append(seed)

    threads = [threading.Thread(target=push, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(pushed) > 3, what="pushes")
    try:
        copies = [back_up(running, folder, "--with-images") for _ in range(4)]
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)
    tags = [whole(Path(f"{archive}.images")) for archive in copies]
    assert tags[0] < tags[-1]
    blob = "docker/registry/v2/blobs/sha256"
    first = next(Path(f"{copies[0]}.images", blob).rglob("data"))
    assert first.stat().st_nlink == len(copies), "an unchanged blob takes no room of its own"


def whole(storage: Path) -> int:
    """Read a storage as a registry does. Returns how many tags it has."""
    import json

    top, count = storage / "docker/registry/v2", 0

    def data(digest: str) -> bytes:
        algorithm, _, name = digest.partition(":")
        return (top / "blobs" / algorithm / name[:2] / name / "data").read_bytes()

    def check(repository: Path, digest: str) -> None:
        assert (repository / "_manifests/revisions" / digest.replace(":", "/") / "link").read_text() == digest
        manifest = json.loads(data(digest))
        for child in manifest.get("manifests", ()):
            check(repository, child["digest"])
        for blob in (*manifest.get("layers", ()), *([manifest["config"]] if "config" in manifest else ())):
            assert (repository / "_layers" / blob["digest"].replace(":", "/") / "link").read_text()
            assert len(data(blob["digest"])) == blob["size"]

    for link in (top / "repositories").rglob("_manifests/tags/*/current/link"):
        check(link.parents[4], link.read_text())
        count += 1
    for link in (top / "repositories").rglob("_manifests/revisions/*/*/link"):
        check(link.parents[4], link.read_text())
    return count


def test_what_is_newer_is_not_replaced_without_asking(running: Root, folder: Path) -> None:
    archive = back_up(running, folder)
    before = running.read(SECRETS)
    running.write("etc/gitlab/gitlab.py", running.read("etc/gitlab/gitlab.py") + "# newer\n")
    refused = running.ctl("restore", str(archive))
    assert refused.code == 2
    assert (
        f"newer than in the backup: {running.path}/etc/gitlab/gitlab.py; nothing was restored" in refused.err
    )
    assert running.read("etc/gitlab/gitlab.py").endswith("# newer\n")
    running.ctl("restore", str(archive), "--replace", timeout=120).ok()
    assert not running.read("etc/gitlab/gitlab.py").endswith("# newer\n")
    assert running.read(SECRETS) == before


def test_an_archive_is_encrypted_for_its_recipient_alone(
    running: Root, folder: Path, make_root: RootMaker, tmp_path: Path
) -> None:
    identity = tmp_path / "identity"
    made = subprocess.run(["age-keygen", "-o", str(identity)], capture_output=True, text=True, check=True)
    recipient = made.stderr.split()[-1]
    archive = back_up(running, folder, "--encrypt-to", recipient)
    assert archive.suffix == ".age"
    assert b"internal_key" not in archive.read_bytes()
    fresh = make_root(seeded=False)
    assert fresh.ctl("restore", str(archive), "--no-reconfigure").code == 2
    fresh.ctl("restore", str(archive), "--no-reconfigure", "--identity", str(identity)).ok()
    assert fresh.secrets() == running.secrets()
