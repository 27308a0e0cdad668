"""What the tests of convergence with a supervisor have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.supervisor import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty root with a supervisor."""
    return Bench.at(tmp_path)
