"""Takes the gate for a collection, and the registry's service out of its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ctl.collector.progress import Reporter
from ctl.errors import CtlError
from ctl.registry.collect.cache import cache_cleared, cache_of
from ctl.registry.collect.collector import Setup
from ctl.registry.gate import Gate
from ctl.registry.pause import RegistryService
from ctl.registry.repair import clean


@contextmanager
def behind_gate(
    setup: Setup,
    *,
    dry_run: bool,
    reporter: Reporter,
    finished: Callable[[], None],
    serves: bool = False,
) -> Iterator[Gate]:
    """Hold the gate, with the service behind it set aside and its cache in Redis cleared; afterwards the
    service is back. One that takes no pushes goes on.

    Args:
        setup: the registry.
        dry_run: hold it together with the service, which goes on.
        reporter: gets what is waited for, and after a failure how the service is.
        finished: called when all is done but the service's return, which may still fail.
        serves: whether the service goes on, since the caller keeps it read-only.

    Raises:
        LockHeld: another collection is under way.
        PreflightError, RunFailed: the service cannot be set aside, or does not come back; or Redis does not
            answer, which is found out before anything is stopped.
    """
    if dry_run:
        with Gate(setup.layout, shared=True) as gate:
            yield gate
        finished()
        return
    cache = cache_of(setup)
    if cache is not None:
        cache.check()
    service = RegistryService(setup.layout, address=setup.config.address, drain=setup.config.drain)
    try:
        with Gate(setup.layout) as gate:
            clean(setup.layout)
            if not (serves or (setup.config.readonly and service.started_after(setup.config.path))):
                reporter.step("waiting for the registry to end")
                service.set_aside()
            with cache_cleared(cache, reporter):
                yield gate
    except BaseException:
        _report_service(service, reporter)
        raise
    finished()
    service.await_return()


def _report_service(service: RegistryService, reporter: Reporter) -> None:
    """After a failure: bring the service back all the same, and say so, without hiding the failure."""
    if not service.comes_back:
        return
    try:
        serves = service.await_return()
    except CtlError as error:
        reporter.warn(error.message)
    else:
        reporter.warn("the registry serves again" if serves else "the registry was stopped meanwhile")
