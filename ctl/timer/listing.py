"""What the timer has to do, and how each task ended last: for `ctl status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from ctl.paths import Layout
from ctl.timer.outcome import Outcome, read_outcome
from ctl.timer.task import Task, read_tasks


class Scheduled(NamedTuple):
    """A task with its last outcome.

    Args:
        task: it.
        outcome: None where the timer has not seen it yet.
    """

    task: Task
    outcome: Outcome | None

    @property
    def problem(self) -> str:
        """That it failed last, in a sentence; "" where it did not."""
        found = self.outcome
        if found is None or not found.failed or found.started is None:
            return ""
        often = f", {found.failures} times in a row" if found.failures > 1 else ""
        return f"scheduled {self.task.name} failed on {_local(found.started)}{often}: {found.reason}"

    def as_json(self) -> dict[str, object]:
        """As plain data: name, cron, next (when it is due), and the outcome (ctl.timer.outcome) or null."""
        from ctl.timer.due import due  # imported here because most looks at outcomes need no cron expressions

        now = datetime.now(UTC)
        then = max(due(self.task, self.outcome, now), now) if self.outcome else None
        return {
            "name": self.task.name,
            "cron": self.task.cron,
            "next": then.isoformat() if then else None,
            "outcome": self.outcome.as_json() if self.outcome else None,
        }


def scheduled(layout: Layout) -> list[Scheduled]:
    """The tasks of an installation.

    Raises:
        CtlError: the file of tasks is damaged.
        OSError: it cannot be read.
    """
    return [Scheduled(task, read_outcome(layout, task.name)) for task in read_tasks(layout)]


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
