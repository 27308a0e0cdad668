"""Rotation of the logs that NGINX writes itself; svlogd rotates those of every service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Directory, Item, Template
from ctl.nginx.vhost import ERROR_LOG, deletions_log, refused_folder
from ctl.node.node import Node
from ctl.settings.components.logrotate import CONFIG
from ctl.settings.components.logrotate import LOGROTATE as COMPONENT

__all__ = ["COMPONENT", "recipe"]

REFUSED_SIZE = 10_000_000
"""Bytes of the log of refused requests at which it is rotated."""
REFUSED_NUMBER = 3
"""How many of those are kept."""


def bounded(node: Node) -> tuple[Path, ...]:
    """Logs that clients without credentials can make grow."""
    vhost_logs = Path(node.attributes.registry.nginx.log_directory)
    refused = refused_folder(node.attributes) / "gitlab_registry.log"
    return refused, deletions_log(node.attributes), vhost_logs / ERROR_LOG


def recipe(node: Node) -> Iterator[Item]:
    """The configuration with which the timer runs logrotate: svlogd's limits where there are no others."""
    nginx, config = node.attributes.nginx, node.layout.path(CONFIG)
    vhost_logs = node.attributes.registry.nginx.log_directory if node.serves_registry else nginx.log_directory
    yield Directory(config.parent)
    yield Template(
        config,
        source="logrotate/logrotate.conf.j2",
        variables={
            "logs": nginx.log_directory,
            "vhost_logs": vhost_logs if vhost_logs != nginx.log_directory else None,
            "logging": nginx,
            "create_as": f" root {node.attributes.web_server.group}" if node.privileged else "",
            "bounded": bounded(node) if node.serves_registry else (),
            "refused_size": REFUSED_SIZE,
            "refused_number": REFUSED_NUMBER,
            "pid": Path(nginx.dir) / "run/nginx.pid",
        },
    )
