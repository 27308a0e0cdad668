"""For tests of the doctor: one node that all of them break and mend."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.doctor_node import Node, doctor_node


@pytest.fixture(scope="session")
def shared_node() -> Iterator[Node]:
    """A running node."""
    with doctor_node() as node:
        yield node


@pytest.fixture(scope="module")
def node(shared_node: Node) -> Node:
    """It, with empty logs."""
    shared_node.forget()
    return shared_node
