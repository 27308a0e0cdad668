"""Settings of the metadata database, which only GitLab's registry has, and of what works on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ctl.registry.programs.base import Unsupported, is_on, is_true

NEEDS = "GitLab's registry"
REPORTERS_OF_2 = frozenset({"bugsnag", "newrelic"})


def metadata_settings(registry: Mapping[str, Any]) -> Iterator[Unsupported]:
    """Those in force."""
    if is_on(registry["database"], default=False):
        yield Unsupported("registry.database", 'registry["database"]', NEEDS)
    if registry["gc"] and not is_true(registry["gc"].get("disabled")):
        yield Unsupported("registry.gc", 'registry["gc"]', NEEDS)
    for name in ("cache", "loadbalancing"):
        if is_on((registry["redis"] or {}).get(name), default=False):
            yield Unsupported("registry.redis", f'registry["redis"]["{name}"]', NEEDS)
    yield from reporters(registry, lambda name: name not in REPORTERS_OF_2, NEEDS)


def reporters(
    registry: Mapping[str, Any], wanted: Callable[[str], bool], needs: str
) -> Iterator[Unsupported]:
    """Services in `reporting` that are in force and that a program does not know.

    Args:
        registry: the settings, resolved.
        wanted: which ones.
        needs: which program knows them.
    """
    for name, block in sorted((registry["reporting"] or {}).items()):
        if wanted(name) and is_on(block, default=True):
            yield Unsupported("registry.reporting", f'registry["reporting"]["{name}"]', needs)
