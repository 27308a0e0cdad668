"""A run on trial: it is taken back when its time is over, unless somebody confirms it.

A process of its own waits for that, so that it happens also when ctl or the terminal is gone. It holds a lock on
the file of the trial: so there is one, and others see whether there is.
"""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import look, read_file
from ctl.errors import CtlError, UsageFault, os_error
from ctl.node.history import History, Run
from ctl.paths import Layout

_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> int:
    """A time as "90s", "10m" or "2h". Raises UsageFault for another text."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smh])", text)
    if match is None:
        raise UsageFault(f"--try {text}: is no time", hint="Write it as 90s, 10m or 2h.")
    return int(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True)
class Trial:
    """The trial of a root that is under way.

    Args:
        until: when it is over, in seconds since 1970.
        back_to: name of the run to go back to, in the history.
        token: distinguishes it from a later one.
        settings: the settings file that was given to ctl, or None.
    """

    until: float
    back_to: str
    token: str
    settings: str | None = None

    @property
    def until_text(self) -> str:
        """Its end in words."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.until))

    @classmethod
    def read(cls, layout: Layout) -> Trial | None:
        """The trial under way, or None.

        Raises:
            CtlError: its file is damaged.
        """
        if look(layout.trial) is None:
            return None
        try:
            return cls(**json.loads(read_file(layout.trial)))
        except FileNotFoundError:  # it has just ended
            return None
        except (ValueError, TypeError, RecursionError) as error:
            raise CtlError(
                f"{layout.trial} is damaged: {error}", hint=f"Remove it: rm {layout.trial}"
            ) from error

    @classmethod
    def begin(cls, layout: Layout, settings: Path | None, back_to: str, limit: int) -> Trial:
        """Let a process wait that goes back to a run when the time is over."""
        given = str(settings.absolute()) if settings else None
        trial = cls(time.time() + limit, back_to, secrets.token_hex(8), given)
        trial.go_on(layout)
        return trial

    def go_on(self, layout: Layout) -> None:
        """Be the trial under way, in the place of another one, and let a process wait for its end."""
        _failure(layout).unlink(missing_ok=True)
        write_atomic(layout.trial, json.dumps(vars(self)).encode(), mode=0o600)
        self.wait(layout)

    def earlier_run(self, layout: Layout) -> Run:
        """The run to go back to. Raises CtlError where it is not kept any more."""
        return History(layout).run(self.back_to)

    def wait(self, layout: Layout) -> None:
        """Let a process wait for its end, unless one does: it is given the lock."""
        with layout.trial.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            more = ["--settings", self.settings] if self.settings else []
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "ctl", "--root", str(layout.root), *more),
                    *("rollback", "--after-trial", self.token),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                pass_fds=(file.fileno(),),
            )

    def state(self, layout: Layout) -> tuple[str, bool]:
        """What to say of it, in a sentence, and whether that is as it should be."""
        failure = _failure(layout)
        if look(failure) is not None:
            why = read_file(failure).decode(errors="replace")
            text = f"the run on trial should have gone back at {self.until_text}, and could not: {why}"
            return (
                f"{text}; it is tried again (`ctl rollback` goes back now, `ctl confirm` keeps the run)",
                False,
            )
        if not _is_waited_for(layout):
            text = f"a run is on trial until {self.until_text}, and no process waits for that"
            return f"{text}: `ctl recover` starts one, `ctl confirm` keeps the run", False
        if time.time() > self.until:
            return f"the run on trial was not confirmed until {self.until_text}: it goes back now", True
        return f"a run is on trial until {self.until_text}: `ctl confirm` keeps it", True


def _failure(layout: Layout) -> Path:
    return layout.trial.with_name("trial-failure")


def note_failure(layout: Layout, error: Exception) -> None:
    """Remember why going back did not succeed: nobody reads what the process prints that tried it."""
    text = f"{type(error).__name__} in ctl itself: {error}"
    if isinstance(error, CtlError):
        text = error.message
    elif isinstance(error, OSError):
        text = os_error(error)
    write_atomic(_failure(layout), text.partition("\n")[0].encode(), mode=0o600)


def _is_waited_for(layout: Layout) -> bool:
    with layout.trial.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def resume(layout: Layout) -> None:
    """Let a process wait for the end of a trial again: a boot, or somebody, has ended the one that did."""
    trial = Trial.read(layout)
    if trial is not None:
        with suppress(FileNotFoundError):  # it has just ended
            trial.wait(layout)


def end_undone(layout: Layout) -> None:
    """After an interrupted run has been undone: where it was the one on trial, nothing is left to go back from."""
    with suppress(CtlError):  # what is damaged is reported by what needs it
        trial, runs = Trial.read(layout), History(layout).runs()
        if trial is not None and runs and runs[0].folder.name == trial.back_to:
            end(layout)


def end(layout: Layout) -> bool:
    """Let no trial be under way any more. Returns whether one was."""
    there = look(layout.trial) is not None
    layout.trial.unlink(missing_ok=True)
    _failure(layout).unlink(missing_ok=True)
    return there
