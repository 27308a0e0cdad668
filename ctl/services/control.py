"""Control of single services through runsv: start, stop, restart, reload, each until it is really done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path

from ctl.errors import USE_SUDO, CtlError, RunFailed
from ctl.graceful.control import Control, MasterGone
from ctl.graceful.switch import Gate, switch
from ctl.machine.health import Check
from ctl.machine.ports import children, excludes, listening, same
from ctl.paths import Layout
from ctl.services.condition import started
from ctl.services.definition import Definition, enabled_names, known_definition, read_definition
from ctl.services.ending import promised
from ctl.services.log_marks import LogMarks
from ctl.services.new_process import BETWEEN_QUESTIONS, ask_candidate, steady_seconds
from ctl.services.processes import Processes, end
from ctl.services.reloading import reload_problem
from ctl.services.start_watch import StartWatch
from ctl.services.status import Status
from ctl.services.supervisor import Supervisor
from ctl.services.sv import sv, sv_status
from ctl.services.waiting import POLL

KILL_SECONDS = 5
"""Seconds in which the kernel ends a process that was killed."""


class ServiceFailed(RunFailed):
    """A service did not do what it must.

    Args:
        message: what is wrong, with the end of the service's log.
        line: the outcome as sv prints it: "timeout: down: registry: 1s, normally up, want up".
        problem: what is wrong in a few words, to follow its name; "" where sv did not know.
    """

    def __init__(self, message: str, *, line: str, hint: str | None = None, problem: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.problem = problem

    @property
    def late(self) -> bool:
        """Whether it had its time and did not use it."""
        return self.line.startswith("timeout:")


class ServiceControl:
    """Starts, stops, restarts and reloads the services of one root, one at a time.

    Args:
        layout: the root.
        gates: by service, what asks a new process before it replaces the one that serves (ctl.graceful).
        note: receives a line when a process had to be killed, or one was ended that had lost its runsv.
    """

    def __init__(
        self,
        layout: Layout,
        gates: Mapping[str, Gate] | None = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.layout = layout
        self.gates = gates or {}
        self.supervisor = Supervisor(layout)
        self._logs = LogMarks()
        self._note = note

    def status(self, name: str) -> Status:
        """What sv says of a service, or of its log service ("registry/log")."""
        return sv_status(self.layout.service, [name])[0]

    def statuses(self, names: Sequence[str]) -> list[Status]:
        """What sv says of several services, by one call."""
        return sv_status(self.layout.service, names)

    def definition(self, name: str) -> Definition:
        """What ctl knows of a service. Raises CtlError where that file is damaged."""
        return read_definition(self.layout, name)

    def known(self, name: str) -> Definition:
        """As `definition`, with defaults where its file is damaged: also such a service can be ended and started."""
        return known_definition(self.layout, name)

    def restart(self, name: str) -> Status:
        """End the process, if any, and start a new one; return when the new one answers.

        `sv restart` within a second of the last start says "ok" before it has happened: the pid shows that.

        Raises:
            ServiceFailed: the old process does not end, or the new one does not come up.
        """
        before = self.permitted(self.status(name))
        self.end_strays(name)
        master = self._master(name, before)
        if master is not None:
            try:
                return self._switch(name, master)
            except MasterGone as error:
                former, before = before, self.status(name)
                if before.pid == former.pid:
                    problem = f"is served by its former process: {error.message}"
                    raise self._failed(name, before, problem) from error
        wait = self.seconds_to_end(name, before.pid)
        self.mark_log(name)
        self.control(name, self._ending_signal(name, before.pid))
        if before.pid is not None:
            self._await_end(name, lambda status: status.pid != before.pid, wait)
        return self.await_up(name, Definition() if is_log(name) else self.definition(name))

    def _ending_signal(self, name: str, pid: int | None) -> str:
        """How its process ends for another one: commands of runsv.

        A master whose workers outlive it is killed: they serve until the next one has their sockets
        (ctl.nginx.takeover), which finds them by the file of its pid. Not where it must have an address that theirs
        are in the way of.
        """
        if pid is None or not self._hands_over(name, pid):
            return "tcu"
        self._note_pid(name, pid)
        return "ku"

    def _hands_over(self, name: str, pid: int) -> bool:
        """Whether the next process can take over the sockets of this one's workers."""
        definition = Definition() if is_log(name) else self.definition(name)
        if not definition.hands_over or definition.pid_file is None:
            return False
        held = listening(pid)
        return not any(excludes(a, b) and not same(a, b) for a in held for b in definition.listen)

    def _note_pid(self, name: str, pid: int) -> None:
        """Where the file of its pid has moved, the next process finds the pid of this one in the new place."""
        path = self.definition(name).pid_file
        with suppress(FileNotFoundError, NotADirectoryError):  # no folder: it starts as the first one does
            if path is not None and not (
                path.exists() and path.read_text(encoding="ascii").strip() == str(pid)
            ):
                path.write_text(f"{pid}\n", encoding="ascii")

    def start(self, name: str) -> Status:
        """Want it up, and return when it answers; a process that is still ending is waited for.

        Raises:
            ServiceFailed: it does not come up.
        """
        before = self.permitted(self.status(name))
        wait = self.seconds_to_end(name, before.pid)
        self.end_strays(name)
        self.mark_log(name)
        self.control(name, "u")
        if before.pid is not None and (before.got or before.want) and not before.once:
            self._await_end(name, lambda status: status.pid != before.pid, wait)
        return self.await_up(name, self.known(name))

    def stop(self, name: str) -> Status:
        """Stop it, and return when it is down; the supervisor and the log service go on.

        Raises:
            ServiceFailed: it does not end, not even killed.
        """
        wait = self.seconds_to_end(name, self.permitted(self.status(name)).pid)
        self.control(name, "d")
        status = self._await_end(name, lambda status: status.state == "down" and status.stopped, wait)
        self.end_strays(name)
        return status

    def wait_until_up(self, name: str) -> None:
        """Return when the service runs and answers at its ports. Raises ServiceFailed after its time."""
        self.await_up(name, self.definition(name))

    def wait_until_healthy(self, touched: Set[str]) -> None:
        """Return when every service that was started, or is reached through one that was, is as it must be.

        Args:
            touched: services that were started, restarted or reloaded.

        Raises:
            ServiceFailed: it is not within its time, or ends; says what is wrong, with its log since the start.
        """
        for name in enabled_names(self.layout):
            definition = self.definition(name)
            due = [one for one in definition.health if name in touched or one.via in touched]
            if due and definition.health_seconds and not self.permitted(self.status(name)).stopped:
                self._await_healthy(name, definition, due, started=name in touched)

    def _master(self, name: str, status: Status) -> Control | None:
        """What restarts the service without a failed request; None where it is restarted by runsv."""
        if is_log(name) or not status.runs:
            return None
        folder = self.definition(name).graceful
        master = Control(folder) if folder else None
        return master if master and master.answers() else None

    def _switch(self, name: str, master: Control) -> Status:
        """Let a new process replace the one that serves, which drains.

        Raises:
            ServiceFailed: the new one is not healthy; the former one serves as before.
            MasterGone: the master does not answer. Where it has ended, so has the process that served.
        """
        definition = self.definition(name)
        gate = self.gates.get(name, lambda candidate: ask_candidate(candidate, definition))
        self.mark_log(name)
        try:
            switch(master, lambda: self.control(name, "h"), gate, seconds=definition.seconds_to_answer)
        except MasterGone:
            raise
        except CtlError as error:
            problem = f"is served by its former process: {error.message}"
            raise self._failed(name, self.status(name), problem) from error
        return self.status(name)

    def _await_healthy(
        self, name: str, definition: Definition, due: Sequence[Check], *, started: bool
    ) -> None:
        first = self.status(name)
        if not started and (not first.runs or any(one.problem() for one in definition.health if not one.via)):
            return  # it was not well before either
        end = time.monotonic() + definition.health_seconds
        while wrong := next(filter(None, (one.problem() for one in due)), None):
            status = self._refuse_exited(name, first)
            if time.monotonic() > end:
                raise self._failed(name, status, wrong)
            time.sleep(BETWEEN_QUESTIONS)
        while self._refuse_exited(name, first).seconds < steady_seconds(definition) and started:
            time.sleep(BETWEEN_QUESTIONS)

    def _refuse_exited(self, name: str, first: Status) -> Status:
        status = self.permitted(self.status(name))
        if status.pid != first.pid or not status.runs:
            raise self._failed(name, status, "keeps exiting")
        return status

    def mark_log(self, name: str) -> None:
        folder = None if is_log(name) else self.known(name).log
        if folder is not None:
            self._logs.mark(folder / "current")

    def reload(self, name: str) -> None:
        """Let it read its configuration again, and return when it has.

        Raises:
            ServiceFailed: it has refused it, or does not come to it within its time.
        """
        pid = self.status(name).pid
        former = children(pid) if pid else set()
        self.mark_log(name)
        answer = sv(self.layout.service, "hup", [name])
        if answer.failures:
            raise ServiceFailed(f"reload of {name} failed: {' '.join(answer.lines)}", line=answer.lines[0])
        if is_log(name):
            return
        definition = self.definition(name)
        if not definition.hands_over:
            self.reloaded_mark(name).touch()
        if pid and former:
            problem = reload_problem(pid, former, definition, lambda text: self._has_logged(definition, text))
            if problem:
                raise self._failed(name, self.status(name), problem)
        self.wait_until_up(name)

    def reloaded_mark(self, name: str) -> Path:
        """Its time is that of the last reload of a service that shows it in no other way, as by new workers."""
        return self.layout.sv / name / "supervise/reloaded"

    def _has_logged(self, definition: Definition, text: str) -> bool:
        """Whether a service has logged a text since the mark."""
        return definition.log is not None and self._logs.has(definition.log / "current", text)

    def _await_end(self, name: str, ended: Callable[[Status], bool], wait: int) -> Status:
        """Wait for the end of a process, however long it drains within its time; then kill it."""
        try:
            return self._await(name, ended, wait, lambda _: f"does not end within {wait} s")
        except ServiceFailed as error:
            if not error.late:
                raise
        self._note(f"{name} did not end within {wait} s of TERM: killed (pid {self.status(name).pid})")
        self.control(name, "k")
        return self._await(name, ended, KILL_SECONDS, lambda _: "does not end, though killed")

    def end_strays(self, name: str) -> None:
        """End what is left of a service whose runsv has died: it would keep its addresses, and its log's folder."""
        strays = self.strays(name)
        if not strays:
            return
        killed = end(strays, self.known(name.partition("/")[0]).wait)
        what = f"{', '.join(map(str, strays))}" + (
            f"; killed: {', '.join(map(str, killed))}" if killed else ""
        )
        self._note(f"{name}: ended processes left behind (pid {what})")

    def strays(self, name: str, processes: Processes | None = None) -> list[int]:
        """Processes of a service (or log) whose runsv has died, or that have outlived it.

        Args:
            name: of the service, or "NAME/log".
            processes: all, where they are known already.
        """
        definition = self.known(name.partition("/")[0])
        pid_file = None if is_log(name) else definition.pid_file
        return (processes or Processes()).strays(self.layout.sv / name, pid_file, definition.users)

    def await_up(self, name: str, definition: Definition) -> Status:
        watch = StartWatch(self.layout.sv / name, definition)

        def up_or_failed(status: Status) -> bool:
            return watch.up(status) or watch.failed

        status = self._await(name, up_or_failed, definition.seconds_to_answer, watch.problem)
        if watch.failed:
            raise self._failed(name, status, watch.problem(status))
        started(self.layout.sv / name)
        return status

    def _await(
        self, name: str, done: Callable[[Status], bool], seconds: float, problem: Callable[[Status], str]
    ) -> Status:
        """Look at a service until `done` says so. Raises ServiceFailed with the problem after `seconds`."""
        end = time.monotonic() + seconds
        while not done(status := self.permitted(self.status(name))):
            if time.monotonic() > end:
                raise self._failed(name, status, problem(status))
            time.sleep(POLL)
        return status

    def _failed(self, name: str, status: Status, problem: str) -> ServiceFailed:
        complaints = self.supervisor.complaints(name.partition("/")[0])
        message = "\n  ".join([f"{name} {problem}: {status.line}", *complaints, *self.log_end(name)])
        return ServiceFailed(message, line=f"timeout: {status.line}", problem=problem)

    def denied_error(self, status: Status) -> ServiceFailed:
        return ServiceFailed(status.line, line=status.line, hint=USE_SUDO)

    def permitted(self, status: Status) -> Status:
        """The status, unless sv does not know. Raises ServiceFailed with sv's own words then."""
        if status.denied:
            raise self.denied_error(status)
        if status.reason:
            hint = (
                None
                if self.supervisor.pid() is not None
                else "The supervisor does not run: `ctl start` starts it."
            )
            raise ServiceFailed(status.line, line=status.line, hint=hint)
        return status

    def log_end(self, name: str) -> list[str]:
        """The path of a service's log and its last lines, of those since it was started here."""
        folder = self.known(name.partition("/")[0]).log
        if folder is None:
            return []
        path = folder / "current"
        try:
            lines = self._logs.lines(path)
        except OSError as error:
            return [f"{path}: {error.strerror}"]
        return [f"{path}:", *(f"  {line}" for line in lines)] if lines else [f"{path} is empty"]

    def seconds_to_end(self, name: str, pid: int | None) -> int:
        """Seconds that a process may take to end: what its files say now, or had when it started."""
        return max(self.known(name.partition("/")[0]).wait, promised(pid))

    def control(self, name: str, commands: str) -> None:
        """Give runsv several commands at once, so that none is obeyed alone (runsv(8), 'CONTROL')."""
        try:
            pipe = os.open(self.layout.sv / name / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            self.permitted(self.status(name))
            raise CtlError(f"service {name} cannot be controlled: {error}") from error
        try:
            os.write(pipe, commands.encode("ascii"))
        finally:
            os.close(pipe)


def is_log(name: str) -> bool:
    return name.endswith("/log")
