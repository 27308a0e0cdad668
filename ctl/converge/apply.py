"""Changes of a run, made: files first; then services take them up, each after those that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ctl.converge.journal import Journal
from ctl.converge.model import Action, Change, Machine, Notification, Observer, Report
from ctl.converge.plan import Plan, Turn
from ctl.converge.rollback import NOTIFIED, SUPERVISOR
from ctl.converge.steps import RunCommand
from ctl.errors import CtlError


def make(change: Change, journal: Journal, observer: Observer) -> bool:
    """Make one change, step by step; what would undo a step is in the journal before it is applied.

    Returns:
        Whether there was anything to do after all: a command may turn out to be unneeded.
    """
    due = [step for step in change.steps if not isinstance(step, RunCommand) or step.due()]
    if not due and change.steps:
        return False
    observer.change(change)
    notifies = [(str(one.action), one.service) for one in change.notifies]
    for step in due:
        record = step.undo(journal)
        if record is not None:
            journal.record({**record, "notifies": notifies})
        step.apply()
        if isinstance(step, RunCommand) and step.undo_argv is None:
            journal.record({"kind": "irreversible", "what": " ".join(step.argv)})
    return True


class Changes:
    """Makes the changes of a run: the files, then service by service.

    Args:
        plan: what must be done.
        report: receives what was done.
        machine: with its services.
        observer: receives what happens.
        journal: of the run.
    """

    def __init__(
        self, plan: Plan, report: Report, machine: Machine, observer: Observer, journal: Journal
    ) -> None:
        self._plan, self._report, self._machine, self._observer = plan, report, machine, observer
        self._journal = journal
        self._made: list[Change] = []
        """Changes because of which running services must take up something."""
        self._started: dict[str, None] = {}
        """Services that start, and have not been waited for."""
        self._touched: set[str] = set()
        """Services that run otherwise than before."""
        self._supervised = False

    def files(self) -> None:
        """Stop what must not run, then change files and accounts."""
        for change in self._plan.files:
            self._make(change)

    def services(self) -> None:
        """Start, restart and reload services, each once what it needs is up; return when all of them are,
        and are well."""
        for turn in self._plan.turns:
            self._take(turn)
        self._supervise()
        self._await(list(self._started))
        self._machine.services.wait_until_healthy(self._touched)

    def _make(self, change: Change) -> None:
        if make(change, self._journal, self._observer):
            self._made.append(change)
        else:
            self._report.changes.remove(change)
            self._report.unchanged += 1

    def _take(self, turn: Turn) -> None:
        if turn.change is not None:
            self._await_needed(turn)
            self._make(turn.change)
        if turn.service in self._plan.switched:
            self._started[turn.service] = None
        elif turn.service and self._wanted(turn.service):
            self._await_needed(turn)
            self._supervise()
            for notification in self._wanted(turn.service):
                self._notify(notification)

    def _wanted(self, service: str) -> list[Notification]:
        wanted = self._plan.merged(self._made)
        return [wanted[name] for name in (service, f"{service}/log") if name in wanted]

    def _notify(self, notification: Notification) -> None:
        announce(notification, self._machine, self._observer)
        if notification.action is not Action.CONTINUE:
            record = {"kind": NOTIFIED, "service": notification.service, "action": str(notification.action)}
            self._journal.record(record)
        with secondary(notification.service, self._plan, self._report, self._observer):
            if self._machine.services.perform(notification):
                self._touched.add(notification.service)
                self._report.notifications.append(notification)

    def _await_needed(self, turn: Turn) -> None:
        if turn.after:
            self._supervise()
            self._await([name for name in turn.after if name in self._started])

    def _await(self, names: Iterable[str]) -> None:
        for name in names:
            del self._started[name]
            self._touched.add(name)
        await_up(names, self._plan, self._report, self._machine, self._observer)

    def _supervise(self) -> None:
        """Start the supervisor unless it runs; every service that is enabled by now starts with all the files."""
        if self._supervised or not self._plan.enabled:
            return
        self._supervised = True
        services = self._machine.services
        if not services.supervised():
            self._journal.record({"kind": SUPERVISOR})
        if services.ensure_supervisor():
            self._made = []
            starts = (one for one in self._plan.enabled if one not in self._plan.stopped)
            self._started |= dict.fromkeys(filter(services.enabled, starts))


def announce(notification: Notification, machine: Machine, observer: Observer) -> None:
    """Report what a service does, or would do; and that clients will notice it, where that is so."""
    observer.notify(notification)
    name = notification.service
    if notification.action is Action.RESTART and machine.services.interrupts(name):
        observer.note(f"{name} answers nobody while it restarts: no second process can take its place")


def await_up(names: Iterable[str], plan: Plan, report: Report, machine: Machine, observer: Observer) -> None:
    """Return when services answer; the failure of a secondary one is a problem in the report."""
    for name in names:
        with secondary(name, plan, report, observer):
            machine.services.wait_until_up(name)


@contextmanager
def secondary(service: str, plan: Plan, report: Report, observer: Observer) -> Iterator[None]:
    """What only looks after others, a log or a secondary service, must not take them down by its failure."""
    name, _, log = service.partition("/")
    try:
        yield
    except CtlError as error:
        if not log and name not in plan.secondary:
            raise
        report.problems.append(error.message)
        report.started = [one for one in report.started if one != service]
        observer.note(f"warning: {error.message}")
