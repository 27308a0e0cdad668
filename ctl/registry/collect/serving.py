"""Runs ctl's own collector beside a registry that serves: with its account's rights, its caches, its process."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from ctl.collector.collection import Hooks, Options, collect
from ctl.collector.layout import REPOSITORIES
from ctl.collector.progress import Reporter
from ctl.collector.report import Report
from ctl.collector.restoring import restore
from ctl.collector.tree import quarantine_of, tree_of
from ctl.errors import PreflightError, RunFailed
from ctl.machine.ports import answers
from ctl.registry.collect.acting import ActingAs, acting_in
from ctl.registry.collect.cache import Cache, cache_of
from ctl.registry.collect.collector import Setup
from ctl.registry.collect.guard import refuse_database
from ctl.registry.collect.held import writes_held
from ctl.registry.collect.read_only import read_only
from ctl.registry.collect.run import refuse_unfit
from ctl.registry.collect.session import behind_gate
from ctl.registry.collect.sizes import nothing_stored
from ctl.registry.gate import Gate
from ctl.registry.interrupt import stoppable
from ctl.registry.pause import RegistryService
from ctl.registry.store import store_of
from ctl.storage.store import Store

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
PATIENCE = 120.0
"""Seconds for which a switch of the process waits for a reconfigure."""
P = ParamSpec("P")
T = TypeVar("T")


def collect_serving(
    setup: Setup, options: Options, reporter: Reporter, *, switch: Sequence[str] | None
) -> Report:
    """Collect while the registry serves; its process is started anew if it has a cache in memory.

    Args:
        setup: the registry.
        options: what to do.
        reporter: gets how it goes.
        switch: the command that starts the registry anew, where ctl does not run it.

    Raises:
        LockHeld: another collection is under way.
        PreflightError: this registry's garbage cannot be collected so; says why.
        RunFailed: something cannot be moved, or the registry does not come back.
        Interrupted: by Ctrl-C, TERM or HUP.
    """
    place = _fit(setup)
    if place is None:
        return Report(options.untagged, options.dry_run)
    with stoppable():
        acting = acting_in(setup)
        its = Hooks() if options.dry_run else hooks(setup, acting, switch)
        with acting:
            return collect(place, options, reporter, its)


def collect_now(
    setup: Setup, options: Options, reporter: Reporter, finished: Callable[[Report], None]
) -> None:
    """Collect and delete at once, while nobody writes: pushes are held meanwhile, and pulls go on.

    A registry without a master (NGINX is not ctl's) cannot hold pushes: it refuses them as a read-only one meanwhile.

    Args:
        setup: the registry.
        options: what to do.
        reporter: gets how it goes.
        finished: called with the report, before the registry's return can fail.

    Raises:
        as `collect_serving`.
    """
    place = _fit(setup)
    if place is None:
        finished(Report(options.untagged, options.dry_run))
        return
    reports: list[Report] = []
    with stoppable():
        service = RegistryService(setup.layout, address=setup.config.address, drain=setup.config.drain)
        takes_none = setup.config.readonly and service.started_after(setup.config.path)
        hold = not options.dry_run and not takes_none and service.supervised and service.graceful
        paused, done = replace(options, paused=True), lambda: finished(reports[0])
        if hold:
            with writes_held(setup, service, reporter=reporter, finished=done) as still, acting_in(setup):
                reports.append(collect(place, paused, reporter, Hooks(still=still)))
        else:
            with ExitStack() as stack:
                serves = not options.dry_run and _read_only(stack, setup, reporter)
                session = behind_gate(
                    setup, dry_run=options.dry_run, reporter=reporter, finished=done, serves=serves
                )
                with session, acting_in(setup):
                    reports.append(collect(place, paused, reporter))


def _read_only(stack: ExitStack, setup: Setup, reporter: Reporter) -> bool:
    """Let the registry be read-only. Returns whether it goes on serving; not so without room for a lock's file."""
    try:
        return stack.enter_context(read_only(setup, reporter))
    except PreflightError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in _NO_ROOM:
            raise
        reporter.warn(f"{error.message}: the registry does not serve meanwhile")
        return False


def is_short(setup: Setup, percent: float, note: Callable[[str], None]) -> bool:
    """Whether less of the disk is free than that, so that a collection should not wait for a quarantine.

    Args:
        setup: the registry.
        percent: of the disk; 0 for never.
        note: called with the reason.
    """
    root = setup.storage
    if not percent or root is None or nothing_stored(root):
        return False
    found = os.statvfs(root)
    free = 100 * found.f_bavail / max(1, found.f_blocks - found.f_bfree + found.f_bavail)
    if free >= percent:
        return False
    note(
        f"{free:.1f} % of {root} are free, less than {percent:g} %: what no image needs is deleted at once (--now)"
    )
    return True


def _fit(setup: Setup) -> str | Store | None:
    """The storage to collect; None where nothing was ever pushed."""
    refuse_unfit(setup)
    if setup.storage is not None and nothing_stored(setup.storage):
        return None
    place = _place(setup)
    return place if isinstance(place, str) or any(True for _ in place.list(f"{REPOSITORIES}/")) else None


def hooks(setup: Setup, acting: ActingAs, command: Sequence[str] | None) -> Hooks:
    """What makes the registry forget blobs that it has in a cache.

    Args:
        setup: the registry.
        acting: whose rights are given up meanwhile.
        command: that starts the registry anew, where ctl does not run it.

    Raises:
        PreflightError: it has a cache that cannot be reached.
    """
    cache = cache_of(setup)
    if cache is not None:
        cache.check()
    forget = _forget(cache) if cache is not None else Hooks().forget
    switch = _switch(setup, command)
    return Hooks(forget=acting.as_caller(forget), switch=acting.as_caller(switch) if switch else None)


def _forget(cache: Cache) -> Callable[[Mapping[str, Sequence[str]]], None]:
    def forget(links: Mapping[str, Sequence[str]]) -> None:
        cache.forget(links)

    return forget


def _switch(setup: Setup, command: Sequence[str] | None) -> Callable[[], None] | None:
    """How the registry forgets what it has in memory; None where it has nothing there."""
    if command:
        return lambda: _run(command)
    if setup.config.cache != "inmemory":
        return None
    service = RegistryService(setup.layout, address=setup.config.address, drain=setup.config.drain)
    if setup.config.readonly and service.started_after(setup.config.path):
        return None  # nothing is pushed before its next start
    if service.supervised:
        return lambda: _restart(setup, service)
    address = setup.config.address
    if not service.known or (address is not None and not service.graceful and answers(address)):
        raise PreflightError(
            f"{setup.config.path}: the registry keeps descriptors of blobs in memory, and ctl does not run it: it "
            "would go on promising what is gone",
            hint="Name the command that starts it anew: --switch 'systemctl restart registry'",
        )
    return None


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        raise RunFailed(
            f"{command[0]} cannot be run: {error.strerror}; everything was brought back"
        ) from error
    if done.returncode:
        why = (done.stderr or done.stdout).strip()
        raise RunFailed(f"{' '.join(command)} failed ({done.returncode}): {why}; everything was brought back")


def _restart(setup: Setup, service: RegistryService) -> None:
    if service.start_anew():
        return
    with Gate(setup.layout, patience=PATIENCE):
        service.set_aside()
    service.await_return()


def restore_run(setup: Setup, name: str) -> Report:
    """Bring back what a run has moved into quarantine.

    Raises:
        LockHeld: a collection is under way.
        PreflightError: a metadata database manages the storage.
        RunFailed: there is no such run, or something cannot be moved.
    """
    refuse_database(setup.config)
    with stoppable(), acting_in(setup):
        return restore(_place(setup), name)


def history(setup: Setup) -> tuple[list[dict[str, Any]], list[str]]:
    """Earlier runs, oldest first, and the names of those in quarantine."""
    with acting_in(setup):
        quarantine = quarantine_of(tree_of(_place(setup)))
        return quarantine.history(), [run.name for run in quarantine.runs()]


def _place(setup: Setup) -> str | Store:
    """The folder of the images, or the client of object storage."""
    return str(setup.storage) if setup.storage is not None else store_of(setup)
