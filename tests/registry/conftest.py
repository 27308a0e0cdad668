"""Registries under runit for the tests with real programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.ports import Ports
from tests.harness.registries import Registry
from tests.harness.registry_stack import Stack, stack


@pytest.fixture
def registry(registry_program: Registry) -> Iterator[Stack]:
    """A registry that runs, of one test alone."""
    ports = Ports()
    with stack(ports, program=registry_program.program) as one:
        yield one
    ports.release()
