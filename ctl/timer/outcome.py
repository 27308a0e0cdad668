"""How a task ended last, kept in a file beside the tasks."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ctl.errors import EXIT_LOCKED, naming
from ctl.paths import Layout

CUT_OFF = "cut off, as the timer was stopped"
_TEMPORARY = ".ctl-new"


class Outcome(NamedTuple):
    """What became of a task when it ran last.

    Args:
        since: when the timer saw the task first: a new one waits for its next time.
        started: None for never.
        ended: None while it runs, or where it was cut off.
        status: its exit status, negative for a signal; None where it did not end by itself.
        reason: why it failed, or its last word.
        failures: how often it failed in a row.
    """

    since: datetime
    started: datetime | None = None
    ended: datetime | None = None
    status: int | None = None
    reason: str = ""
    failures: int = 0

    @property
    def failed(self) -> bool:
        """Whether its last run failed."""
        return self.failures > 0

    def begun(self, now: datetime) -> Outcome:
        """It runs since now."""
        return self._replace(started=now, ended=None, status=None, reason="")

    def finished(self, now: datetime, status: int, reason: str) -> Outcome:
        """It ended now. That another run held the lock is no failure, nor a success."""
        failures = 0 if status == 0 else self.failures + (status != EXIT_LOCKED)
        started = self.started or now
        return self._replace(started=started, ended=now, status=status, reason=reason, failures=failures)

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        times = {name: getattr(self, name) for name in ("since", "started", "ended")}
        return {
            **{name: time.isoformat() if time else None for name, time in times.items()},
            "status": self.status,
            "reason": self.reason,
            "failures": self.failures,
        }


def read_outcome(layout: Layout, name: str) -> Outcome | None:
    """How a task ended last; None where it is not known (never seen, or a damaged file).

    Raises:
        OSError: the file cannot be read.
    """
    try:
        found = json.loads(_file(layout, name).read_text(encoding="utf-8"))
        since, started, ended = (_time(found[key]) for key in ("since", "started", "ended"))
        status, failures = found["status"], int(found["failures"])
        if since is None or not (status is None or isinstance(status, int)):
            return None
        return Outcome(since, started, ended, status, str(found["reason"]), failures)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return None


def write_outcome(layout: Layout, name: str, outcome: Outcome) -> None:
    """Keep it. A power cut may lose the last one, never damage it: it is written every minute, so not synced.

    Raises:
        OSError: with the path.
    """
    path = _file(layout, name)
    new = path.with_name(f"{_TEMPORARY}-{path.name}")
    with naming(path):
        new.write_text(json.dumps(outcome.as_json(), indent=2) + "\n", encoding="utf-8")
        new.chmod(0o644)
        new.replace(path)


def note_outcome(layout: Layout, name: str, status: int, reason: str = "") -> None:
    """A person has run the command of a task: what came of it counts as the timer's own run.

    Also where it is not scheduled, so that `ctl doctor` knows of it. Nothing in a root that never had a run, or where
    this user may not write.

    Raises:
        OSError: with the path.
    """
    folder = _file(layout, name).parent
    if os.environ.get("CTL_TASK") == name or not os.access(layout.state, os.W_OK):
        return
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    found = read_outcome(layout, name) or Outcome(now)
    write_outcome(layout, name, found.begun(now).finished(now, status, reason))


@contextmanager
def held(layout: Layout, name: str) -> Iterator[int | None]:
    """The lock of a task; its process inherits it, so that none runs twice.

    Yields:
        The descriptor, or None where the task still runs.
    """
    descriptor = os.open(
        _file(layout, name).with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        yield descriptor if _locks(descriptor) else None
    finally:
        os.close(descriptor)


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(layout: Layout, name: str) -> Path:
    return layout.timer / "outcomes" / f"{name}.json"


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
