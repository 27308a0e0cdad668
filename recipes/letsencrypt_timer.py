"""The service that renews certificates: it sleeps until a certificate is due, and renews it."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.acme.timer import own_command, python_path
from ctl.converge import Item
from ctl.node.node import Node
from ctl.node.runit_service import runit_service
from ctl.settings.components.letsencrypt import RENEWAL as COMPONENT


def recipe(node: Node) -> Iterator[Item]:
    """The service."""
    yield from runit_service(
        node,
        COMPONENT,
        "letsencrypt/run.j2",
        variables={
            "command": own_command(node),
            "python_path": python_path(),
        },
    )
