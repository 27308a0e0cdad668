"""Keeps the registry read-only for a collection: nothing is stopped, pulls go on, pushes are refused.

The run script starts the registry read-only for as long as a lock is held: where ctl is killed, the next process takes
pushes again, and `ctl recover` starts one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.collector.progress import Reporter
from ctl.errors import LockHeld, PreflightError
from ctl.paths import Layout
from ctl.registry.collect.collector import Setup
from ctl.registry.gate import collecting
from ctl.registry.pause import NAME, RegistryService
from ctl.registry.read_only import read_only_file, read_only_left, takes_lock
from ctl.services.runit import Runit

_GATE_PATIENCE = 30.0
"""Seconds within which a collector that was asked to end lets go of the gate, at which run scripts wait."""
_PATIENCE = 2.0
"""Seconds to wait for run scripts that look at the lock just now; each takes milliseconds."""


@contextmanager
def read_only(setup: Setup, reporter: Reporter) -> Iterator[bool]:
    """Let the registry be read-only for a block. One that is so by its settings, or does not run, is left alone.

    Args:
        setup: the registry.
        reporter: gets the steps.

    Yields:
        Whether it goes on serving.

    Raises:
        LockHeld: another collection has made it read-only.
        PreflightError: its run script does not know of read-only mode.
        CtlError: a process of the other mode is not healthy; the former one serves.
    """
    service = RegistryService(setup.layout, address=setup.config.address, drain=setup.config.drain)
    settled = setup.config.readonly and service.started_after(setup.config.path)
    if settled or not service.supervised:
        yield settled
        return
    path = read_only_file(setup.layout)
    service.refuse_without(path, "does not know of read-only mode")
    with _locked(path) as lock:
        reporter.step("switching to read-only mode, when transfers under way have ended")
        try:
            _switch(setup.layout, service)
            yield True
        finally:
            reporter.step("switching back")
            _end(lock, setup.layout, service)


def end_interrupted(layout: Layout) -> bool:
    """Let the registry take pushes again after a collection that was killed. Returns whether there was one.

    Raises:
        CtlError: the registry does not start so.
    """
    if not read_only_left(layout):
        return False
    service = RegistryService(layout, address=None, drain=0.0)
    if service.supervised:
        _switch(layout, service)
    read_only_file(layout).unlink(missing_ok=True)
    return True


def _switch(layout: Layout, service: RegistryService) -> None:
    """Start a process that looks at the lock anew. Without NGINX before it the registry restarts plainly."""
    end = time.monotonic() + _GATE_PATIENCE
    while collecting(layout) and time.monotonic() < end:  # a collector that was killed is on its way out
        time.sleep(0.02)
    if not service.start_anew():
        Runit(layout).restart(NAME)


def _end(lock: int, layout: Layout, service: RegistryService) -> None:
    """The file stays until the switch is done: `ctl recover` finds it where that is cut off."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    _switch(layout, service)
    read_only_file(layout).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PreflightError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        end = time.monotonic() + _PATIENCE
        while not takes_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > end:
                raise LockHeld("another collection keeps the registry read-only", hint="Wait for its end.")
            time.sleep(0.01)
        yield descriptor
    finally:
        os.close(descriptor)
