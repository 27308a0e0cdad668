"""Rotation of the logs that NGINX writes itself; svlogd rotates those of every service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Directory, Item, Service, Template
from ctl.node.node import Node
from ctl.services import runit_service


def recipe(node: Node) -> Iterator[Item]:
    """A service that looks after them every ten minutes, by the same limits as svlogd."""
    nginx = node.attributes.nginx
    if not nginx.enable:
        yield Service("logrotate", enabled=False)
        return
    folder = node.layout.data / "logrotate"
    yield Directory(folder)
    yield Template(
        folder / "logrotate.conf",
        source="logrotate/logrotate.conf.j2",
        variables={
            "logs": nginx.log_directory,
            "logging": nginx,
            "create_as": f" root {node.attributes.web_server.group}" if node.privileged else "",
            "pid": Path(nginx.dir) / "run/nginx.pid",
        },
    )
    yield from runit_service(
        node,
        "logrotate",
        run_source="logrotate/run.j2",
        variables={"state": folder / "status", "config": folder / "logrotate.conf"},
        listen=[],
        wait=10,
        log_directory=node.layout.logs / "logrotate",
        logging=node.attributes.logging,
    )
