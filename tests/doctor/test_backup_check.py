"""`ctl doctor backup` and what `ctl status` has of the last backup."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ctl.node.last_backup import LastBackup, last_backup, note_backup
from ctl.paths import Layout
from tests.harness.cli import Cli

SETTINGS = 'registry_external_url = "https://localhost:5443"\n'
DAILY = 'registry_backup["enable"] = True\n'


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    ctl = Cli(tmp_path, capsys)
    ctl.settings(SETTINGS + DAILY)
    Layout(tmp_path).state.mkdir(parents=True)
    return ctl


def note(ctl: Cli, *, days: int = 0) -> Path:
    """A backup of some days ago."""
    archive = ctl.root / "backup.tar"
    archive.write_bytes(b"")
    note_backup(Layout(ctl.root), LastBackup(time.time() - days * 86_400, str(archive), True, True))
    return archive


def test_none_yet(ctl: Cli) -> None:
    assert "none was taken yet" in ctl("doctor", "backup").ok().out


def test_one_that_is_good(ctl: Cli) -> None:
    archive = note(ctl)
    assert f"with images, verified: {archive}" in ctl("doctor", "backup").ok().out
    assert "backup: last taken" in ctl("status").out
    assert ctl("status", "--json").json()["backup"]["archive"] == str(archive)


def test_one_that_is_too_old(ctl: Cli) -> None:
    note(ctl, days=4)
    assert "later ones were due" in ctl("doctor", "backup").exits(1).out
    ctl.settings(SETTINGS)
    ctl("doctor", "backup").ok()


def test_one_that_is_gone(ctl: Cli) -> None:
    note(ctl).unlink()
    assert "not there any more" in ctl("doctor", "backup").exits(1).out


def test_a_damaged_record_is_none(ctl: Cli) -> None:
    note(ctl)
    (Layout(ctl.root).state / "last-backup.json").write_text("{")
    assert last_backup(Layout(ctl.root)) is None
