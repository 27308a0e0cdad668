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
from ctl.registry.gate import collection, gate_file
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.timer.due import due
from ctl.timer.listing import scheduled
from ctl.timer.task import Task

LATE = timedelta(minutes=10)
"""By which a task may be late: the timer looks at the clock each minute, and tasks wait for locks."""
LONG = 86_400
"""Seconds after which a collection counts as one that hangs."""


def _timers(site: Site) -> Iterator[Finding]:
    now = datetime.now(UTC)
    for one in scheduled(site.layout):
        found, name = one.outcome, one.task.name
        if one.problem:
            yield failure(one.problem, f"mend what it names; then run it by hand: {_by_hand(one.task)}")
        elif found is None or found.started is None:
            yield ok(f"{name} waits for its first time")
        elif found.ended is None and now - found.started > timedelta(seconds=one.task.timeout) + LATE:
            yield failure(
                f"{name} was begun at {found.started:%Y-%m-%d %H:%M} and has not ended", "ctl restart timer"
            )
        elif due(one.task, found, now) < now - LATE:
            yield failure(
                f"{name} is overdue since {due(one.task, found, now):%Y-%m-%d %H:%M}", "ctl restart timer"
            )
        else:
            yield ok(f"{name} succeeded at {found.started:%Y-%m-%d %H:%M}")


def _by_hand(task: Task) -> str:
    """The task's command, without what takes on its account."""
    words = list(task.command)
    start = next((at for at, word in enumerate(words) if word == "ctl"), None)
    return shlex.join(words[start:] if start is not None else words)


TIMERS = Check(
    "timers",
    "each scheduled task ran when it was due, and succeeded",
    _timers,
    needs=("supervisor",),
)


def _collection(site: Site) -> Iterator[Finding]:
    under_way = collection(site.layout)
    if under_way is None:
        yield ok("no garbage collection is under way")
        return
    seconds = time.time() - gate_file(site.layout).stat().st_mtime
    text = f"a garbage collection is under way{under_way}"
    yield warning(f"{text}, for {seconds / 3600:.0f} hours") if seconds > LONG else ok(text)


COLLECTION = Check(
    "collection",
    "no garbage collection hangs, and the last one succeeded",
    _collection,
    remedy="see what it does: ctl tail; stop it by its process",
)


def _renewal(site: Site) -> Iterator[Finding]:
    if not obtains_certificate(site.attributes):
        return
    attempts = Attempts.read(Places.of(site.layout, site.attributes.letsencrypt).attempts)
    if attempts.failed:
        yield failure(
            f"the certificate was not renewed at {attempts.failed[-1]:%Y-%m-%d %H:%M}: {attempts.reason}"
        )
    else:
        yield ok("no attempt has failed since the last certificate")


RENEWAL = Check(
    "renewal",
    "the last renewal of the certificate did not fail",
    _renewal,
    needs=("settings",),
    remedy="mend what the reason names, then: ctl renew-le-certs",
)
