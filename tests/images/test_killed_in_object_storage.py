"""Deletions, clean-ups and collections in object storage that are killed between two requests: nothing is lost.

The next command goes on. Each bucket is tried with each where all points are.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ctl.collector.collection import collect
from ctl.collector.layout import BLOBS, QUARANTINE
from ctl.storage.made import open_store
from ctl.storage.store import Store
from tests.harness import images
from tests.harness.breaking import POINTS, points
from tests.harness.cli import Cli
from tests.harness.cloud import BUCKET, s3_parameters
from tests.harness.collecting import SILENT, at_once
from tests.harness.cutting import Way, way_to
from tests.harness.registry_store import Store as Folder
from tests.harness.s3 import S3Server
from tests.images.test_killed import DELETIONS, NEXT, filled

pytestmark = pytest.mark.real


BUCKETS = ("plain", "versioned")
STAYS = images.image("stays", shared=[images.layer("shared", size=200)])
GOES = images.image("goes", shared=[images.layer("shared", size=200)])
ALL = at_once(untagged=True)
COLLECT = ("registry-garbage-collect", "-m", "--older-than", "0")
COLLECTIONS = {
    "collect": COLLECT,
    "purge": (*COLLECT, "--keep-for", "0"),
    "restore": ("registry-garbage-collect", "--restore"),
    "now": (*COLLECT, "--now"),
}


@pytest.fixture(scope="module", params=BUCKETS)
def server(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    with S3Server() as found:
        found.make_bucket(BUCKET)
        if request.param == "versioned":
            found.keep_versions(BUCKET)
        yield found


def some_buckets(name: str) -> pytest.MarkDecorator:
    """A test with both where all points are, else with one."""
    return pytest.mark.parametrize("server", BUCKETS if POINTS else (name,), indirect=True, scope="module")


@pytest.fixture
def way(server: S3Server) -> Iterator[Way]:
    with way_to(server.endpoint) as found:
        yield found


@pytest.fixture
def store(server: S3Server, tmp_path: Path) -> Store:
    """A storage with some images."""
    found = open_store("s3", s3_parameters(server), {})
    write(found, filled(tmp_path / "filled"))
    return found


def write(store: Store, folder: Folder) -> None:
    """Make a storage what a folder is."""
    store.erase_all("")
    for path in folder.root.rglob("*"):
        if path.is_file():
            store.write(str(path.relative_to(folder.root)), [path.read_bytes()])


def configured(root: Path, endpoint: str, parameters: dict[str, Any]) -> Path:
    config = root / "var/opt/gitlab/registry/config.yml"
    config.parent.mkdir(parents=True, exist_ok=True)
    given = parameters | {"regionendpoint": endpoint}
    config.write_text(json.dumps({"version": 0.1, "storage": {"s3": given}}))
    return config


def content(store: Store) -> dict[str, bytes]:
    """All that a registry has written of the repository."""
    return {
        one.key: store.read(one.key) for one in store.list("docker/") if "/repositories/b/" not in one.key
    }


def closed_runs(store: Store) -> list[str]:
    reports = [one.key for one in store.list(f"{QUARANTINE}/") if one.key.endswith("/run.json")]
    return [key.split("/")[1] for key in reports if "closed" in json.loads(store.read(key))]


def run(root: Path, way: Way, arguments: Sequence[str]) -> int:
    """Run a command in a process that the way can kill. Returns its exit code."""
    command = [sys.executable, "-m", "ctl", *arguments, "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    way.victim = process.pid
    error = process.communicate(timeout=60)[1]
    assert b"Traceback" not in error
    return process.returncode


@some_buckets("plain")
@pytest.mark.parametrize("what", DELETIONS)
def test_a_killed_one_is_undone_by_the_next_command(
    server: S3Server, store: Store, way: Way, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(store)
    through, direct = tmp_path / "through", tmp_path / "direct"
    configured(through, way.endpoint, s3_parameters(server))
    configured(direct, server.endpoint, s3_parameters(server))
    ctl = Cli(direct, capsys)
    assert run(through, way, DELETIONS[what]) == 0
    total, gone = way.count, content(store)
    assert total > 5
    ctl("registry-cleanup", "--undo", *closed_runs(store)).exits(0)
    assert content(store) == before
    for number in points(2 * total, 1):
        at = f"at {number / 2} of {total} requests"
        way.expect((number + 1) // 2, answered=number % 2 == 0)
        code = run(through, way, DELETIONS[what])
        assert code == -9 or way.count < (number + 1) // 2, at  # a later one has fewer
        ended = closed_runs(store)
        ctl(*NEXT[number % len(NEXT)]).exits(0)
        if ended:
            assert content(store) == gone, at
        for one in closed_runs(store):  # of the next command, too
            ctl("registry-cleanup", "--undo", one).exits(0)
        assert content(store) == before, at
        assert not [one.key for one in store.list(f"{QUARANTINE}/20")], at


@some_buckets("versioned")
@pytest.mark.parametrize("what", COLLECTIONS if POINTS else ["collect", "purge"])
def test_a_killed_collection_loses_nothing(server: S3Server, way: Way, tmp_path: Path, what: str) -> None:
    """Killed in the quarantine by copies, or by deletions that leave versions, and on the way back."""
    store, folder = open_store("s3", s3_parameters(server), {}), Folder(tmp_path / "filled")
    folder.push("a", STAYS, "v1")
    folder.push("a", GOES)
    configured(tmp_path, way.endpoint, s3_parameters(server))

    def attempt(number: int = 0, *, answered: bool = False) -> int:
        write(store, folder)
        before = [collect(store, ALL, SILENT).run] if what in ("purge", "restore") else []
        way.expect(number, answered=answered)
        return run(tmp_path, way, [*COLLECTIONS[what], *(before if what == "restore" else [])])

    assert attempt() == 0
    total = way.count
    assert total > 5
    for number in points(2 * total, 1):
        at = f"at {number / 2} of {total} requests"
        code = attempt((number + 1) // 2, answered=number % 2 == 0)
        assert code == -9 or way.count < (number + 1) // 2, at  # a later one has fewer
        assert STAYS.family().keys() <= blobs(store), at
        for _ in range(4):  # what was moved, then the links to it, and the purge of each
            collect(store, replace(ALL, keep_for=0), SILENT)
        assert blobs(store) == STAYS.family().keys(), at
        assert not [one.key for one in store.list(f"{QUARANTINE}/20")], at
        left = {key.split("/")[-2] for key in server.versions(BUCKET, "Version") if BLOBS in key}
        assert left == {digest.partition(":")[2] for digest in STAYS.family()}, f"bytes nobody can free {at}"


def blobs(store: Store) -> set[str]:
    return {f"sha256:{one.key.split('/')[-2]}" for one in store.list(f"{BLOBS}/")}
