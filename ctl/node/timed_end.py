"""Ends of times of grace, as tasks of the timer: they come also after a boot."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import File, Item, Service, reload
from ctl.converge.inspect import look
from ctl.paths import Layout
from ctl.timer.schedule import daily_from
from ctl.timer.task import Task, content, read_tasks, tasks_file

FORMER = "former-certificates"
"""Tokens of a former key are accepted no longer."""
LOCAL_CA = "local-ca"
"""The new local CA takes the place of the former one."""


def at_end(task: Task, end: float) -> Task:
    """A task at the end of a time of grace, and each day after: a boot later than that makes up for it."""
    return task._replace(cron=daily_from(end))


def tasks_after(layout: Layout, name: str, next_end: float = 0.0) -> Iterator[Item]:
    """The timer's tasks once an end has come; settings play no part.

    Args:
        layout: the root.
        name: of the task.
        next_end: when it must run again, in seconds since 1970; 0 for never.
    """
    path, tasks = tasks_file(layout), read_tasks(layout)
    if look(path) is None:
        return
    kept = [
        at_end(one, next_end) if one.name == name else one for one in tasks if one.name != name or next_end
    ]
    yield File(path, content=content(kept), owner="root", group="root", notifies=(reload("timer"),))
    if (layout.service / "timer").is_symlink():
        yield Service("timer", secondary=True)
