"""The log of renewals; the timer runs them."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import Item
from ctl.node.node import Node
from ctl.node.runit_service import log_folder
from ctl.settings.components.letsencrypt import RENEWAL as COMPONENT

__all__ = ["COMPONENT", "recipe"]


def recipe(node: Node) -> Iterator[Item]:
    """Its folder."""
    yield from log_folder(node, COMPONENT)
