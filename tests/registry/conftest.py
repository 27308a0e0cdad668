"""Registries under runit for the tests with real programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.harness.ports import Ports
from tests.registry.stack import Stack, stack


@pytest.fixture
def registry() -> Iterator[Stack]:
    """A registry that runs, of one test alone."""
    ports = Ports()
    with stack(ports) as one:
        yield one
    ports.release()
