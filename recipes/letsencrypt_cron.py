"""Renewal by the cron daemon, which notices its file by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.converge import Absent, Directory, Item, Template
from ctl.machine.search import SYSTEM_PATH
from ctl.node.node import Node
from ctl.node.scheduled import crontab_line
from ctl.settings.components.letsencrypt import CRON as COMPONENT

__all__ = ["COMPONENT", "recipe", "without"]


def recipe(node: Node) -> Iterator[Item]:
    """The file, and the folder of the log that its command writes."""
    logs = node.layout.path(node.attributes.letsencrypt.auto_renew_log_directory)
    yield Directory(logs, mode=0o750)
    yield Directory(cron_file(node).parent)
    yield Template(
        cron_file(node),
        source="letsencrypt/cron.j2",
        variables={"path": SYSTEM_PATH, "line": crontab_line(node, logs / "renewal.log")},
        owner="root",
        group="root",
    )


def without(node: Node) -> Iterator[Item]:
    """No file."""
    yield Absent(cron_file(node))


def cron_file(node: Node) -> Path:
    """Where the cron daemon looks (cron(8))."""
    return node.layout.path("/etc/cron.d/registry-ctl-letsencrypt")
