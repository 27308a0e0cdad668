"""The folders in which the supervisor finds its services, and the parents of data and logs."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import Directory, Item
from ctl.node.node import Node
from ctl.node.runit_service import component_account
from ctl.settings.components.logs import LOGS


def recipe(node: Node) -> Iterator[Item]:
    """Folders that belong to no component alone."""
    layout = node.layout
    yield Directory(layout.data)
    yield Directory(layout.logs)
    yield Directory(layout.sv)
    yield Directory(layout.service)
    yield from component_account(node, LOGS)
