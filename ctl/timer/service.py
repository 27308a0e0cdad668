"""The process that runit supervises: sleeps until a task is due, starts it, and keeps how it ended."""

from __future__ import annotations

import os
import selectors
import signal
import time
from datetime import UTC, datetime, timedelta

from ctl.errors import EXIT_LOCKED, CtlError, os_error
from ctl.machine.signals import select_signals
from ctl.paths import Layout
from ctl.timer.due import SOON, due
from ctl.timer.outcome import CUT_OFF, Outcome, held, read_outcome, write_outcome
from ctl.timer.run import Run, report
from ctl.timer.task import Task, read_tasks

LONGEST_SLEEP = timedelta(hours=1)
"""A machine that was asleep, or whose clock was set, is back in step after that."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NOT_STARTED = 127


class Timer:
    """Starts each task at its times.

    Args:
        layout: of the installation.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.tasks: list[Task] = []
        self.runs: dict[str, Run] = {}
        self.ending = False
        self.selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Run until TERM. Returns the exit code.

        Raises:
            CtlError: the tasks cannot be read at the start.
        """
        select_signals(self.selector, _SIGNALS, self._signals)
        self.tasks = read_tasks(self.layout)
        while self.runs or not self.ending:
            for key, _ in self.selector.select(self._phase()):
                if (
                    key.fd in self.selector.get_map()
                ):  # the end of a task closes its output, which may be next
                    key.data()
        return 0

    def _signals(self, numbers: set[int]) -> None:
        for number in numbers:
            if number == signal.SIGHUP:
                self._read_again()
            else:
                self.ending = True
                for run in self.runs.values():
                    run.ask_to_end("the timer was stopped", time.monotonic())

    def _read_again(self) -> None:
        try:
            self.tasks = read_tasks(self.layout)
        except (CtlError, OSError) as error:
            report(f"error: the tasks stay as they were: {_words(error)}")

    # --- one turn

    def _phase(self) -> float:
        """Start what is due, end what takes too long. Returns the seconds until there is something to do."""
        now, clock = datetime.now(UTC), time.monotonic()
        for run in self.runs.values():
            if run.deadline <= clock:
                run.ask_to_end(f"took longer than {timedelta(seconds=run.task.timeout)}", clock)
        pauses = [run.deadline - clock for run in self.runs.values()]
        if not self.ending:
            pauses += [self._wait(task, now) for task in self.tasks if task.name not in self.runs]
        return max(0.0, min([*pauses, LONGEST_SLEEP.total_seconds()]))

    def _wait(self, task: Task, now: datetime) -> float:
        """Start a task if it is due. Returns the seconds until it must be looked at again."""
        try:
            found = self._outcome(task, now)
            wait = (due(task, found, now) - now).total_seconds()
            if wait > 0:
                return wait
            if self._start(task, found, now):
                return task.timeout
        except (OSError, ValueError) as error:  # a full disk, say: the other tasks go on
            report(f"error: {task.name}: {_words(error)}")
        return SOON.total_seconds()

    def _outcome(self, task: Task, now: datetime) -> Outcome:
        found = read_outcome(self.layout, task.name)
        if found is None:
            found = Outcome(now)
            write_outcome(self.layout, task.name, found)
        return found

    def _start(self, task: Task, before: Outcome, now: datetime) -> bool:
        """Returns whether it runs; False where a process of an earlier timer still does."""
        with held(self.layout, task.name) as lock:
            if lock is None:
                return False
            begun = before.begun(now)
            write_outcome(self.layout, task.name, begun)
            try:
                run = Run.begin(task, time.monotonic(), lock)
            except OSError as error:
                self._finish(task, begun, _NOT_STARTED, os_error(error))
                return False
        self.runs[task.name] = run
        self.selector.register(run.output, selectors.EVENT_READ, lambda: self._printed(run))
        ended = os.pidfd_open(run.process.pid)
        self.selector.register(ended, selectors.EVENT_READ, lambda: self._ended(run, begun, ended))
        return True

    # --- what a task does

    def _printed(self, run: Run) -> None:
        if not run.read():
            self.selector.unregister(run.output)

    def _ended(self, run: Run, begun: Outcome, pidfd: int) -> None:
        """Its process ended; what came from it and still holds its output is not waited for."""
        self.selector.unregister(pidfd)
        os.close(pidfd)
        if run.output in self.selector.get_map():
            self.selector.unregister(run.output)
        del self.runs[run.task.name]
        status, reason = run.close()
        if self.ending and status != 0:
            report(f"{run.task.name}: {CUT_OFF}; it runs again when the timer does")
        else:
            self._finish(run.task, begun, status, reason)

    def _finish(self, task: Task, begun: Outcome, status: int, reason: str) -> None:
        if status == EXIT_LOCKED:
            report(f"{task.name}: again in a minute: {reason}")
        elif status != 0:
            report(f"{task.name}: failed: {reason}")
        try:
            write_outcome(self.layout, task.name, begun.finished(datetime.now(UTC), status, reason))
        except OSError as error:
            report(f"error: {task.name}: its outcome is not kept: {os_error(error)}")


def _words(error: Exception) -> str:
    if isinstance(error, CtlError):
        return error.message
    return os_error(error) if isinstance(error, OSError) else str(error)
