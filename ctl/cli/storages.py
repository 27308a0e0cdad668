"""Finds the registry's storage for commands that read it, and lets them work there as the registry's account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.cli.framework import Context
from ctl.errors import PreflightError

if TYPE_CHECKING:
    from ctl.collector.tree import Tree
    from ctl.registry.collect.collector import Setup
    from ctl.storage.store import Store


@dataclass(frozen=True)
class Opened:
    """The storage of a registry.

    Args:
        setup: the registry.
        place: its folder, or the client of object storage.
        tree: what is in it.
    """

    setup: Setup
    place: str | Store
    tree: Tree


@contextmanager
def opened(ctx: Context, config: Path | None) -> Iterator[Opened]:
    """Work in the registry's storage with its account's rights.

    Args:
        ctx: of the command.
        config: a config.yml, or None for the service's own.

    Raises:
        PreflightError: the files do not say which images there are.
        CtlError: the configuration cannot be read.
    """
    from ctl.cli.registry_setup import registry_setup
    from ctl.collector.tree import tree_of
    from ctl.registry.collect.acting import acting_in

    setup = registry_setup(ctx, config)
    place = place_of(setup)
    with acting_in(setup):  # what is imported from here on, its account must be able to read
        yield Opened(setup, place, tree_of(place))


def place_of(setup: Setup) -> str | Store:
    """The folder of a registry's images, or the client of their object storage.

    Raises:
        PreflightError: as `opened`; or there is no client for that storage.
    """
    from ctl.collector.managed import refuse_managed_store
    from ctl.registry.collect.guard import refuse_database
    from ctl.registry.collect.sizes import refuse_missing
    from ctl.registry.store import store_of

    if setup.config.driver == "inmemory":
        raise PreflightError("the inmemory storage driver keeps images in the registry's process")
    refuse_database(setup.config)
    refuse_missing(setup.storage)
    if setup.storage is not None:
        return str(setup.storage)
    store = store_of(setup)
    refuse_managed_store(store)
    return store
