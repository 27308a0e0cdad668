"""Whether services run with what is on disk: what differs is a change like any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import time

from ctl.converge.model import Action, Change, Condition, Notification, Resource
from ctl.converge.resources.actions import Service, restart

TICK = 0.02
"""Seconds by which the time of a file and the start of a process may be off: both are counted in ticks."""


def repairs(
    services: Iterable[Service],
    conditions: Mapping[str, Condition],
    resources: Sequence[Resource],
    planned: Iterable[Change],
) -> Iterator[Change]:
    """What services must do to run with the files that are there, beside what planned changes ask of them anyway.

    Args:
        services: that must run, and are not only now enabled.
        conditions: how they run.
        resources: whose files they read.
        planned: the changes of the run.
    """
    asked = {(one.service, one.action) for change in planned for one in change.notifies}
    for service in services:
        condition = conditions.get(service.service, Condition())
        if condition.stopped or (service.service, Action.RESTART) in asked:
            continue
        words, notification = _repair(service.service, condition, resources)
        if notification is not None and (notification.service, notification.action) not in asked:
            yield Change(service.name, words, (), notifies=(notification,))


def _repair(
    service: str, condition: Condition, resources: Sequence[Resource]
) -> tuple[str, Notification | None]:
    if condition.problem:
        return f"{condition.problem}: restart", restart(service)
    if condition.suspended:
        return f"{condition.suspended}: continue", Notification(Action.CONTINUE, service)
    for action, since in ((Action.RESTART, condition.started), (Action.RELOAD, condition.reloaded)):
        newer = _newer(resources, Notification(action, service), since)
        if newer is not None:
            return f"runs with an older {newer}: {action}", Notification(action, service)
    if condition.log_problem:
        return f"its log service {condition.log_problem}: restart it", restart(f"{service}/log")
    return "", None


def _newer(resources: Iterable[Resource], notification: Notification, since: float | None) -> Path | None:
    """The first file that has changed since a time, among those that a service takes up by some action."""
    if since is None:
        return None
    read = (one for one in resources if notification in getattr(one, "notifies", ()))
    files = (path for one in read for path in _files(one))
    return next((path for path in files if _changed(path) > since + TICK), None)


def _files(resource: Resource) -> Iterator[Path]:
    """The files of a resource: one, a pair, or all in a folder (of variables)."""
    for name in ("path", "key", "certificate"):
        path = getattr(resource, name, None)
        if isinstance(path, Path):
            yield from [path, *path.iterdir()] if path.is_dir() else [path]


def _changed(path: Path) -> float:
    """When the content last changed; 0 where it is not there, or in a future that only another clock has seen."""
    try:
        changed = path.stat().st_mtime
    except OSError:
        return 0.0
    return changed if changed <= time() else 0.0
