"""runit as a service manager: enable, disable, start, stop, restart, each until it is really done."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.errors import CtlError, RunFailed
from ctl.graceful.control import Control
from ctl.graceful.instance import Instance
from ctl.graceful.switch import Gate, switch
from ctl.paths import Layout
from ctl.services.condition import started
from ctl.services.definition import Definition, enabled_names, read_definition
from ctl.services.ending import promised
from ctl.services.health import Check, HttpCheck
from ctl.services.log_marks import LogMarks
from ctl.services.ports import accepting, children, listening
from ctl.services.rising import Rising
from ctl.services.status import Status
from ctl.services.supervisor import Supervisor
from ctl.services.sv import sv, sv_status

if TYPE_CHECKING:
    from ctl.converge.model import Notification  # `ctl status` does without the engine

POLL = 0.025
"""Seconds between two looks at a service that is to change."""
HANDOVER = 5
"""Seconds that a reloaded master may take to start its new workers."""
RESCAN_SECONDS = 15
"""runsvdir looks for new services every 5 seconds (runsvdir(8)); a busy machine takes longer."""
BETWEEN_QUESTIONS = 0.2
"""Seconds between two questions for the health of a service; each is a line of its log."""
STEADY = 4
"""Seconds that a service whose health is asked for must have lived: a registry may exit after some."""
USE_SUDO = "run the command with sudo"


class ServiceFailed(RunFailed):
    """A service did not do what it was told.

    Args:
        message: what is wrong, with the end of the service's log.
        line: the outcome as sv prints it: "timeout: down: registry: 1s, normally up, want up".
    """

    def __init__(self, message: str, *, line: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.line = line


class Runit:
    """The services of one root; implements ctl.converge.model.ServiceManager.

    Args:
        layout: the root.
        gates: by service, what asks a new process before it replaces the one that serves (ctl.graceful).
    """

    def __init__(self, layout: Layout, gates: Mapping[str, Gate] | None = None) -> None:
        self.layout = layout
        self.gates = gates or {}
        self.supervisor = Supervisor(layout)
        self._logs = LogMarks()

    # --- looking

    def names(self) -> list[str]:
        """Every enabled service, in order."""
        return enabled_names(self.layout)

    def enabled(self, name: str) -> bool:
        """Whether the supervisor is to run this service."""
        return (self.layout.service / name).is_symlink()

    def running(self, name: str) -> bool:
        """Whether its process runs and is wanted up; not whether its ports answer."""
        return self.enabled(name) and self.status(name).runs

    def answers(self, name: str) -> bool:
        """Whether it runs and answers at its ports now; of a log ("NAME/log"), whether it runs."""
        status = self.status(name)
        if _is_log(name):
            return status.runs
        try:
            return Rising(self.layout.sv / name, self.definition(name)).up(status)
        except CtlError:  # its definition is damaged: it is not known where it should answer
            return False

    def listening(self, name: str) -> set[str]:
        """The addresses at which its processes listen by TCP, whatever its files say; none where it does not run."""
        pid = self.status(name).pid
        return listening(pid) if pid else set()

    def status(self, name: str) -> Status:
        """What sv says of a service, or of its log service ("registry/log")."""
        return sv_status(self.layout.service, [name])[0]

    def statuses(self, names: Sequence[str]) -> list[Status]:
        """What sv says of several services, by one call."""
        return sv_status(self.layout.service, names)

    def definition(self, name: str) -> Definition:
        """What ctl knows of a service. Raises CtlError where that file is damaged."""
        return read_definition(self.layout, name)

    def supervised(self) -> bool:
        """Whether the supervisor runs."""
        return self.supervisor.pid() is not None

    # --- the supervisor

    def ensure_supervisor(self) -> bool:
        """Start the supervisor unless it runs, and wait until it has taken charge of every enabled service.

        Services that outlived a killed supervisor go on without a gap; they can be controlled as before, and
        the new supervisor takes each over when it next ends.

        Returns:
            Whether it had to be started.
        """
        started = self.supervisor.ensure()
        self._await_runsv(self.names())
        return started

    def end_idle_supervisor(self) -> bool:
        """End the supervisor unless it has services. Returns whether it was ended."""
        if self.names():
            return False
        self.supervisor.end()
        return True

    def end_supervisor(self) -> None:
        """End the supervisor and every service of its root, also those that outlived an earlier one."""
        self.supervisor.end()
        self._end_runsv(_folders(self.layout.sv))

    # --- changing

    def enable(self, name: str) -> None:
        """Link the definition into the supervisor's folder; return when the supervisor has it in charge.

        Raises:
            CtlError: there is no such definition, or something else has its place.
        """
        if not (self.layout.sv / name).is_dir():
            raise CtlError(f"service {name} has no definition in {self.layout.sv}")
        self._mark_log(name)
        link, target = self.layout.service / name, os.path.relpath(self.layout.sv / name, self.layout.service)
        if not (link.is_symlink() and str(link.readlink()) == target):
            self._link(link, target)
        if self.supervised():
            if not _controlled(self.layout.sv / name):
                self.supervisor.look()
            self._await_runsv([name])

    def disable(self, name: str) -> None:
        """Take the link away and end the service with its log; the definition stays."""
        link = self.layout.service / name
        if link.exists() and not link.is_symlink():
            raise CtlError(f"{link} is no link: it was not made by ctl", hint="move it away")
        link.unlink(missing_ok=True)
        self._end_runsv([self.layout.sv / name])

    def perform(self, notification: Notification) -> bool:
        """Restart or reload a service or its log ("NAME/log"), and return when the result answers.

        Returns:
            Whether it was done: not to a service that an administrator has stopped, nor where there is none.
        """
        name = notification.service
        if not self.enabled(name.partition("/")[0]):
            return False
        status = self._permitted(self.status(name))
        if status.stopped:
            return False
        if notification.action == "restart":
            self.restart(name)
        elif status.runs:
            self._reload(name)
        return True

    def restart(self, name: str) -> Status:
        """End the process, if any, and start a new one; return when the new one answers.

        `sv restart` within a second of the last start says "ok" before it has happened: the pid tells.

        Raises:
            ServiceFailed: the old process does not end, or the new one does not come up.
        """
        before = self._permitted(self.status(name))
        master = self._master(name, before)
        if master is not None:
            return self._switch(name, master)
        wait = self._wait(name, before.pid)
        self._mark_log(name)
        self._control(name, "tcu")
        if before.pid is not None:
            self._await_end(name, lambda status: status.pid != before.pid, wait)
        return self._await_up(name, Definition() if _is_log(name) else self.definition(name))

    def start(self, name: str) -> Status:
        """Want it up, and return when it answers; a process that is still ending is waited for.

        Raises:
            ServiceFailed: it does not come up.
        """
        before = self._permitted(self.status(name))
        wait = self._wait(name, before.pid)
        self._mark_log(name)
        self._control(name, "u")
        if before.pid is not None and (before.got or before.want):
            self._await_end(name, lambda status: status.pid != before.pid, wait)
        return self._await_up(name, self.definition(name))

    def stop(self, name: str) -> Status:
        """Want it down, and return when it is; the supervisor and the log service go on.

        Raises:
            ServiceFailed: it does not end within its time.
        """
        wait = self._wait(name, self._permitted(self.status(name)).pid)
        self._control(name, "d")
        return self._await_end(name, lambda status: status.state == "down" and status.stopped, wait)

    def wait_until_up(self, name: str) -> None:
        """Return when the service runs and answers at its ports. Raises ServiceFailed after its time."""
        self._await_up(name, self.definition(name))

    def wait_until_healthy(self, touched: Set[str]) -> None:
        """Return when every service that was started, or is reached through one that was, is as it must be.

        Args:
            touched: services that were started, restarted or reloaded.

        Raises:
            ServiceFailed: it is not within its time, or ends; says what is wrong, with its log since the start.
        """
        for name in self.names():
            definition = self.definition(name)
            due = [one for one in definition.health if name in touched or one.via in touched]
            if due and definition.health_seconds and not self._permitted(self.status(name)).stopped:
                self._await_healthy(name, definition, due, started=name in touched)

    # --- how

    def _master(self, name: str, status: Status) -> Control | None:
        """What restarts the service without a failed request; None where it is restarted by runsv."""
        if _is_log(name) or not status.runs:
            return None
        folder = self.definition(name).graceful
        master = Control(folder) if folder else None
        return master if master and master.answers() else None

    def _switch(self, name: str, master: Control) -> Status:
        """Let a new process replace the one that serves, which drains.

        Raises:
            ServiceFailed: the new one is not healthy; the former one serves as before.
        """
        definition = self.definition(name)
        gate = self.gates.get(name, lambda candidate: _ask_candidate(candidate, definition))
        self._mark_log(name)
        try:
            switch(master, lambda: self._control(name, "h"), gate, seconds=definition.wait)
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
        while self._refuse_exited(name, first).seconds < min(STEADY, definition.health_seconds) and started:
            time.sleep(POLL)

    def _refuse_exited(self, name: str, first: Status) -> Status:
        status = self._permitted(self.status(name))
        if status.pid != first.pid or not status.runs:
            raise self._failed(name, status, "keeps exiting")
        return status

    def _mark_log(self, name: str) -> None:
        folder = None if _is_log(name) else self.definition(name).log
        if folder is not None:
            self._logs.mark(folder / "current")

    def _reload(self, name: str) -> None:
        pid = self.status(name).pid
        former = children(pid) if pid else set()
        answer = sv(self.layout.service, "hup", [name])
        if answer.failures:
            raise ServiceFailed(f"reload of {name} failed: {' '.join(answer.lines)}", line=answer.lines[0])
        if _is_log(name):
            return
        if pid and former:
            self._await_new_workers(name, pid, former)
        self.wait_until_up(name)

    def _await_new_workers(self, name: str, pid: int, former: set[int]) -> None:
        """A master that hands over to new workers (NGINX) has done so when no old one accepts any more.

        One that keeps its workers is not waited for beyond HANDOVER: its reload is its own affair.
        """
        listen = self.definition(name).listen

        def handed_over() -> bool:
            now = children(pid)
            return bool(now - former) and not accepting(now & former, listen)

        with suppress(TimeoutError):  # whether it answers is asked next, and that decides
            _until(handed_over, seconds=HANDOVER)

    def _await_end(self, name: str, ended: Callable[[Status], bool], wait: int) -> Status:
        """Wait for the end of a process, however long it drains within its time."""
        return self._await(name, ended, wait, lambda _: f"does not end within {wait} s")

    def _await_up(self, name: str, definition: Definition) -> Status:
        rising = Rising(self.layout.sv / name, definition)

        def up_or_failed(status: Status) -> bool:
            return rising.up(status) or rising.failed

        status = self._await(name, up_or_failed, definition.wait, rising.problem)
        if rising.failed:
            raise self._failed(name, status, rising.problem(status))
        started(self.layout.sv / name)
        return status

    def _await(
        self, name: str, done: Callable[[Status], bool], seconds: float, problem: Callable[[Status], str]
    ) -> Status:
        """Look at a service until `done` says so. Raises ServiceFailed with the problem after `seconds`."""
        end = time.monotonic() + seconds
        while not done(status := self._permitted(self.status(name))):
            if time.monotonic() > end:
                raise self._failed(name, status, problem(status))
            time.sleep(POLL)
        return status

    def _failed(self, name: str, status: Status, problem: str) -> ServiceFailed:
        said = self.supervisor.complaints(name.partition("/")[0])
        message = "\n  ".join([f"{name} {problem}: {status.line}", *said, *self.log_end(name)])
        return ServiceFailed(message, line=f"timeout: {status.line}")

    def _permitted(self, status: Status) -> Status:
        """The status, unless sv cannot tell. Raises ServiceFailed with sv's own words then."""
        if status.denied:
            raise ServiceFailed(status.line, line=status.line, hint=USE_SUDO)
        if status.reason:
            hint = None if self.supervised() else "the supervisor does not run: `ctl start` starts it"
            raise ServiceFailed(status.line, line=status.line, hint=hint)
        return status

    def log_end(self, name: str) -> list[str]:
        """The path of a service's log and its last lines, of those since it was started here."""
        folder = self.definition(name.partition("/")[0]).log
        if folder is None:
            return []
        path = folder / "current"
        try:
            lines = self._logs.lines(path)
        except OSError as error:
            return [f"{path}: {error.strerror}"]
        return [f"{path}:", *(f"  {line}" for line in lines)] if lines else [f"{path} is empty"]

    def _wait(self, name: str, pid: int | None) -> int:
        """Seconds that a process may take to end: what its files say now, or said when it started."""
        return max(self.definition(name.partition("/")[0]).wait, promised(pid))

    def _link(self, link: Path, target: str) -> None:
        if link.exists() and not link.is_symlink():
            raise CtlError(
                f"{link} is in the way: it is no link, and was not made by ctl", hint="move it away"
            )
        temporary = link.with_name(f".{link.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.rename(link)

    def _control(self, name: str, commands: str) -> None:
        """Give runsv several commands at once, so that none is obeyed alone (runsv(8), 'CONTROL')."""
        try:
            pipe = os.open(self.layout.sv / name / "supervise/control", os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            self._permitted(self.status(name))
            raise CtlError(f"service {name} cannot be controlled: {error}") from error
        try:
            os.write(pipe, commands.encode("ascii"))
        finally:
            os.close(pipe)

    def _await_runsv(self, names: Iterable[str]) -> None:
        paths = [path for name in names if (path := self.layout.service / name).exists()]
        try:
            _until(
                lambda: all(map(_controlled, paths)),
                seconds=RESCAN_SECONDS,
                every_second=self.supervisor.look,
            )
            self.supervisor.looked()
        except TimeoutError:
            missing = [path.name for path in paths if not _controlled(path)]
            said = [line for name in missing for line in self.supervisor.complaints(name)]
            message = f"the supervisor does not take charge of {', '.join(missing)}"
            raise RunFailed("\n  ".join([message, *said])) from None

    def _end_runsv(self, paths: Iterable[Path]) -> None:
        """End each runsv, its service and its log; what does not end within its time is killed."""
        alive = [path for path in paths if _controlled(path)]
        if not alive:
            return
        statuses = zip(alive, self.statuses([str(path) for path in alive]), strict=True)
        wait = max(self._wait(path.name, status.pid) for path, status in statuses)
        answer = sv(self.layout.service, "force-shutdown", alive, wait=wait)
        try:
            _until(lambda: not any(map(_controlled, alive)), seconds=RESCAN_SECONDS)
        except TimeoutError:
            raise RunFailed(f"not every service ends: {'; '.join(answer.lines)}") from None


def _ask_candidate(candidate: Instance, definition: Definition) -> None:
    """Ask a new process, which serves nobody yet, for its health. Raises RunFailed with what is wrong."""
    checks = [
        replace(one, address=f"unix:{candidate.socket}") if isinstance(one, HttpCheck) else one
        for one in definition.health
        if not one.via
    ]
    if not checks or not definition.health_seconds:
        return
    began = time.monotonic()
    while wrong := next(filter(None, (one.problem() for one in checks)), None):
        if time.monotonic() - began > definition.health_seconds or not _lives(candidate.pid):
            raise RunFailed(f"the new one {wrong}")
        time.sleep(BETWEEN_QUESTIONS)
    while time.monotonic() - began < min(STEADY, definition.health_seconds):
        if not _lives(candidate.pid):
            raise RunFailed("the new one keeps exiting")
        time.sleep(POLL)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended stays a zombie until its parent asks for it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def _is_log(name: str) -> bool:
    return name.endswith("/log")


def _controlled(path: Path) -> bool:
    """Whether a runsv is in charge of a service: it keeps this pipe open (as sv itself looks)."""
    try:
        os.close(os.open(path / "supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
    except PermissionError as error:
        raise CtlError(f"{path / 'supervise'}: {error.strerror}", hint=USE_SUDO) from error
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT, errno.ENOTDIR):
            return False
        raise
    return True


def _folders(parent: Path) -> list[Path]:
    return sorted(parent.iterdir()) if parent.is_dir() else []


def _until(
    done: Callable[[], bool], *, seconds: float, every_second: Callable[[], None] = lambda: None
) -> None:
    """Wait, and do something about it once a second. Raises TimeoutError after `seconds`."""
    began = time.monotonic()
    turns = 0
    while not done():
        waited = time.monotonic() - began
        if waited > seconds:
            raise TimeoutError
        if waited > turns + 1:
            turns += 1
            every_second()
        time.sleep(POLL)
