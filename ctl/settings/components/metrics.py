"""Numbers for Prometheus: a file that the timer writes each minute."""

from __future__ import annotations

from pathlib import Path

from ctl.settings.component import Component, ScheduledTask

METRICS = Component(
    "metrics",
    what="the numbers for Prometheus",
    switch="metrics.enable",
    supervised=False,
    tasks=lambda values: (
        ScheduledTask(
            "metrics", "* * * * *", ("metrics", "--output", Path(values["metrics.textfile"])), timeout=120
        ),
    ),
)
