"""One process of the program: its socket, its connections, its end."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from ctl.machine.unix_socket import connect

SOCKET_MODE = 0o770
"""Who may write connects. By the right to execute NGINX finds that a socket is there: it asks for nothing else that a
socket has (ngx_http_rewrite_module, 'if')."""
_CONNECTED = ("02", "03")
"""SS_CONNECTING, which waits to be accepted, and SS_CONNECTED in /proc/net/unix (include/uapi/linux/net.h)."""
_LOOK = 0.005
"""Seconds between two looks for the last answers of a process while requests wait."""
_QUIET_LOOKS = 2
"""How many looks in a row must find no connection: NGINX may be between two of them."""


class State(StrEnum):
    """What a process is for."""

    FIRST = "starting"
    """It serves as soon as it accepts connections: nothing else does."""
    CANDIDATE = "candidate"
    FRESH = "fresh"
    """It takes over from one that may remember what has been deleted, as soon as it accepts connections."""
    CURRENT = "current"
    KEPT = "kept"
    """Another one serves; it goes on with what only it can: requests that name its key."""
    DRAINING = "draining"
    ENDING = "ending"
    ENDED = "ended"


NEXT = (State.CANDIDATE, State.FRESH)
LASTING = (State.CURRENT, State.KEPT, State.ENDED)
"""States in which a process may stay."""


class Instance:
    """One process.

    Args:
        number: counts up from 1 within the life of the master.
        pid: the process.
        socket: where it listens.
        debug: the port of its debug server on loopback, or None.
        state: what it is for.
        since: when it got this state, in seconds of CLOCK_MONOTONIC.
        deadline: when this state must be over, on the same clock; 0 for never.
        quiet: looks in a row that found no connection.
        status: how it ended, as waitpid(2) has it; None while it lives.
        key: which requests only a process of this kind can answer (Options.key).
    """

    def __init__(
        self,
        number: int,
        pid: int,
        socket: str,
        debug: int | None = None,
        state: State = State.CANDIDATE,
        since: float = 0.0,
        deadline: float = 0.0,
        quiet: int = 0,
        status: int | None = None,
        key: str = "",
    ) -> None:
        self.number, self.pid, self.socket, self.debug, self.key = number, pid, socket, debug, key
        self.state, self.since, self.deadline, self.quiet, self.status = state, since, deadline, quiet, status

    def to(self, state: State, seconds: float = 0.0) -> None:
        """Go to another state, which must be over after some seconds; 0 for never."""
        self.state, self.since = state, time.monotonic()
        self.deadline = self.since + seconds if seconds else 0.0

    def late(self) -> bool:
        """Whether its state should be over by now."""
        return bool(self.deadline) and time.monotonic() > self.deadline

    def accepts(self) -> bool:
        """Whether it accepts connections."""
        try:
            connect(self.socket, seconds=1.0).close()
        except OSError:
            return False
        return True

    def connections(self) -> int:
        """How many connections it has, waiting ones included."""
        try:
            table = Path("/proc/net/unix").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return 1  # unknown is not none: the limit decides
        name = f"/{Path(self.socket).name}"  # the program may have bound a relative path; the name is unique
        lines = (line.split(maxsplit=7) for line in table.splitlines() if line.endswith(name))
        return sum(words[5] in _CONNECTED for words in lines)

    def drained(self) -> bool:
        """Look once more for connections; whether there were none for some looks in a row."""
        self.quiet = 0 if self.connections() else self.quiet + 1
        return self.quiet >= _QUIET_LOOKS

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a stopped process is continued, or it would never act on it."""
        try:
            os.kill(self.pid, number)
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass  # its end is noted when it is waited for

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let requests to it wait: the kernel accepts their connections."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)

    def open_to(self, group: int) -> None:
        """Let a group connect. By descriptor, as the folder is the program's: nothing else is ever changed there.

        Raises:
            OSError: there is no socket.
        """
        descriptor = os.open(self.socket, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.socket} is not a socket")
            same = f"/proc/self/fd/{descriptor}"
            os.chown(same, -1, group)
            os.chmod(same, SOCKET_MODE)  # noqa: PTH101 - a descriptor's name, not a path
        finally:
            os.close(descriptor)

    def facts(self) -> dict[str, Any]:
        """As plain JSON values: for ctl, and for the master itself across an exec."""
        return dict(vars(self))

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Instance:
        """The instance of some facts."""
        return cls(**{**facts, "state": State(facts["state"])})


def outcome(status: int) -> str:
    """How a process ended, in words, from what waitpid(2) says."""
    code = os.waitstatus_to_exitcode(status)
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def await_quiet(instances: Sequence[Instance], seconds: float) -> None:
    """Wait until processes have no connection, some seconds at most: transfers may take hours."""
    end = time.monotonic() + seconds
    while not all(one.drained() for one in instances) and time.monotonic() < end:
        time.sleep(_LOOK)
