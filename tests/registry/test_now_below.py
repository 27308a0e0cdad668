"""Where little of the disk is free, a collection does not wait for a quarantine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.paths import Layout
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.serving import is_short
from ctl.registry.config import read_config


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """A registry with something stored."""
    (tmp_path / "images/docker/registry/v2/blobs/sha256/ab").mkdir(parents=True)
    (tmp_path / "images/docker/registry/v2/repositories").mkdir()
    config = tmp_path / "config.yml"
    config.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/images}}}}\n")
    return Setup(Layout(tmp_path), read_config(config, {}), Path("registry"), None)


def test_it_says_so(setup: Setup) -> None:
    notes: list[str] = []
    assert not is_short(setup, 0, notes.append)
    assert notes == []
    assert is_short(setup, 100, notes.append)
    assert "are free, less than 100 %: what no image needs is deleted at once (--now)" in notes[0]
