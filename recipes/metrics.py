"""Numbers for Prometheus: the folder of the file that the timer writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Directory, Item
from ctl.node.node import Node
from ctl.settings.components.metrics import METRICS as COMPONENT

__all__ = ["COMPONENT", "recipe"]


def recipe(node: Node) -> Iterator[Item]:
    """Its folder, which NGINX's workers may enter; one that is there already stays as it is."""
    folder = Path(node.attributes.metrics.textfile).parent
    if folder.is_relative_to(node.layout.data):
        yield Directory(folder, owner="root", group="root", mode=0o755)
