"""Rotation of the logs that NGINX writes itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.settings.component import Component, ScheduledTask
from ctl.settings.rules.vhost import REFUSED_LOGS
from ctl.settings.values import Values

FOLDER = Path("/var/opt/gitlab/logrotate")
CONFIG = FOLDER / "logrotate.conf"


def _tasks(values: Values) -> Iterator[ScheduledTask]:
    """A minute after a line was written, so that a flood of requests does not fill the disk; a node at rest sleeps."""
    folders = dict.fromkeys(
        str(values[f"{section}.log_directory"]) for section in ("nginx", "registry.nginx")
    )
    yield ScheduledTask(
        "logrotate",
        "@hourly" if values["nginx.logrotate_frequency"] == "hourly" else "@daily",
        ("--state", FOLDER / "status", CONFIG),
        program="logrotate",
        timeout=600,
        on_write=(*folders, *(f"{folder}/{REFUSED_LOGS}" for folder in folders)),
    )


LOGROTATE = Component(
    "logrotate",
    what="the rotation of NGINX's logs",
    switch="nginx.enable",
    programs=("logrotate",),
    supervised=False,
    tasks=_tasks,
)
