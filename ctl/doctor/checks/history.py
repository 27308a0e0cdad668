"""What is done from time to time: whether it was done, and how it ended."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ctl.acme.record import Attempts
from ctl.acme.wanted import Places
from ctl.doctor.check import Check, Finding, failure, ok, warning
from ctl.doctor.site import Site
from ctl.paths import Layout
from ctl.registry.gate import collection, gate_file
from ctl.settings.components.letsencrypt import TASK as LETSENCRYPT
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.timer.due import due
from ctl.timer.listing import Scheduled, scheduled
from ctl.timer.outcome import read_outcome
from ctl.timer.task import Task

LATE = timedelta(minutes=10)
"""By which a task may be late: it waits for locks."""
COLLECT, CLEAN = "registry-garbage-collect", "registry-cleanup"
"""Tasks that, like the renewal, have checks of their own."""
LONG = 86_400
"""Seconds after which a collection counts as one that hangs."""


def _timers(site: Site) -> Iterator[Finding]:
    for one in scheduled(site.layout):
        if one.task.name not in (LETSENCRYPT, COLLECT, CLEAN):
            yield _outcome(one)


def _task(site: Site, name: str) -> Iterator[Finding]:
    """The last outcome of a task that has a check of its own, also where it is not scheduled."""
    known = [one for one in scheduled(site.layout) if one.task.name == name]
    yield from map(_outcome, known)
    if not known:
        yield from by_hand(site.layout, name)


def by_hand(layout: Layout, name: str) -> Iterator[Finding]:
    """How a command ended that a person has started last."""
    found = read_outcome(layout, name)
    if found is None or found.started is None:
        return
    when = f"{found.started.astimezone():%Y-%m-%d %H:%M}"
    if found.failed:
        yield failure(f"{name} failed at {when}: {found.reason}", f"mend what it names, then: ctl {name}")
    else:
        yield ok(f"{name} succeeded at {when}")


def _outcome(one: Scheduled) -> Finding:
    """Whether a task ran when it was due, and how it ended."""
    now, found, name = datetime.now(UTC), one.outcome, one.task.name
    if one.problem:
        return failure(one.problem, f"mend what it names; then run it by hand: {_by_hand(one.task)}")
    if found is None or found.started is None:
        return ok(f"{name} waits for its first time")
    begun = f"{found.started.astimezone():%Y-%m-%d %H:%M}"
    if found.ended is None and now - found.started > timedelta(seconds=one.task.timeout) + LATE:
        return failure(f"{name} was begun at {begun} and has not ended", "ctl restart timer")
    if due(one.task, found, now) < now - LATE:
        when = f"{due(one.task, found, now).astimezone():%Y-%m-%d %H:%M}"
        return failure(f"{name} is overdue since {when}", "ctl restart timer")
    return ok(f"{name} {'has run since' if found.ended is None else 'succeeded at'} {begun}")


def _by_hand(task: Task) -> str:
    """The task's command, without what takes on its account."""
    words = list(task.command)
    start = next((at for at, word in enumerate(words) if word == "ctl"), None)
    return shlex.join(words[start:] if start is not None else words)


TIMERS = Check(
    "timers",
    "each further scheduled task ran when it was due, and succeeded",
    _timers,
    needs=("supervisor",),
)


def _collection(site: Site) -> Iterator[Finding]:
    if not site.attributes.registry.enable:
        return
    yield _under_way(site)
    yield from _task(site, COLLECT)


def _under_way(site: Site) -> Finding:
    under_way = collection(site.layout)
    if under_way is None:
        return ok("no garbage collection is under way")
    seconds = time.time() - gate_file(site.layout).stat().st_mtime
    text = f"a garbage collection is under way{under_way}"
    return warning(f"{text}, for {seconds / 3600:.0f} hours") if seconds > LONG else ok(text)


COLLECTION = Check(
    "collection",
    "no garbage collection hangs, and the last one succeeded",
    _collection,
    needs=("settings",),
    remedy="see what it does: ctl tail; stop it by its process",
)


def _cleanup(site: Site) -> Iterator[Finding]:
    yield from _task(site, CLEAN)


CLEANUP = Check(
    "cleanup",
    "the last clean-up of tags succeeded, and was done when it was due",
    _cleanup,
)


def _renewal(site: Site) -> Iterator[Finding]:
    if not obtains_certificate(site.attributes):
        return
    attempts = Attempts.read(Places.of(site.layout, site.attributes.letsencrypt).attempts)
    if attempts.failed:
        when = f"{attempts.failed[-1]:%Y-%m-%d %H:%M}"
        yield failure(f"the certificate was not renewed at {when}: {attempts.reason}")
    else:
        yield ok("no attempt has failed since the last certificate")
        yield from _task(site, LETSENCRYPT)


RENEWAL = Check(
    "renewal",
    "the last renewal of the certificate succeeded when it was due",
    _renewal,
    needs=("settings",),
    remedy="mend what the reason names, then: ctl renew-le-certs",
)
