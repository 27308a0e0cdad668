"""Which storage driver a `storage` section names."""

from __future__ import annotations

from collections.abc import Mapping

NO_DRIVERS = frozenset({"cache", "delete", "redirect", "maintenance", "tag"})
"""Keys of `storage` that are no storage drivers."""
LOCAL_DRIVERS = ("filesystem", "inmemory")
"""Those that keep images on the registry's own machine."""


def driver_of(storage: object) -> str | None:
    """The storage driver that a `storage` section names, or None."""
    if isinstance(storage, str):
        return storage
    names = storage if isinstance(storage, Mapping) else {}
    return next((str(name) for name in names if name not in NO_DRIVERS), None)
