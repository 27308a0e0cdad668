"""A timer that runs as runit starts it, in a root of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.timer import TimerProcess


@pytest.fixture
def timer(tmp_path: Path) -> Iterator[TimerProcess]:
    """It runs once it is started, and ends with the test."""
    found = TimerProcess(tmp_path)
    yield found
    found.end()
