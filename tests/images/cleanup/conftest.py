"""A storage without a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.registry_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one."""
    return Store(tmp_path / "images")
