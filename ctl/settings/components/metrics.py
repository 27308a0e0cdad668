"""Numbers for Prometheus: a file that the timer writes each minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctl.settings.component import Component, ScheduledTask
from ctl.settings.values import Values
from ctl.storage.drivers import WITH_CLIENT


def _tasks(values: Values) -> Iterator[ScheduledTask]:
    """The numbers, and once a day those for which the whole storage is listed, where its files have them."""
    output = Path(values["metrics.textfile"])
    yield ScheduledTask("metrics", "* * * * *", ("metrics", "--output", output), timeout=120)
    listed = {*WITH_CLIENT} & set(values["registry.storage"])
    if values["registry.enable"] and listed and not (values["registry.database"] or {}).get("enabled"):
        yield ScheduledTask("storage-usage", "45 2 * * *", ("registry-disk-usage", "--sums"), timeout=86_400)


METRICS = Component(
    "metrics",
    what="the numbers for Prometheus",
    switch="metrics.enable",
    supervised=False,
    tasks=_tasks,
)
