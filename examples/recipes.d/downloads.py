"""A site's own recipe: a service under ctl's supervisor, with an account, an address and a log of its own.

Whoever sets up a client fetches from it what `ctl trust` would install. Copy this file to /etc/gitlab/recipes.d/,
writable by root alone, and run `ctl reconfigure`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import Directory, File, Item
from ctl.machine.health import HttpCheck
from ctl.node.node import Node
from ctl.node.runit_service import component_account, runit_service
from ctl.settings.component import Component, listens_at, own_account

PORT = 8090
COMPONENT = Component(
    "downloads",
    account=own_account("downloads"),
    listeners=listens_at({f"127.0.0.1:{PORT}": "the downloads"}),
    health=lambda _: [HttpCheck(f"127.0.0.1:{PORT}", "/", "localhost", statuses=(200,))],
    health_seconds=10,
    programs=("python3",),
    after=("registry",),
    signals={"TERM": "ends", "INT": "ends"},
)


def recipe(node: Node) -> Iterator[Item]:
    """Its account, the folder with a page in it, and the service."""
    folder = node.layout.data / "downloads"
    yield from component_account(node, COMPONENT)
    yield Directory(folder)
    yield File(folder / "index.html", content=f"Images: {node.attributes.registry_external_url}\n")
    yield from runit_service(
        node,
        COMPONENT,
        ["/usr/bin/python3", "-m", "http.server", PORT, "--bind", "127.0.0.1", "--directory", folder],
    )
