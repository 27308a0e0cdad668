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
from ctl.timer.alarm import Alarm
from ctl.timer.due import SOON, due
from ctl.timer.outcome import CUT_OFF, Outcome, held, read_outcome, write_outcome
from ctl.timer.run import Run, report
from ctl.timer.task import Task, read_tasks
from ctl.timer.writes import Watch, written_since

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGIO)
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
        self.alarm, self.watch = Alarm(), Watch()

    def run(self) -> int:
        """Run until TERM. Returns the exit code.

        Raises:
            CtlError: the tasks cannot be read at the start.
        """
        select_signals(self.selector, _SIGNALS, self._signals)
        self.selector.register(self.alarm, selectors.EVENT_READ, self.alarm.stop)
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
            elif number != signal.SIGIO:  # that one is of the watch: what is due is looked at next
                self.ending = True
                for run in self.runs.values():
                    run.ask_to_end("the timer was stopped", time.monotonic())

    def _read_again(self) -> None:
        try:
            self.tasks = read_tasks(self.layout)
        except (CtlError, OSError) as error:
            report(f"error: the tasks stay as they were: {_words(error)}")

    # --- one turn

    def _phase(self) -> float | None:
        """Start what is due, end what takes too long, and set the alarm for what is due next.

        Returns:
            The seconds until something takes too long; None where nothing runs.
        """
        now, clock = datetime.now(UTC), time.monotonic()
        for run in self.runs.values():
            if run.deadline <= clock:
                run.ask_to_end(f"took longer than {timedelta(seconds=run.task.timeout)}", clock)
        waiting = [] if self.ending else [one for one in self.tasks if one.name not in self.runs]
        times = [self._start_if_due(task, now) for task in waiting]
        self.alarm.set(min(filter(None, times), default=None))
        return max(0.0, min(run.deadline for run in self.runs.values()) - clock) if self.runs else None

    def _start_if_due(self, task: Task, now: datetime) -> datetime | None:
        """Start a task if it is due. Returns when it must be looked at again; None while it runs."""
        try:
            found = self._outcome(task, now)
            then = self._due(task, found, now)
            if then > now:
                return then
            if self._start(task, found, now):
                return None
        except (OSError, ValueError) as error:  # a full disk, say: the other tasks go on
            report(f"error: {task.name}: {_words(error)}")
        return now + SOON

    def _due(self, task: Task, found: Outcome, now: datetime) -> datetime:
        """When it is due: at its times, and soon after the last run where its folders were written since."""
        regular, started = due(task, found, now), min(found.started or found.since, now)
        if not task.on_write:
            return regular
        # Not watched while a run is due anyway: each further line of a log would wake the timer.
        idle = not written_since(task.on_write, started) and self.watch.arm(task.on_write)
        return regular if idle and not written_since(task.on_write, started) else min(started + SOON, regular)

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
