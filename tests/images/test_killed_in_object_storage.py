"""Deletions and clean-ups in object storage that are killed between two requests: nothing is lost, the next goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctl.collector.layout import QUARANTINE
from ctl.storage.made import open_store
from ctl.storage.store import Store
from tests.harness.breaking import POINTS, points
from tests.harness.cli import Cli
from tests.harness.cloud import BUCKET, s3_parameters
from tests.harness.cutting import Way, way_to
from tests.harness.s3 import S3Server
from tests.images.test_killed import DELETIONS, NEXT, filled

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=["plain", "versioned"] if POINTS else ["plain"])
def server(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    with S3Server() as found:
        found.make_bucket(BUCKET)
        if request.param == "versioned":
            found.keep_versions(BUCKET)
        yield found


@pytest.fixture
def way(server: S3Server) -> Iterator[Way]:
    with way_to(server.endpoint) as found:
        yield found


@pytest.fixture
def store(server: S3Server, tmp_path: Path) -> Store:
    """A storage with some images."""
    found = open_store("s3", s3_parameters(server), {})
    found.erase_all("")
    folder = filled(tmp_path / "filled").root
    for path in folder.rglob("*"):
        if path.is_file():
            found.write(str(path.relative_to(folder)), [path.read_bytes()])
    return found


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


def delete(root: Path, way: Way, what: str) -> int:
    """Delete in a process that the way can kill. Returns its exit code."""
    command = [sys.executable, "-m", "ctl", *DELETIONS[what], "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    way.victim = process.pid
    error = process.communicate(timeout=60)[1]
    assert b"Traceback" not in error
    return process.returncode


@pytest.mark.parametrize("what", DELETIONS)
def test_a_killed_one_is_undone_by_the_next_command(
    server: S3Server, store: Store, way: Way, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(store)
    through, direct = tmp_path / "through", tmp_path / "direct"
    configured(through, way.endpoint, s3_parameters(server))
    configured(direct, server.endpoint, s3_parameters(server))
    ctl = Cli(direct, capsys)
    assert delete(through, way, what) == 0
    total, gone = way.count, content(store)
    assert total > 5
    ctl("registry-cleanup", "--undo", *closed_runs(store)).exits(0)
    assert content(store) == before
    for number in points(2 * total, 1):
        at = f"at {number / 2} of {total} requests"
        way.expect((number + 1) // 2, answered=number % 2 == 0)
        code = delete(through, way, what)
        assert code == -9 or way.count < (number + 1) // 2, at  # a later one has fewer
        ended = closed_runs(store)
        ctl(*NEXT[number % len(NEXT)]).exits(0)
        if ended:
            assert content(store) == gone, at
        for one in closed_runs(store):  # of the next command, too
            ctl("registry-cleanup", "--undo", one).exits(0)
        assert content(store) == before, at
        assert not [one.key for one in store.list(f"{QUARANTINE}/20")], at
