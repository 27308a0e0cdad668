"""Let's Encrypt: what a certificate needs, and what renews it: the timer, or the cron daemon."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.settings.component import Component, ScheduledTask
from ctl.settings.rules.letsencrypt import obtains_certificate, renews_by
from ctl.settings.values import Values

TASK = "letsencrypt"
"""The name of the scheduled renewal."""
_LOG = "letsencrypt.auto_renew_log_directory"


def _renewal(values: Values) -> Iterator[ScheduledTask]:
    fields = (values[f"letsencrypt.auto_renew_{name}"] for name in ("minute", "hour", "day_of_month"))
    yield ScheduledTask(TASK, f"{' '.join(fields)} * *", ("renew-le-certs",), retry=True, log=True)


LETSENCRYPT = Component(
    "acme",
    what="Let's Encrypt",
    switch="letsencrypt.enable",
    when=obtains_certificate,
    recipe="letsencrypt",
    supervised=False,
)

RENEWAL = Component(
    "letsencrypt",
    what="the renewal of certificates",
    switch="letsencrypt.auto_renew",
    when=lambda values: renews_by(values) == "runit",
    log=_LOG,
    recipe="letsencrypt_renewal",
    supervised=False,
    tasks=_renewal,
)

CRON = Component(
    "letsencrypt-cron",
    what="the renewal of certificates by cron",
    switch="letsencrypt.auto_renew",
    when=lambda values: renews_by(values) == "cron",
    log=_LOG,
    recipe="letsencrypt_cron",
    supervised=False,
)
