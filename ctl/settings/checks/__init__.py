"""Checks of settings against each other: what contradicts, what is missing, what will surprise."""

from __future__ import annotations

from collections.abc import Callable

from ctl.settings.checks import accounts, folders, issuer, letsencrypt, listeners, registry, secrets, urls
from ctl.settings.view import View

CHECKS: tuple[Callable[[View], None], ...] = (
    *urls.CHECKS,
    *letsencrypt.CHECKS,
    *issuer.CHECKS,
    *secrets.CHECKS,
    *accounts.CHECKS,
    *registry.CHECKS,
    *listeners.CHECKS,
    *folders.CHECKS,
)
"""Each looks at the options and says what is wrong; the order is that of the output."""
