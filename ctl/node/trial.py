"""A run on trial: it is taken back when its time is over, unless somebody confirms it.

A process of its own waits for that, so that it happens also when ctl or the terminal is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import look, read_file
from ctl.errors import CtlError, UsageFault
from ctl.node.history import Run
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
        return time.strftime("%H:%M:%S", time.localtime(self.until))

    @classmethod
    def read(cls, layout: Layout) -> Trial | None:
        """The trial under way, or None."""
        if look(layout.trial) is None:
            return None
        try:
            return cls(**json.loads(read_file(layout.trial)))
        except (ValueError, TypeError) as error:
            raise CtlError(
                f"{layout.trial} is damaged: {error}", hint=f"Remove it: rm {layout.trial}"
            ) from error

    @classmethod
    def begin(cls, layout: Layout, settings: Path | None, back: Run, limit: int) -> Trial:
        """Let a process wait that goes back to a run when the time is over."""
        given = str(settings.absolute()) if settings else None
        trial = cls(time.time() + limit, back.folder.name, secrets.token_hex(8), given)
        write_atomic(layout.trial, json.dumps(vars(trial)).encode(), mode=0o600)
        trial.wait(layout)
        return trial

    def wait(self, layout: Layout) -> None:
        """Let a process wait for its end."""
        more = ["--settings", self.settings] if self.settings else []
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ctl",
                "--root",
                str(layout.root),
                *more,
                "rollback",
                "--after-trial",
                self.token,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )


def resume(layout: Layout) -> None:
    """Let a process wait for the end of a trial again: a boot, or somebody, has ended the one that did."""
    trial = Trial.read(layout)
    if trial is None:
        return
    with waiting(layout) as alone:
        if not alone:
            return
    trial.wait(layout)


@contextmanager
def waiting(layout: Layout) -> Iterator[bool]:
    """Be the one process that waits for the end of the trial; yields whether there was no other."""
    try:
        descriptor = os.open(layout.trial, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def end(layout: Layout) -> bool:
    """Let no trial be under way any more. Returns whether one was."""
    there = look(layout.trial) is not None
    layout.trial.unlink(missing_ok=True)
    return there
