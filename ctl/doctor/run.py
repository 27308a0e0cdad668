"""Asks checks in parallel, each after those that it needs, and reports no failure twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module

from ctl.doctor.check import Check, Finding, Result, State, unknown
from ctl.doctor.site import Site
from ctl.errors import USE_SUDO, CtlError, UsageFault, os_error
from ctl.registry.reason import mask
from ctl.text.nearest import nearest
from ctl.text.visible import visible

LIBRARIES = ("importlib.metadata", "psutil", "cryptography.x509", "josepy", "redis.cluster", "redis.sentinel")
"""Loaded before the threads begin: modules that import each other in circles fail in two that load them at once."""
ASKED_AT_ONCE = 32
"""Checks mostly wait for others; each has a thread of its own."""


def select(checks: Sequence[Check], names: Sequence[str]) -> list[Check]:
    """The named checks with all that they need, in the order of the table; all of them without names.

    Raises:
        UsageFault: there is no such check; with the nearest.
    """
    by_name = {one.name: one for one in checks}
    for name in names:
        if name not in by_name:
            near = nearest(name, by_name)
            hint = f"Did you mean {near!r}? " if near else ""
            raise UsageFault(f"no check {name!r}", hint=f"{hint}`ctl doctor --list` prints all of them.")
    wanted = _with_needs(by_name, names or list(by_name))
    return [one for one in checks if one.name in wanted]


def _with_needs(by_name: Mapping[str, Check], names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].needs
    return found


def examine(checks: Sequence[Check], site: Site) -> list[Result]:
    """Ask checks.

    Args:
        checks: each after those that it needs.
        site: the node.

    Returns:
        A result each, in the same order; without those whose question does not arise here.
    """
    for library in LIBRARIES:
        with suppress(ImportError):  # the check that needs it reports that
            import_module(library)
    futures: dict[str, Future[Result]] = {}
    checks = [one for one in checks if one.arises(site)]
    with ThreadPoolExecutor(max_workers=min(len(checks), ASKED_AT_ONCE) or 1) as pool:
        for check in checks:
            needed = [futures[name] for name in check.needs if name in futures]
            futures[check.name] = pool.submit(_result, check, needed, site)
    return [found for one in futures.values() if (found := one.result()).findings]


def _result(check: Check, needed: Sequence[Future[Result]], site: Site) -> Result:
    cause = _broken(needed)
    started = time.monotonic()
    if cause is not None:
        return Result(check, (unknown(f"not asked, because of {cause.check.name}"),))
    found = tuple(_finished(check, site, _answers(check.ask, site)))
    return Result(check, found, time.monotonic() - started)


def _broken(needed: Iterable[Future[Result]]) -> Result | None:
    """The first of the checks that failed or could not be asked."""
    results = (one.result() for one in needed)
    return next((one for one in results if one.state.rank >= State.UNKNOWN.rank), None)


def _answers(ask: Callable[[Site], Iterable[Finding]], site: Site) -> Iterator[Finding]:
    """Its findings; an error of its own is an answer that nobody gave."""
    try:
        yield from ask(site)
    except CtlError as error:
        yield unknown(error.message, error.hint or "")
    except PermissionError as error:
        where = error.filename or "a file"
        yield unknown(f"{where} may not be read by this user", USE_SUDO)
    except OSError as error:
        yield unknown(os_error(error))


def _finished(check: Check, site: Site, findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the worst first, with a remedy each, and without secrets."""
    secrets = site.secrets
    found = [
        Finding(
            one.state,
            mask(visible(" ".join(one.cause.split())), secrets),
            mask(visible(one.remedy or ("" if one.state is State.OK else check.remedy)), secrets),
        )
        for one in findings
    ]
    return sorted(dict.fromkeys(found), key=lambda one: -one.state.rank)
