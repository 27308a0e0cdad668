"""Holds the pushes to a registry for the moments of a collection that deletes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ctl.collector.progress import Reporter
from ctl.errors import PreflightError
from ctl.graceful.control import Control
from ctl.graceful.holder import Holder
from ctl.registry.collect.cache import cache_cleared, cache_of
from ctl.registry.collect.collector import Setup
from ctl.registry.gate import Gate
from ctl.registry.pause import RegistryService

_PATIENCE = 120.0
"""Seconds for a reconfigure that is under way, and for pushes that have begun."""


@contextmanager
def writes_held(
    setup: Setup, service: RegistryService, *, reporter: Reporter, finished: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """A block in which nobody writes: pushes wait, pulls go on. The registry has a fresh process for it.

    Args:
        setup: the registry.
        service: it has a master, and runs.
        reporter: gets what is waited for.
        finished: called when all is done but the return of the last requests.

    Yields:
        What raises RunFailed when pushes are not held any more.

    Raises:
        LockHeld: another collection is under way.
        PreflightError, RunFailed: pushes cannot be held; nothing was changed.
    """
    cache = cache_of(setup)
    if cache is not None:
        cache.check()
    reporter.step("switching the registry's process")
    service.start_anew(on_full_disk=True)
    with Gate(setup.layout, patience=_PATIENCE):
        service.await_former()
        folder = service.sockets
        serving = Control(folder).current() if folder else None
        if folder is None or serving is None:
            raise PreflightError("the registry does not run")
        with Holder(folder, Control(folder), serving) as holder:
            reporter.step("holding pushes")
            holder.close(_PATIENCE)
            with cache_cleared(cache, reporter):
                yield holder.check
            holder.open()
            finished()
