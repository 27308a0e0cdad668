"""When a task must run next: at its times, sooner after a failure or where it was cut off."""

from __future__ import annotations

from datetime import datetime, timedelta

from ctl.errors import EXIT_LOCKED
from ctl.timer.outcome import Outcome
from ctl.timer.schedule import next_after
from ctl.timer.task import Task

SOON = timedelta(minutes=1)
"""When a task is tried again that met another run's lock, or that was cut off."""
FIRST_PAUSE = timedelta(hours=1)
LONGEST_PAUSE = timedelta(hours=12)
_DOUBLINGS = 12


def due(task: Task, outcome: Outcome, now: datetime) -> datetime:
    """When a task must run next; `now` or earlier where it is time, or was while nobody was awake.

    Args:
        task: it.
        outcome: how it ended last.
        now: a start in the future (the clock was set back) counts as one of now.

    Raises:
        ValueError: its cron expression is wrong.
    """
    started = min(outcome.started or outcome.since, now)
    regular = next_after(task.cron, started)
    if outcome.started is not None and (outcome.ended is None or outcome.status == EXIT_LOCKED):
        return min(started + SOON, regular)
    if outcome.failed and task.retry:
        pause = FIRST_PAUSE * (1 << min(outcome.failures - 1, _DOUBLINGS))
        return min(started + min(pause, LONGEST_PAUSE), regular)
    return regular
