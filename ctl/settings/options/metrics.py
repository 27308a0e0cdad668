"""Numbers for Prometheus."""

from __future__ import annotations

from ctl.settings.option import Option
from ctl.settings.types import AbsolutePath, Bool

OPTIONS = (
    Option(
        "metrics.enable",
        Bool(),
        "The timer writes numbers for Prometheus each minute; NGINX's status page has them at /metrics.",
        default=False,
        example="True",
        reaches=("tasks of the timer", "status page"),
    ),
    Option(
        "metrics.textfile",
        AbsolutePath(managed=True),
        "Where they are written; node_exporter reads files that end in .prom.",
        default="/var/opt/gitlab/metrics/registry.prom",
        example='"/var/lib/prometheus/node-exporter/registry.prom"',
        reaches=("tasks of the timer",),
    ),
)
