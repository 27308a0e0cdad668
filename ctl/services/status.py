"""What sv says about a service: its line, read into its parts (sv(8), `status`)."""

from __future__ import annotations

import re
from typing import NamedTuple

_PART = re.compile(
    r"(?:(?:ok|timeout|kill): )?(?P<state>run|down|finish): (?P<name>[^:]+): "
    r"(?:\(pid (?P<pid>\d+)\) )?(?P<seconds>-?\d+)s(?P<flags>(?:, [A-Za-z ]+)*)"
)
_TROUBLE = re.compile(r"(?P<state>fail|warning): (?P<name>[^:]+): (?P<reason>.*)")


class Status(NamedTuple):
    """The state of a service, or of its log service.

    Args:
        name: as it was given to sv; "log" for the appendant log service.
        state: "run", "down", "finish" (its finish script runs), or "fail" and "warning" where sv does not know.
        line: sv's own words, about this service alone.
        pid: its process, or None.
        seconds: how long it has been in this state.
        want: "up" or "down" where that is not what is, else None.
        got: the signal ("TERM") after which it has not ended yet, else None.
        normally: "up" or "down" where that is not what is, else None.
        paused: whether it was sent STOP.
        reason: why sv does not know ("runsv not running"), else "".
        log: its log service, if it has one.
    """

    name: str
    state: str
    line: str
    pid: int | None = None
    seconds: int = 0
    want: str | None = None
    got: str | None = None
    normally: str | None = None
    paused: bool = False
    reason: str = ""
    log: Status | None = None

    @property
    def runs(self) -> bool:
        """Whether it runs and should go on: `run` alone is also the state of a service that is being ended."""
        return self.state == "run" and not (self.want or self.got or self.paused)

    @property
    def healthy(self) -> bool:
        """Whether it runs, and its log service too: without that it blocks once the pipe is full."""
        return self.runs and (self.log is None or self.log.runs)

    @property
    def stopped(self) -> bool:
        """Whether an administrator wants it down, or runit does because of its `down` file."""
        if self.state == "down":
            return self.want != "up"
        return self.state in ("run", "finish") and self.want in ("down", "exit") and not self.once

    @property
    def once(self) -> bool:
        """Whether it runs, but is not started again when it ends (sv(8), `once`); no signal has asked it to end."""
        return self.state == "run" and self.want == "down" and self.got is None

    @property
    def crashing(self) -> bool:
        """Whether it ended by itself and waits for runsv to start it again."""
        return self.state == "down" and self.want == "up"

    @property
    def pids(self) -> list[int]:
        """Its process, and that of its log."""
        return [one.pid for one in (self, self.log) if one is not None and one.pid]

    @property
    def denied(self) -> bool:
        """Whether sv could not look because it lacks the right to."""
        return "access denied" in self.reason


def parse_status(line: str) -> Status:
    """Read one line of `sv status` or the line with which another command of sv ends.

    Args:
        line: as "run: registry: (pid 5139) 12s; run: log: (pid 5138) 12s".

    Raises:
        ValueError: the line is none of sv's.
    """
    trouble = _trouble(line)
    if trouble:
        return trouble
    service, _, log = line.partition("; ")
    # a service that has just been taken in charge may run before its log does: "fail: NAME/log: ..."
    return _part(service, (_trouble(log) or _part(log, None)) if log else None)


def _trouble(text: str) -> Status | None:
    match = _TROUBLE.fullmatch(text)
    return Status(match["name"], match["state"], text, reason=match["reason"]) if match else None


def _part(text: str, log: Status | None) -> Status:
    match = _PART.fullmatch(text)
    if match is None:
        raise ValueError(f"not a line of sv: {text!r}")
    flags = match["flags"].split(", ")[1:]
    return Status(
        name=match["name"],
        state=match["state"],
        line=text,
        pid=int(match["pid"]) if match["pid"] else None,
        seconds=int(match["seconds"]),
        want=_flag(flags, "want "),
        got=_flag(flags, "got "),
        normally=_flag(flags, "normally "),
        paused="paused" in flags,
        log=log,
    )


def _flag(flags: list[str], prefix: str) -> str | None:
    return next((flag.removeprefix(prefix) for flag in flags if flag.startswith(prefix)), None)
