"""Rotation of the logs that NGINX writes itself; svlogd rotates those of every service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ctl.converge import Directory, Item, Template
from ctl.nginx.vhost import ANONYMOUS_LOG, ERROR_LOG, deletions_log, refused_folder
from ctl.node.node import Node
from ctl.settings.components.logrotate import CONFIG
from ctl.settings.components.logrotate import LOGROTATE as COMPONENT

__all__ = ["COMPONENT", "recipe"]


class Bounded(NamedTuple):
    """Logs that clients without credentials can make grow, whatever the settings say of others.

    Args:
        logs: the files.
        size: bytes of each at which it is rotated.
        number: how many rotated ones are kept.
    """

    logs: tuple[Path, ...]
    size: int
    number: int


def bounded(node: Node) -> tuple[Bounded, ...]:
    """Together 150 MB, with what one client can add within the minute after which the timer looks at them."""
    vhost_logs = Path(node.attributes.registry.nginx.log_directory)
    refused = refused_folder(node.attributes) / "gitlab_registry.log"
    return (
        Bounded((refused, deletions_log(node.attributes), vhost_logs / ERROR_LOG), 15_000_000, 1),
        Bounded((vhost_logs / ANONYMOUS_LOG,), 10_000_000, 3),
    )


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
            "pid": Path(nginx.dir) / "run/nginx.pid",
        },
    )
