"""Checks of settings against each other: what contradicts, what is missing, what will surprise."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

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
from ctl.settings.option import View

Check = Callable[[View], None]

_MODULES = (
    url_agreement,
    certification,
    issuing,
    key_pair,
    accounts,
    registry_sections,
    listeners,
    exposure,
    folders,
    variables,
)


def _checks_of(module: ModuleType) -> Iterator[Check]:
    """The checks of a module: its functions that take a view alone and return nothing."""
    for one in vars(module).values():
        if inspect.isfunction(one) and one.__annotations__ == {"view": "View", "return": "None"}:
            yield one


CHECKS = tuple(check for module in _MODULES for check in _checks_of(module))
"""Each looks at the options and reports what is wrong; the order is that of the output."""
