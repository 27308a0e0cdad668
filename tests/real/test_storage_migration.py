"""The images move to another storage and back while clients pull and push; runs that are killed go on."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import images
from tests.harness.cloud import BUCKET
from tests.harness.moving import KEPT, MIGRATE, Clients, migrate
from tests.harness.root import SETTINGS, Root, RootMaker, kill
from tests.harness.s3 import S3Server
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real
STATE = "var/opt/gitlab/ctl"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        server.make_bucket(BUCKET)
        yield server


def to_s3(root: Root, s3: S3Server, name: str) -> Path:
    keys = {"accesskey": "any", "secretkey": "not-to-be-shown", "region": "us-east-1", "bucket": BUCKET}
    driver = {**keys, "regionendpoint": s3.endpoint, "rootdirectory": f"/{name}-{root.registry}"}
    storage = {"s3": driver, "redirect": {"disable": True}}
    return root.write("etc/gitlab/s3.py", f'registry["storage"] = {storage!r}\n', mode=0o600)


@pytest.mark.one_registry("the other one is moved by the next test, killed on the way", major=3)
def test_to_object_storage_and_back_while_clients_work(make_root: RootMaker, s3: S3Server) -> None:
    root = make_root()
    root.settings('registry["storage_delete_enabled"] = True  # kept')
    root.reconfigure()
    root.client.push("grp/app", KEPT, "v1")
    file, clients = to_s3(root, s3, "back"), Clients(root)
    assert "would copy" in root.ctl(MIGRATE, "--to", str(file), "--dry-run").ok().text
    with clients.at_work():
        wait_for(lambda: len(clients.pushed) > 1, what="pushes before")
        report = migrate(root, file)
        before = len(clients.pushed)
        wait_for(lambda: len(clients.pushed) > before, what="pushes afterwards")
    assert (clients.failed, clients.refused > 0) == (0, True)
    assert clients.pulled > 3
    stored = {key for key in s3.objects(BUCKET) if key.startswith(f"back-{root.registry}/docker/")}
    assert len(stored) >= report["objects"] > report["blobs"] > 0
    assert clients.all_there()
    settings = root.read(SETTINGS)
    assert "# kept" in settings
    assert "readonly" not in settings
    assert "not-to-be-shown" not in json.dumps(report)

    old = root.path / "var/opt/gitlab/gitlab-rails/shared/registry/docker/registry/v2/blobs"
    kept = set(old.rglob("data"))
    root.client.push("grp/there", KEPT, "only-there")
    again = migrate(root, Path(report["back"]))
    assert kept <= set(old.rglob("data"))
    assert again["copied"] < again["objects"], "what is there already is not copied again"
    assert root.client.pulls("grp/there", KEPT, "only-there")
    assert clients.all_there()
    root.client.push("grp/home", KEPT, "v1")
    assert root.ctl("reconfigure", "--json").ok().json()["changed"] == 0


@pytest.mark.one_registry("what is killed is ctl", major=2)
def test_a_killed_migration_goes_on(make_root: RootMaker, s3: S3Server) -> None:
    root = make_root()
    root.settings()
    root.reconfigure()
    root.client.push("grp/app", KEPT, "v1")
    for number in range(5):
        root.client.push(f"grp/n{number}", images.image(f"killed {number}", size=2_000), "v1")
    file = to_s3(root, s3, "killed")
    prefix = f"killed-{root.registry}/docker/"
    moments = {
        "it copies": lambda: any(key.startswith(prefix) for key in s3.objects(BUCKET)),
        "pushes are refused": lambda: "readonly" in root.read(SETTINGS),
        "the settings name the new storage": lambda: "us-east-1" in root.read(SETTINGS),
    }
    for what, look in moments.items():
        process = root.begin(MIGRATE, "--to", str(file))
        wait_for(look, what=what, seconds=30)
        kill(process)
        assert root.client.pulls("grp/app", KEPT, "v1"), what
        if what == "pushes are refused":
            _undone(root, file)
    root.ctl(MIGRATE, "--to", str(file), timeout=120).ok()
    assert root.client.pulls("grp/app", KEPT, "v1")
    assert all(
        root.client.pulls(f"grp/n{number}", images.image(f"killed {number}", size=2_000), "v1")
        for number in range(5)
    )
    root.client.push("grp/after", KEPT, "v1")
    assert any(key.startswith(f"{prefix}registry/v2/repositories/grp/after/") for key in s3.objects(BUCKET))
    assert "readonly" not in root.read(SETTINGS)


def _under_way(root: Root, file: Path) -> subprocess.Popen[str]:
    """A migration that stands still while it holds pushes, and no run."""
    process = root.begin(MIGRATE, "--to", str(file))
    lock = root.path / STATE / "run.lock"
    wait_for(lambda: "readonly" in root.read(SETTINGS), what="the hold of pushes", seconds=30)
    while True:
        process.send_signal(signal.SIGSTOP)
        with lock.open("rb") as file_of_lock, suppress(BlockingIOError):
            fcntl.flock(file_of_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return process
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        assert process.poll() is None


@pytest.mark.one_registry("what is asked is ctl", major=2)
def test_no_backup_is_taken_of_a_moment_without_pushes(make_root: RootMaker, s3: S3Server) -> None:
    """A node restored from it would refuse them too. Afterwards, and of a killed migration, there is one."""
    root = make_root()
    root.settings()
    root.reconfigure()
    root.client.push("grp/app", KEPT, "v1")
    backups = root.folder / "backups"
    save = ("backup", "--to", str(backups))
    process = _under_way(root, to_s3(root, s3, "saved"))
    assert "the registry takes no pushes until its end" in root.ctl(*save).exits(75).err
    assert "takes no pushes" in root.ctl(*save, "--with-images").exits(75).err
    assert not backups.exists()
    kill(process)
    assert "warning: a migration of the storage was killed" in root.ctl(*save).ok().err
    root.ctl(MIGRATE, "--to", str(root.path / "etc/gitlab/s3.py"), timeout=120).ok()
    assert "warning" not in root.ctl(*save).ok().err
    assert root.client.pulls("grp/app", KEPT, "v1")


def _undone(root: Root, file: Path) -> None:
    """What a killed migration leaves is reported with the command that goes on, and can be undone."""
    problem = f"`ctl registry-migrate-storage --to {file}` goes on, `ctl recover` undoes it"
    assert problem in root.ctl("status").exits(1).text
    assert problem in " ".join(root.ctl("doctor", "files").exits(1).text.split())
    assert "the registry takes pushes again" in root.ctl("recover").ok().text
    root.client.push("grp/undone", KEPT, "v1")
    root.ctl("status").ok()
    assert "readonly" not in root.read(SETTINGS)


@pytest.mark.one_registry("the settings do not differ", major=2)
def test_a_new_folder_and_what_is_refused(make_root: RootMaker, s3: S3Server) -> None:
    root = make_root()
    root.settings()
    root.reconfigure()
    root.client.push("grp/app", KEPT, "v1")
    before = root.read(SETTINGS)
    file = root.write(
        "etc/gitlab/bad.py", to_s3(root, s3, "x").read_text().replace(BUCKET, "of-others"), mode=0o600
    )
    output = root.ctl(MIGRATE, "--to", str(file)).exits(1).text
    assert 'bucket "of-others"' in output
    assert root.read(SETTINGS) == before
    nothing = root.write("etc/gitlab/nothing.py", 'external_url = "https://x.example.com"\n')
    assert "names no storage" in root.ctl(MIGRATE, "--to", str(nothing)).exits(2).text
    root.write(SETTINGS, before + 'gitlab_rails["registry_path"] = "/var/opt/images"\n')
    warning = "1 tag of 1 repository"
    for command in (["check-config"], ["reconfigure", "--dry-run"]):
        output = " ".join(root.ctl(*command).ok().text.split())
        assert warning in output
        assert "ctl registry-migrate-storage --to" in output
    report = migrate(root, root.path / SETTINGS)
    assert report["to"] == str(root.path / "var/opt/images")
    assert root.client.pulls("grp/app", KEPT, "v1")
    root.client.push("grp/after", KEPT, "v1")
    assert (root.path / "var/opt/images/docker/registry/v2/repositories/grp/after").is_dir()
    assert root.read(SETTINGS) == before + 'gitlab_rails["registry_path"] = "/var/opt/images"\n'
    assert migrate(root, root.path / SETTINGS) == {"copied": 0, "already": True}
    assert warning not in root.ctl("check-config").ok().text
