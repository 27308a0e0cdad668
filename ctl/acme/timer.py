"""The timer: what starts it, and what it does when it wakes up."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ctl.acme.record import Attempts
from ctl.acme.schedule import Schedule
from ctl.acme.step import Outcome
from ctl.acme.wanted import Places
from ctl.node.node import Node

TIMER = "letsencrypt"
"""The service."""
LONGEST_SLEEP = timedelta(hours=1)
"""A machine that was off or asleep, or whose clock was set, is back in step after that."""
SHORTEST_SLEEP = timedelta(seconds=60)


def own_command(node: Node) -> list[str]:
    """The command line that runs ctl with this root and these settings."""
    words = [str(_python()), "-m", "ctl"]
    if not node.layout.is_machine:
        words += ["--root", str(node.layout.root)]
    if node.settings_file:
        words += ["--settings", str(node.settings_file)]
    return words


def _python() -> Path:
    """This interpreter, by the name that stays when install.sh puts a new environment in place of this one."""
    running, stable = Path(sys.executable), Path(sys.prefix).parent / "venv"
    if stable.is_symlink() and stable.resolve() == Path(sys.prefix).resolve():
        return stable / "bin" / running.name
    return running


def python_path() -> str:
    """Where ctl was found, if Python was given that place."""
    return os.environ.get("PYTHONPATH", "")


def crontab_line(node: Node, log: Path) -> str:
    """The line of crontab(5) that renews at the times of the settings; root runs it."""
    settings = node.attributes.letsencrypt
    command = shlex.join([*own_command(node), "renew-le-certs"])
    prefix = f"PYTHONPATH={shlex.quote(python_path())} " if python_path() else ""
    line = f"{prefix}{command} >> {shlex.quote(str(log))} 2>&1".replace("%", r"\%")
    return f"{settings.auto_renew_minute} {settings.auto_renew_hour} {settings.auto_renew_day_of_month} * * root {line}"


@dataclass(frozen=True)
class Timer:
    """Decides what a waking timer does.

    Args:
        schedule: when it looks after the certificate.
        attempts: where it is kept when it last did, and what failed since.
    """

    schedule: Schedule
    attempts: Path

    @classmethod
    def of(cls, node: Node) -> Timer:
        """That of a node."""
        settings = node.attributes.letsencrypt
        schedule = Schedule(
            settings.auto_renew_minute or "0", settings.auto_renew_hour, settings.auto_renew_day_of_month
        )
        return cls(schedule, Places.of(node.layout, settings).attempts)

    def wake(self, now: datetime, look: Callable[[], Outcome]) -> tuple[Outcome | None, timedelta]:
        """Look after the certificate if its time has come, or came while nobody was awake.

        Args:
            now: aware.
            look: does it.

        Returns:
            What came of it, None where it was not yet time; and how long to sleep.
        """
        before = Attempts.read(self.attempts)
        outcome = look() if self._due(before, now) else None
        if outcome or before.looked is None:
            Attempts.read(self.attempts).after_look(now).write(self.attempts)
        after = Attempts.read(self.attempts)
        return outcome, min(max(self._next(after, now) - now, SHORTEST_SLEEP), LONGEST_SLEEP)

    def _due(self, attempts: Attempts, now: datetime) -> bool:
        if attempts.failed:
            return attempts.from_when(now, scheduled=True) <= now
        return attempts.looked is not None and self.schedule.next_after(attempts.looked) <= now

    def _next(self, attempts: Attempts, now: datetime) -> datetime:
        if attempts.failed:
            return attempts.from_when(now, scheduled=True)
        return self.schedule.next_after(now)
