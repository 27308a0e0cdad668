"""A run on trial: it is taken back when its time is over, unless somebody confirms it.

A process of its own waits for that, so that it happens also when ctl or the terminal is gone.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import time
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
        token: tells it from a later one.
    """

    until: float
    back_to: str
    token: str

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
                f"{layout.trial} is damaged: {error}", hint=f"remove it: rm {layout.trial}"
            ) from error

    @classmethod
    def begin(cls, layout: Layout, settings: Path | None, back: Run, limit: int) -> Trial:
        """Let a process wait that goes back to a run when the time is over."""
        trial = cls(time.time() + limit, back.folder.name, secrets.token_hex(8))
        write_atomic(layout.trial, json.dumps(vars(trial)).encode(), mode=0o600)
        more = ["--settings", str(settings.absolute())] if settings else []
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
                trial.token,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        return trial


def end(layout: Layout) -> bool:
    """Let no trial be under way any more. Returns whether one was."""
    there = look(layout.trial) is not None
    layout.trial.unlink(missing_ok=True)
    return there
