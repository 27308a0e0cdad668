"""Rotation of the logs that NGINX writes itself."""

from __future__ import annotations

from ctl.settings.component import Component

LOGROTATE = Component(
    "logrotate",
    what="the rotation of NGINX's logs",
    switch="nginx.enable",
    programs=("logrotate",),
    wait=10,
    signals={"TERM": "ends"},
    secondary=True,
)
