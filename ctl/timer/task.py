"""The tasks of the timer, as the file that it reads has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ctl.errors import CtlError
from ctl.paths import Layout


class Task(NamedTuple):
    """One command that runs by time.

    Args:
        name: by which outcomes and log lines are known.
        cron: five fields (ctl.timer.schedule).
        command: program and arguments; never a secret among them.
        timeout: seconds after which it is ended.
        retry: whether a failure is tried again before its next time, with pauses.
        on_write: folders: once something is written in them, it runs too, at most once a minute.
        log: the command that takes its output on standard input; empty for the timer's own log.
        environment: variables beside those of the timer.
    """

    name: str
    cron: str
    command: tuple[str, ...]
    timeout: int
    retry: bool = False
    on_write: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}


def tasks_file(layout: Layout) -> Path:
    """Where the timer finds its tasks."""
    return layout.timer / "tasks.json"


def content(tasks: Iterable[Task]) -> str:
    """The text of the file of tasks."""
    return json.dumps([one._asdict() for one in tasks], indent=2) + "\n"


def read_tasks(layout: Layout) -> list[Task]:
    """The tasks of an installation; none where it has no timer.

    Raises:
        CtlError: the file is damaged; names it.
        OSError: it cannot be read.
    """
    path = tasks_file(layout)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [_task(one) for one in found]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError) as error:
        raise CtlError(f"{path} is damaged: {error}", hint="`ctl reconfigure` writes it anew.") from error


def _task(found: dict[str, Any]) -> Task:
    return Task(**(found | {name: tuple(found.get(name, ())) for name in ("command", "on_write", "log")}))
