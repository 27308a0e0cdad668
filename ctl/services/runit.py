"""runit as a service manager: which services there are, how they run, and what becomes of them."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ctl.errors import USE_SUDO, CtlError, RunFailed
from ctl.graceful.control import Control, MasterGone
from ctl.machine.pidfd import copies_descriptors
from ctl.machine.ports import Sockets, listening
from ctl.services.condition import unhealthy
from ctl.services.control import ServiceControl, ServiceFailed, is_log
from ctl.services.definition import enabled_names
from ctl.services.processes import Processes, replaced
from ctl.services.start_watch import StartWatch
from ctl.services.status import Status
from ctl.services.sv import sv
from ctl.services.waiting import until

if TYPE_CHECKING:
    from ctl.converge.model import Condition, Notification  # `ctl status` does without the engine

RESCAN_SECONDS = 15
"""runsvdir looks for new services every 5 seconds (runsvdir(8)); a busy machine takes longer."""


class Runit(ServiceControl):
    """The services of one root; implements ctl.converge.model.ServiceManager."""

    def names(self) -> list[str]:
        """Every enabled service, in order."""
        return enabled_names(self.layout)

    def enabled(self, name: str) -> bool:
        """Whether the supervisor is to run this service."""
        return (self.layout.service / name).is_symlink()

    def running(self, name: str) -> bool:
        """Whether it runs and should run; not whether its ports answer."""
        return self.enabled(name) and self.status(name).runs

    def answers(self, name: str) -> bool:
        """Whether it runs and answers at its ports now; of a log ("NAME/log"), whether it runs."""
        status = self.status(name)
        if is_log(name):
            return status.runs
        try:
            return StartWatch(self.layout.sv / name, self.definition(name)).up(status)
        except CtlError:  # its definition is damaged: it is not known where it should answer
            return False

    def listening(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Where the processes of services that run listen by TCP, whatever their files say."""
        enabled = [name for name in names if self.enabled(name)]
        sockets = Sockets()
        running = self.statuses(enabled) if enabled else ()
        return {one.name: sockets.listening(one.pid) for one in running if one.pid}

    def left_behind(self, name: str) -> set[str]:
        """Likewise, of processes of it that have lost their runsv: they end before it starts anew."""
        return {address for pid in self.strays(name) for address in listening(pid)}

    def conditions(self, names: Sequence[str]) -> dict[str, Condition]:
        """How services run, asked of their processes; nothing is known where the supervisor does not run."""
        if not names or not self.supervised():
            return {}
        processes, sockets = Processes(), Sockets()
        return {one.name: self._condition(one, processes, sockets) for one in self.statuses(names)}

    def _is_damaged(self, name: str) -> bool:
        """Whether the file is damaged from which it is known how a service should run."""
        try:
            self.definition(name)
        except CtlError:
            return True
        return False

    def _condition(self, status: Status, processes: Processes, sockets: Sockets) -> Condition:
        from ctl.converge.model import Condition  # `ctl status` does without the engine

        if status.denied:
            raise self.denied_error(status)
        if status.reason:
            return Condition(problem=f"has lost its supervisor ({status.reason})")
        if status.stopped:
            return Condition(stopped=True)
        if self._is_damaged(status.name):  # the run that asks writes it anew
            return Condition()
        if status.once:
            return Condition(suspended="runs only once (sv once)")
        if processes.suspended(status.pids):
            return Condition(suspended="is suspended (SIGSTOP)")
        process = processes.get(status.pid) if status.pid else None
        serving = processes.get(self._serving(status.name, process.pid)) if process else None
        problem = self._left(status.name, processes) or self._problem(status, sockets)
        if problem or process is None or serving is None:
            return Condition(problem=problem)
        log = "" if status.log is None or status.log.runs else f"does not run ({status.log.line})"
        return Condition(
            log_problem=log,
            started=serving.started,
            reloaded=max(serving.started, processes.newest(process.pid), self._marked(status.name)),
        )

    def _left(self, name: str, processes: Processes) -> str:
        """What to say of processes of a service that have lost their runsv."""
        strays = self.strays(name, processes)
        return f"has left processes behind (pid {', '.join(map(str, strays))})" if strays else ""

    def _marked(self, name: str) -> float:
        mark = self.reloaded_mark(name)
        return mark.stat().st_mtime if mark.exists() else 0.0

    def _serving(self, name: str, pid: int) -> int:
        """The process that serves: the one of sv, or the one that its master has put in front (ctl.graceful)."""
        folder = self.definition(name).graceful
        current = None
        with suppress(MasterGone):  # it may end at any moment
            current = Control(folder).current() if folder else None
        return current.pid if current else pid

    def _problem(self, status: Status, sockets: Sockets) -> str:
        """What is wrong with a process, once it has had its time to come up."""
        definition = self.definition(status.name)
        if status.runs and status.pid is not None:
            if old := replaced(self._serving(status.name, status.pid)):
                return f"runs with an older {old}"
            if definition.listen and all(
                sockets.listens(status.pid, address) for address in definition.listen
            ):
                return ""
            if not definition.listen and status.seconds > 1:
                return ""
        try:
            self.await_up(status.name, definition._replace(wait=max(0, definition.wait - status.seconds)))
        except ServiceFailed as error:
            return error.problem
        return ""

    def not_well(self, names: Sequence[str]) -> dict[str, str]:
        """What is wrong at this moment with those of some services that run and are not well."""
        running = (one for one in self.statuses([one for one in names if self.enabled(one)]) if one.runs)
        found = {one.name: unhealthy(self.definition(one.name)) for one in running}
        return {name: wrong for name, wrong in found.items() if wrong}

    def supervised(self) -> bool:
        """Whether the supervisor runs."""
        return self.supervisor.pid() is not None

    def ensure_supervisor(self) -> bool:
        """Start the supervisor unless it runs, and wait until it has taken charge of every enabled service.

        Services that outlived a killed supervisor go on without a gap; they can be controlled as before, and
        the new supervisor takes each over when it next ends.

        Returns:
            Whether it had to be started.
        """
        started = self.supervisor.ensure()
        self._await_runsv(self.names())
        for name in self.names():
            self.end_strays(name)
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

    def enable(self, name: str) -> None:
        """Link the definition into the supervisor's folder; return when the supervisor has it in charge.

        Raises:
            CtlError: there is no such definition, or something else has its place.
        """
        if not (self.layout.sv / name).is_dir():
            raise CtlError(f"service {name} has no definition in {self.layout.sv}")
        self.mark_log(name)
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
            raise CtlError(f"{link} is no link: it was not made by ctl", hint="Move it away.")
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
        status = self.permitted(self.status(name))
        if status.stopped:
            return False
        if not is_log(name):  # what is suspended could neither end nor read anything anew
            self.resume(status)
        if notification.action == "restart":
            self.restart(name)
        elif notification.action == "continue":
            self.wait_until_up(name)
        elif status.runs:
            self.reload(name)
        return True

    def resume(self, status: Status) -> None:
        """Let everything of a service go on that SIGSTOP has stopped, and let it be started again when it ends."""
        suspended = Processes().suspended(status.pids)
        for one in suspended:
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGCONT)
        if suspended or status.once:
            self.control(status.name, "cu")

    def interrupts(self, name: str) -> bool:
        """Whether clients notice a restart: no second process of it serves meanwhile."""
        if is_log(name) or not self.definition(name).listen:
            return False
        status = self.status(name)
        if not status.runs or status.pid is None or self._master(name, status) is not None:
            return False
        return not (self._hands_over(name, status.pid) and copies_descriptors())

    def _link(self, link: Path, target: str) -> None:
        if link.exists() and not link.is_symlink():
            raise CtlError(
                f"{link} is in the way: it is no link, and was not made by ctl", hint="Move it away."
            )
        temporary = link.with_name(f".{link.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.rename(link)

    def _await_runsv(self, names: Iterable[str]) -> None:
        paths = [path for name in names if (path := self.layout.service / name).exists()]
        try:
            until(
                lambda: all(map(_controlled, paths)),
                seconds=RESCAN_SECONDS,
                every_second=self.supervisor.look,
            )
            self.supervisor.looked()
        except TimeoutError:
            missing = [path.name for path in paths if not _controlled(path)]
            complaints = [line for name in missing for line in self.supervisor.complaints(name)]
            message = f"the supervisor does not take charge of {', '.join(missing)}"
            raise RunFailed("\n  ".join([message, *complaints])) from None

    def _end_runsv(self, paths: Iterable[Path]) -> None:
        """End each runsv, its service and its log; what does not end within its time is killed."""
        alive = [path for path in paths if _controlled(path)]
        if not alive:
            return
        statuses = zip(alive, self.statuses([str(path) for path in alive]), strict=True)
        wait = max(self.seconds_to_end(path.name, status.pid) for path, status in statuses)
        answer = sv(self.layout.service, "force-shutdown", alive, wait=wait)
        try:
            until(lambda: not any(map(_controlled, alive)), seconds=RESCAN_SECONDS)
        except TimeoutError:
            raise RunFailed(f"not every service ends: {'; '.join(answer.lines)}") from None


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
