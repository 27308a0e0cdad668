"""One task under way: its process, what it prints, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from ctl.timer.task import Task

_LINES = 50
"""The last lines of output in which the reason is looked for."""
_LONGEST = 500
"""Characters of a reason."""
_CHUNK = 65536
GRACE = 30.0
"""Seconds between TERM and KILL."""


@dataclass
class Run:
    """A process of a task.

    Args:
        task: what runs.
        process: leads a group of its own.
        deadline: of the monotonic clock, when it is ended.
        log: takes its output; None for this process's own output.
    """

    task: Task
    process: subprocess.Popen[bytes]
    deadline: float
    log: subprocess.Popen[bytes] | None = None
    end: str = ""
    """Why it was asked to end."""
    _rest: bytes = b""
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))

    @classmethod
    def begin(cls, task: Task, now: float, lock: int) -> Run:
        """Start a task.

        Args:
            task: it.
            now: of the monotonic clock.
            lock: a descriptor that the process keeps open.

        Raises:
            OSError: its program or that of its log cannot be run.
        """
        environment = {**os.environ, **task.environment, "CTL_TASK": task.name}
        log = subprocess.Popen(task.log, stdin=subprocess.PIPE, cwd="/") if task.log else None
        try:
            process = subprocess.Popen(
                task.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
                pass_fds=(lock,),
            )
        except OSError:
            _close(log)
            raise
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        os.set_blocking(process.stdout.fileno(), False)
        return cls(task, process, now + task.timeout, log)

    @property
    def output(self) -> int:
        """The descriptor of what it prints."""
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        return self.process.stdout.fileno()

    def read(self) -> bool:
        """Pass on what it printed. Returns whether there may be more to come."""
        while True:
            try:
                chunk = os.read(self.output, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._pass_on(lines)

    def _pass_on(self, lines: list[bytes]) -> None:
        texts = [line.decode(errors="replace") for line in lines]
        self._lines.extend(texts)
        if self.log and self.log.stdin:
            with suppress(BrokenPipeError):  # its log has gone: the outcome is kept all the same
                self.log.stdin.write(b"".join(line + b"\n" for line in lines))
                self.log.stdin.flush()
                return
        sys.stdout.write("".join(f"{self.task.name}: {text}\n" for text in texts))
        sys.stdout.flush()

    def ask_to_end(self, why: str, now: float) -> None:
        """Send TERM to it and all that came from it; KILL where that was done before and did not help."""
        self._signal(signal.SIGKILL if self.end else signal.SIGTERM)
        self.end = self.end or why
        self.deadline = now + GRACE

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def close(self) -> tuple[int, str]:
        """After its end: its exit status, negative for a signal; and the reason, or its last word."""
        self.read()
        if self._rest:
            self._pass_on([self._rest])
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        self.process.stdout.close()
        _close(self.log)
        status = self.process.wait()
        return status, (self.end or self._reason(status))[:_LONGEST]

    def _reason(self, status: int) -> str:
        lines = [line.strip() for line in self._lines if line.strip()]
        if status == 0:
            return lines[-1] if lines else ""
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return (errors or lines or [f"exit status {status}, without a word"])[-1]


def _close(log: subprocess.Popen[bytes] | None) -> None:
    if log and log.stdin:
        with suppress(BrokenPipeError):
            log.stdin.close()
        log.wait()


def report(text: str) -> None:
    """A line of the timer's own."""
    print(text, file=sys.stdout, flush=True)
