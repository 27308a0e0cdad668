"""Deletions and clean-ups that are killed: nothing is lost, and the next command on the storage undoes them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.collector.layout import QUARANTINE
from tests.harness import images
from tests.harness.breaking import broken, points
from tests.harness.cli import Cli
from tests.harness.registry_store import Store

pytestmark = pytest.mark.real

OLD = images.dated("old", (datetime.now(UTC) - timedelta(days=90)).isoformat())
INDEX = images.index(OLD, images.dated("other", "2020-01-01T00:00:00Z", architecture="arm64"))
SIGNATURE = f"sha256-{OLD.digest.partition(':')[2]}.sig"
YOUNG = images.dated("young", datetime.now(UTC).isoformat())
POLICY = ("--keep-n", "0", "--older-than", "7d", "--yes")
DELETIONS = {
    "tag": ("registry-delete", "a:v1", "--yes"),
    "manifest": ("registry-delete", f"a@{INDEX.digest}", "--yes"),
    "repository": ("registry-delete", "a", "--yes"),
    "clean-up": ("registry-cleanup", "a", *POLICY),
}
NEXT = (
    ("registry-delete", "b:gone", "--yes"),
    ("registry-cleanup", "b", *POLICY),
    ("registry-garbage-collect",),
)
"""Each of them undoes what was killed."""


def filled(root: Path) -> Store:
    store = Store(root / "images")
    store.push("a", OLD, "v1", "v2")
    store.push("a", INDEX, "multi")
    store.push("a", images.image("signature"), SIGNATURE)
    store.push("b", YOUNG, "stays", "gone")
    config = root / "var/opt/gitlab/registry/config.yml"
    config.parent.mkdir(parents=True)
    config.write_text(
        json.dumps({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(store.root)}}})
    )
    return store


def content(store: Store) -> dict[str, bytes]:
    """All that the registry serves of the repository."""
    files = [path for path in (store.root / "docker").rglob("*") if path.is_file()]
    return {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in files
        if "/repositories/b/" not in str(path)
    }


def runs(store: Store, *, closed: bool) -> list[str]:
    """The runs in quarantine that have ended, or not, and have moved something."""
    found = {path.name: path for path in (store.root / QUARANTINE).glob("20*") if any(path.rglob("link"))}
    reports = {name: json.loads((path / "run.json").read_text()) for name, path in found.items()}
    return [name for name, report in reports.items() if ("closed" in report) is closed]


@pytest.mark.parametrize("what", DELETIONS)
def test_a_killed_one_is_undone_by_the_next_command(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def delete(folder: Path, number: int) -> int:
        return broken(lambda: run([*DELETIONS[what], "--root", str(folder)]), folder / "images", number)

    whole = filled(tmp_path / "whole")
    total = delete(tmp_path / "whole", 0)
    gone = content(whole)
    assert total > 10
    for number in points(total, 2):
        folder, at = tmp_path / str(number), f"at change {number} of {total}"
        store = filled(folder)
        before = content(store)
        assert delete(folder, number) == -1
        ctl, cut, ended = Cli(folder, capsys), runs(store, closed=False), runs(store, closed=True)
        result = ctl(*NEXT[number % len(NEXT)]).exits(0)
        assert result.err.count("was cut off: what it removed is back") == len(cut), at
        if ended:
            assert content(store) == gone, at
            ctl("registry-garbage-collect", "--restore", ended[0]).exits(0)
        assert content(store) == before, at
        ctl(*DELETIONS[what]).exits(0)
        assert content(store) == gone, at
        shutil.rmtree(folder)


def test_one_that_fails_is_undone_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The registry, which has a cache in memory, cannot be started anew."""
    store = filled(tmp_path)
    before = content(store)
    ctl = Cli(tmp_path, capsys)
    result = ctl(*DELETIONS["repository"], "--switch", "false").exits(1)
    assert "everything was brought back" in result.err
    assert content(store) == before
    assert not list((store.root / QUARANTINE).glob("20*"))
