"""`ctl backup` and `ctl restore`: a node is taken whole while it serves, proven, and put back elsewhere."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.load import Load
from tests.harness.processes import below
from tests.harness.recipients import recipient
from tests.harness.root import SETTINGS, Root, RootMaker, kill
from tests.harness.s3 import GuardedS3Server
from tests.harness.waiting import wait_for
from tests.harness.watch import CommandLines

pytestmark = [
    pytest.mark.real,
    pytest.mark.one_registry("files are copied; both programs write the same"),
]
IMAGE = images.image("saved", size=50_000)
BOTH = images.two_platforms("both", size=20_000)
STATE = "var/opt/gitlab/ctl"
FULL = ("prlimit", "--fsize=2000")
"""No file may be larger: to a program that is as a full disk."""
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
    output = running.ctl("backup", "--to", str(folder), "--with-images", "--verify", timeout=120).ok().out
    assert "verified: it starts elsewhere, 2 images pulled" in output
    (archive,) = archives(folder)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert not list(Path("/var/tmp").glob("ctl-verification-*/etc/gitlab/gitlab-secrets.json"))
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
    # what the hint says is the way out: the next backup links what there is
    newest = max(folder.glob("*.images"))
    damaged = newest / path.relative_to(f"{archive}.images")
    assert f"rm {damaged}" in result.err
    damaged.unlink()
    newest = back_up(running, folder, "--with-images")
    assert "images pulled" in running.ctl("backup", "--verify", str(newest), timeout=120).ok().out
    assert newest == max(archives(folder)), "none was taken"


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


def test_a_machine_with_other_ports_gets_the_images_too(
    running: Root, folder: Path, make_root: RootMaker
) -> None:
    """Its settings are edited between the files and the images; the node of before serves on, under load."""
    running.client.push("saved/app", IMAGE, "v1")
    archive = back_up(running, folder, "--with-images")
    other = make_root(seeded=False)
    own = other.settings().read_text()
    (other.path / SETTINGS).unlink()
    (other.path / "etc/gitlab").rmdir()
    other.ctl("restore", str(archive), "--no-reconfigure").ok()
    other.write(SETTINGS, own)
    assert "newer than in the backup" in other.ctl("restore", str(archive)).exits(2).err
    restored = other.ctl("restore", str(archive), "--keep", timeout=120).ok()
    assert f"{other.path / SETTINGS} is newer than in the backup, and stays" in restored.err
    assert other.secrets() == running.secrets()
    assert other.client.pulls("saved/app", IMAGE, "v1")
    # and again over the node that runs: nobody notices
    running.client.push("saved/app", images.image("later"), "v2")
    with Load([running.client, running.direct], pullers=2, pushers=1) as load:
        assert "tags" in running.ctl("restore", str(archive), "--keep", timeout=120).ok().out
        before = load.done.total()
        wait_for(lambda: load.done.total() > before + 10, what="requests after it")
    assert load.failed == {}
    assert running.client.pulls("saved/app", images.image("later"), "v2")


def test_a_full_disk_leaves_the_backups_that_there_are(running: Root, folder: Path) -> None:
    running.client.push("saved/app", IMAGE, "v1")
    before = back_up(running, folder, "--with-images")
    running.client.push("saved/new", images.image("new", size=60_000), "v1")
    for more in ((), ("--with-images",)):
        result = running.ctl("backup", "--to", str(folder), *more, before=FULL).exits(1)
        assert "File too large" in result.err
        assert str(folder) in result.err
    assert archives(folder) == [before]
    assert whole(Path(f"{before}.images"))
    after = back_up(running, folder, "--with-images")
    assert whole(Path(f"{after}.images")) > whole(Path(f"{before}.images"))


def test_a_backup_waits_for_no_collection_and_no_run(running: Root, folder: Path) -> None:
    """One sentence, and the status by which the timer tries again in a minute."""
    with (running.path / STATE / "run.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another run is under way" in running.ctl("backup", "--to", str(folder)).exits(75).err
    with (running.path / STATE / "backup.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another backup is under way" in running.ctl("backup", "--to", str(folder)).exits(75).err
    storage = os.open(storage_of(running), os.O_RDONLY)
    fcntl.flock(storage, fcntl.LOCK_EX)
    result = running.ctl("backup", "--to", str(folder), "--with-images").exits(75)
    os.close(storage)
    assert "a garbage collection or a migration of images works in" in result.err
    assert not folder.is_dir() or archives(folder) == []
    back_up(running, folder, "--with-images")


@pytest.mark.parametrize("seen", [SECRETS, "saved"])
def test_a_restore_that_was_killed_is_finished_by_the_next(
    running: Root, folder: Path, make_root: RootMaker, seen: str
) -> None:
    running.client.push("saved/app", IMAGE, "v1")
    archive = back_up(running, folder, "--with-images")
    fresh = make_root(seeded=False)
    fresh.ports.release()
    fresh.port, fresh.registry_port = running.port, running.registry_port
    place = storage_of(fresh) / "docker" if seen == "saved" else fresh.path / seen
    running.ctl("stop").ok()
    try:
        process = fresh.begin("restore", str(archive))
        wait_for(place.exists, what=str(place), seconds=60)
        kill(process)
        fresh.ctl("restore", str(archive), timeout=120).ok()
        assert fresh.secrets() == running.secrets()
        assert fresh.client.pulls("saved/app", IMAGE, "v1")
        fresh.ctl("stop").ok()
    finally:
        running.ctl("start").ok()
    wait_for(running.serves, what="the first node again")


@pytest.fixture(params=["age", "gpg"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A recipient of age or gpg, and the file with the private key."""
    return recipient(str(request.param), tmp_path)


def test_an_archive_with_images_is_encrypted_for_its_recipient_alone(
    running: Root, folder: Path, make_root: RootMaker, keys: tuple[str, Path]
) -> None:
    public, identity = keys
    running.client.push("saved/app", IMAGE, "v1")
    with CommandLines() as seen:
        options = ("--encrypt-to", public, "--with-images", "--verify", "--identity", str(identity))
        result = running.ctl("backup", "--to", str(folder), *options, timeout=180).ok()
    assert "images pulled" in result.out
    (archive,) = archives(folder)
    assert archive.suffix in (".age", ".gpg")
    layer = IMAGE.family()[IMAGE.needs[1].digest].content
    for path in (one for one in folder.rglob("*") if one.is_file()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert b"internal_key" not in path.read_bytes()
        assert layer[:1000] not in path.read_bytes()
    assert not list((storage_of(running)).glob(".ctl-*"))
    secrets = [json.loads((running.path / STATE / "backup-key.json").read_text())["password"]]
    shown = "\n".join(seen.lines)
    assert "restic" in shown
    assert not [one for one in (*secrets, *running.secrets().values()) if one in shown]
    fresh = make_root(seeded=False)
    fresh.ports.release()
    fresh.port, fresh.registry_port = running.port, running.registry_port
    refused = fresh.ctl("restore", str(archive), "--no-reconfigure")
    assert refused.code in (1, 2)
    assert not (fresh.path / SECRETS).exists()
    running.ctl("stop").ok()
    try:
        fresh.ctl("restore", str(archive), "--identity", str(identity), timeout=120).ok()
        assert fresh.secrets() == running.secrets()
        assert fresh.client.pulls("saved/app", IMAGE, "v1")
        fresh.client.push("saved/app", images.image("on top"), "v2")
        assert not list((storage_of(fresh)).glob(".ctl-*"))
        fresh.ctl("stop").ok()
    finally:
        running.ctl("start").ok()
    wait_for(running.serves, what="the first node again")


def test_one_that_was_killed_leaves_nothing_in_the_way(running: Root, folder: Path) -> None:
    """Neither links in the storage nor restic's lock."""
    running.client.push("saved/app", IMAGE, "v1")
    nobody = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    options = ("backup", "--to", str(folder), "--with-images", "--encrypt-to", nobody)
    process = running.begin(*options)
    wait_for((storage_of(running) / ".ctl-backup/docker").exists, what="the copy")
    kill(process)
    assert (storage_of(running) / ".ctl-backup").exists()
    assert not folder.is_dir() or archives(folder) == []
    running.ctl(*options, timeout=120).ok()
    assert not list(storage_of(running).glob(".ctl-*"))
    assert len(archives(folder)) == 1


def test_a_verification_that_was_killed_is_ended_by_the_next(running: Root, folder: Path) -> None:
    """Its registry, and the copy of all secrets."""
    process = running.begin("backup", "--to", str(folder), "--verify")
    own = running.read(SETTINGS)

    def started() -> Path | None:
        for one in Path("/var/tmp").glob("ctl-verification-*"):
            with suppress(OSError):  # another test's, gone by now
                if (one / SETTINGS).read_text() == own and (one / "etc/gitlab/verify.py").exists():
                    return one
        return None

    left = wait_for(started, what="a private root", seconds=60) or Path()
    kill(process)
    wait_for(
        lambda: not any("reconfigure" in one.arguments for one in below(left)), what="its run", seconds=60
    )
    (archive,) = archives(folder)
    running.ctl("backup", "--verify", str(archive), timeout=120).ok()
    assert not left.exists()
    assert not below(left)


def storage_of(root: Root) -> Path:
    return root.path / "var/opt/gitlab/gitlab-rails/shared/registry"


def test_backups_in_s3_are_verified_restored_and_deleted(running: Root, make_root: RootMaker) -> None:
    with GuardedS3Server("backups") as server:
        user, place = server.user, "s3://backups/node/one"
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
            "AWS_ACCESS_KEY_ID": user.access_key,
            "AWS_SECRET_ACCESS_KEY": user.secret_key,
        }
        refused = running.ctl("backup", "--to", place, env=environment | {"AWS_SECRET_ACCESS_KEY": "wrong"})
        assert refused.code == 1
        assert user.secret_key not in refused.err
        running.settings(
            f'registry_backup["s3_endpoint"] = "{environment["AWS_ENDPOINT_URL"]}"',
            f'registry_backup["s3_accesskey"] = "{user.access_key}"',
            f'registry_backup["s3_secretkey"] = "{user.secret_key}"',
            'gitlab_rails["backup_keep_time"] = 1',
        )
        running.reconfigure()
        running.client.push("saved/app", IMAGE, "v1")
        with CommandLines() as seen:
            result = running.ctl("backup", "--to", place, "--with-images", "--verify", timeout=180).ok()
        assert "images pulled" in result.out
        assert not [line for line in seen.lines if user.secret_key in line]
        assert "backup: last taken" in running.ctl("status").out
        first = result.out.split("saved ")[1].split()[0]
        assert first.startswith(f"{place}/registry_backup_")
        running.client.push("saved/later", BOTH, "v1")
        time.sleep(2)
        later = running.ctl("backup", "--to", place, "--with-images", timeout=120).ok().out
        assert f"deleted {first}" in later
        second = later.split("saved ")[1].split()[0]
        fresh = make_root(seeded=False)
        fresh.ports.release()
        fresh.port, fresh.registry_port = running.port, running.registry_port
        assert "cannot read" in fresh.ctl("restore", first, env=environment).exits(1).err
        running.ctl("stop").ok()
        try:
            fresh.ctl("restore", second, timeout=120, env=environment).ok()
            assert fresh.secrets() == running.secrets()
            assert fresh.client.pulls("saved/app", IMAGE, "v1")
            assert fresh.client.pulls("saved/later", BOTH, "v1")
            fresh.ctl("stop").ok()
        finally:
            running.ctl("start").ok()
        wait_for(running.serves, what="the first node again")
