"""Rotation of the logs that NGINX writes itself."""

from __future__ import annotations

from pathlib import Path

from ctl.settings.component import Component, ScheduledTask

FOLDER = Path("/var/opt/gitlab/logrotate")
CONFIG = FOLDER / "logrotate.conf"

LOGROTATE = Component(
    "logrotate",
    what="the rotation of NGINX's logs",
    switch="nginx.enable",
    programs=("logrotate",),
    supervised=False,
    tasks=lambda _: (
        ScheduledTask(
            "logrotate",
            "* * * * *",
            ("--state", FOLDER / "status", CONFIG),
            program="logrotate",
            timeout=600,
        ),
    ),
)
"""Every minute, so that a flood of requests does not fill the disk: one process for a moment, none in between."""
