"""Finds the registry's storage for commands that read it, and lets them work there as the registry's account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.cli.framework import Context
from ctl.errors import PreflightError, UsageFault

if TYPE_CHECKING:
    from ctl.registry.collect.collector import Setup


@dataclass(frozen=True)
class Opened:
    """A storage on this machine's disk.

    Args:
        setup: the registry.
        root: of the storage.
    """

    setup: Setup
    root: str


@contextmanager
def opened(ctx: Context, config: Path | None) -> Iterator[Opened]:
    """Work in the registry's storage with its account's rights.

    Args:
        ctx: of the command.
        config: a config.yml, or None for the service's own.

    Raises:
        UsageFault: the images are in object storage.
        PreflightError: the files do not say which images there are.
        CtlError: the configuration cannot be read.
    """
    from ctl.cli.registry_setup import registry_setup
    from ctl.registry.collect.acting import ActingAs

    setup = registry_setup(ctx, config)
    root = storage_root(setup)
    with ActingAs(setup.account):  # what is imported from here on, this account must be able to read
        yield Opened(setup, root)


def storage_root(setup: Setup) -> str:
    """The folder of a registry's images.

    Raises:
        UsageFault, PreflightError: as `opened`.
    """
    from ctl.registry.collect.guard import refuse_database_storage

    if setup.config.driver == "inmemory":
        raise PreflightError("the inmemory storage driver keeps images in the registry's process")
    if setup.config.database:
        raise PreflightError(
            f"{setup.config.path}: this registry keeps its tags in a database; its files do not say which there are"
        )
    refuse_database_storage(setup.config)
    if setup.storage is None:
        driver = setup.config.driver
        raise UsageFault(
            f"{setup.config.path}: images in object storage ({driver}) cannot be read yet",
            hint="this command works with the filesystem driver",
        )
    return str(setup.storage)
