"""Let's Encrypt: what a certificate needs, and what renews it: a service that sleeps, or the cron daemon."""

from __future__ import annotations

from ctl.settings.component import Component
from ctl.settings.rules.letsencrypt import obtains_certificate, renews_by

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
    log="letsencrypt.auto_renew_log_directory",
    recipe="letsencrypt_timer",
    signals={"TERM": "ends"},
    secondary=True,
)

CRON = Component(
    "letsencrypt-cron",
    what="the renewal of certificates by cron",
    switch="letsencrypt.auto_renew",
    when=lambda values: renews_by(values) == "cron",
    log="letsencrypt.auto_renew_log_directory",
    recipe="letsencrypt_cron",
    supervised=False,
)
