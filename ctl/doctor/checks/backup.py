"""The backups of this node: whether the last one is as old as it may be, and still there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ctl.doctor.check import Check, Finding, State, failure, ok
from ctl.doctor.checks.history import by_hand
from ctl.doctor.site import Site
from ctl.node.last_backup import LastBackup, last_backup
from ctl.timer.listing import scheduled
from ctl.timer.schedule import next_after

TASK = "backup"
LATE = timedelta(hours=24)
"""How long a backup may take, and a failed one may be tried again."""


def _backup(site: Site) -> Iterator[Finding]:
    yield from _last(site)
    if not any(one.task.name == TASK for one in scheduled(site.layout)):  # else it is among the timers
        yield from (one for one in by_hand(site.layout, TASK) if one.state is not State.OK)


def _last(site: Site) -> Iterator[Finding]:
    found, settings = last_backup(site.layout), site.attributes.registry_backup
    if found is None:
        if settings.enable:
            yield ok(
                f'none was taken yet: the first is due by registry_backup["schedule"] = "{settings.schedule}"'
            )
        return
    taken = datetime.fromtimestamp(found.time, UTC)
    if settings.enable and next_after(settings.schedule, taken) + LATE < datetime.now(UTC):
        yield failure(f"{found.line} is the last that succeeded, and later ones were due")
    elif not _there(found):
        yield failure(f"{found.line}: it is not there any more")
    else:
        yield ok(found.line)


def _there(found: LastBackup) -> bool:
    return "://" in found.archive or Path(found.archive).is_file()


BACKUP = Check(
    "backup",
    "the last backup succeeded when it was due, and is there",
    _backup,
    needs=("settings",),
    remedy="take one and see why it fails: ctl backup",
)
