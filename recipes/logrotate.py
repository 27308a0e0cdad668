"""Rotation of the logs that NGINX writes itself; svlogd rotates those of every service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Directory, Item, Template
from ctl.node.node import Node
from ctl.node.runit_service import runit_service
from ctl.settings.components.logrotate import LOGROTATE as COMPONENT


def recipe(node: Node) -> Iterator[Item]:
    """A service that rotates them every minute, by svlogd's limits where there are no others."""
    nginx, folder = node.attributes.nginx, node.layout.data / "logrotate"
    vhost_logs = node.attributes.registry.nginx.log_directory if node.serves_registry else nginx.log_directory
    yield Directory(folder)
    yield Template(
        folder / "logrotate.conf",
        source="logrotate/logrotate.conf.j2",
        variables={
            "logs": nginx.log_directory,
            "vhost_logs": vhost_logs if vhost_logs != nginx.log_directory else None,
            "logging": nginx,
            "create_as": f" root {node.attributes.web_server.group}" if node.privileged else "",
            "pid": Path(nginx.dir) / "run/nginx.pid",
        },
    )
    yield from runit_service(
        node,
        COMPONENT,
        "logrotate/run.j2",
        variables={"state": folder / "status", "config": folder / "logrotate.conf"},
    )
