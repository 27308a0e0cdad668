"""Checks of settings against each other: what contradicts, what is missing, what will surprise."""

from __future__ import annotations

from collections.abc import Callable

from ctl.settings.checks import (
    accounts,
    certification,
    exposure,
    folders,
    issuing,
    key_pair,
    listeners,
    registry_sections,
    url_agreement,
    variables,
)
from ctl.settings.view import View

CHECKS: tuple[Callable[[View], None], ...] = (
    *url_agreement.CHECKS,
    *certification.CHECKS,
    *issuing.CHECKS,
    *key_pair.CHECKS,
    *accounts.CHECKS,
    *registry_sections.CHECKS,
    *listeners.CHECKS,
    *exposure.CHECKS,
    *folders.CHECKS,
    *variables.CHECKS,
)
"""Each looks at the options and reports what is wrong; the order is that of the output."""
