"""The run: plan everything, let the programs check it, then change what differs, or put everything back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from ctl.converge.inspect import Rights
from ctl.converge.journal import Journal, interrupted
from ctl.converge.model import Action, Change, Machine, Notification, Report, Resource, Validation
from ctl.converge.resources.actions import Service
from ctl.converge.rollback import BEFORE, NOTIFIED, SUPERVISOR, quietly, roll_back
from ctl.converge.signals import Signals
from ctl.converge.staging import staging, sweep
from ctl.converge.steps import RunCommand, SwitchService, WriteFile
from ctl.converge.written import Written
from ctl.errors import CtlError, RunFailed
from ctl.paths import Layout

Item = Resource | Validation
"""What recipes yield."""


class Observer(Protocol):
    """Receives everything while it happens."""

    def change(self, change: Change) -> None:
        """A change that is made now, or would be."""
        ...

    def notify(self, notification: Notification) -> None:
        """A service that is restarted or reloaded now, or would be."""
        ...

    def note(self, text: str) -> None:
        """Anything else worth a line."""
        ...

    def rollback(self, text: str) -> None:
        """A step of the rollback after a failure."""
        ...


def converge(
    items: Iterable[Item],
    *,
    machine: Machine,
    layout: Layout,
    dry_run: bool = False,
    whole: bool = False,
    observer: Observer,
) -> Report:
    """Make the machine what the items say.

    Whoever calls, except for a dry run, holds the lock and has undone an interrupted run (`recovered`).

    Args:
        items: resources in order, and validations of their files.
        machine: how it is now.
        layout: where the journal is.
        dry_run: plan and check only.
        whole: whether these are all resources of the node: what ctl wrote before and is not among them is then
            not managed any more.
        observer: receives what happens.

    Raises:
        CtlError: planning or checking failed; nothing was changed.
        KeyboardInterrupt: a signal came before anything was changed.
        RunFailed: a change failed or was interrupted; says how far everything was put back.
    """
    report = Report(dry_run=dry_run)
    with Signals() as signals:
        sweep(*([] if dry_run else [layout.data]))
        if dry_run and interrupted(layout):
            observer.note("an interrupted run would be undone first (ctl recover)")
        entries = list(items)
        plan = _Plan.of(entries, machine)
        _validate(entries, plan, machine, parent=None if dry_run else layout.data)
        _fill_report(plan, report)
        if dry_run:
            _show(plan, report, observer)
        elif plan.changes:
            record = _Record(layout, _distinct(entries), machine, whole=whole)
            _apply(plan, report, machine, layout, observer, signals, record)
        else:
            _Record(layout, _distinct(entries), machine, whole=whole).write()
            _ensure_running(plan, report, machine, observer)
    return report


@dataclass(frozen=True)
class _Record:
    """What ctl remembers to have written (ctl.converge.written), brought up to date.

    Args:
        layout: where it is.
        resources, machine, whole: of the run.
    """

    layout: Layout
    resources: Sequence[Resource]
    machine: Machine
    whole: bool

    def step(self) -> WriteFile | None:
        """Write it; None where it is as it must be."""
        former = Written.read(self.layout)
        new = former.after(self.resources, self.machine, whole=self.whole)
        if former == new:
            return None
        return WriteFile(self.layout.written, new.content(), Rights(0o600))

    def write(self) -> None:
        """Write it where nothing else differs."""
        step = self.step()
        if step:
            step.apply()


@dataclass(frozen=True)
class _Plan:
    """Every change, in the order in which it is made, and what follows from it.

    Args:
        changes: services to stop come first, services to start last.
        notifications: each service once; a restart beats a reload.
        switched: services newly enabled (True) or disabled (False).
        enabled: services that must run.
        secondary: those of them that the others are as good without.
        unchanged: number of resources that are as wanted.
    """

    changes: tuple[Change, ...]
    notifications: tuple[Notification, ...]
    switched: dict[str, bool]
    enabled: tuple[str, ...]
    secondary: frozenset[str]
    unchanged: int

    @classmethod
    def of(cls, entries: Sequence[Item], machine: Machine) -> _Plan:
        resources = _distinct(entries)
        planned = [resource.plan(machine) for resource in resources]
        changes = sorted((change for change in planned if change is not None), key=_phase)
        switches = [step for change in changes for step in change.steps if isinstance(step, SwitchService)]
        switched = {step.service: step.enabled for step in switches}
        enabled = [
            str(r.service) for r in resources if getattr(r, "enabled", False) and hasattr(r, "service")
        ]
        return cls(
            changes=tuple(changes),
            notifications=_merged(changes, switched, enabled),
            switched=switched,
            enabled=tuple(enabled),
            secondary=frozenset(r.service for r in resources if isinstance(r, Service) and r.secondary),
            unchanged=planned.count(None),
        )


def _distinct(entries: Sequence[Item]) -> list[Resource]:
    """The resources, each name once: the same thing described twice in the same words counts once."""
    known: dict[str, Resource] = {}
    for entry in entries:
        if isinstance(entry, Validation):
            continue
        if known.setdefault(entry.name, entry) != entry:
            raise CtlError(f"{entry.name} is described twice, and differently; one recipe must give way")
    _refuse_rivals(list(known.values()))
    return list(known.values())


def _refuse_rivals(resources: Sequence[Resource]) -> None:
    """Two resources of different kinds for one path would undo each other in every run."""
    names: dict[Path, str] = {}
    for resource in resources:
        places = [getattr(resource, name, None) for name in ("path", "key", "certificate")]
        for path in (place for place in places if isinstance(place, Path)):
            if names.setdefault(path, resource.name) != resource.name:
                raise CtlError(
                    f"{names[path]} and {resource.name} describe one path; one of them must give way"
                )


def _phase(change: Change) -> int:
    """A service stops before its files go, and starts when they are all there."""
    for step in change.steps:
        if isinstance(step, SwitchService):
            return 2 if step.enabled else 0
    return 1


def _merged(
    changes: Sequence[Change], switched: dict[str, bool], enabled: Sequence[str]
) -> tuple[Notification, ...]:
    """One notification a service, in order of first mention; none for one that starts, stops, or is not ours."""
    wanted: dict[str, Notification] = {}
    for notification in (item for change in changes for item in change.notifies):
        service = notification.service.partition("/")[0]
        if service in switched or service not in enabled:
            continue
        former = wanted.get(notification.service)
        if former is None or (former.action, notification.action) == (Action.RELOAD, Action.RESTART):
            wanted[notification.service] = notification
    return tuple(wanted.values())


def _validate(entries: Sequence[Item], plan: _Plan, machine: Machine, *, parent: Path | None) -> None:
    """Run each validation that a planned change concerns."""
    touched = {path for change in plan.changes for path in change.paths}
    due = [entry for entry in entries if isinstance(entry, Validation) and touched & set(entry.watches)]
    if not due:
        return
    resources = [entry for entry in entries if not isinstance(entry, Validation)]
    desired = [file for resource in resources for file in resource.desired(machine)]
    for validation in due:
        with staging(desired, validation, parent=parent) as copy:
            validation.check(copy)


def _fill_report(plan: _Plan, report: Report) -> None:
    report.unchanged = plan.unchanged
    report.changes = list(plan.changes)
    report.notifications = list(plan.notifications)
    report.started = [name for name, enabled in plan.switched.items() if enabled]
    report.stopped = [name for name, enabled in plan.switched.items() if not enabled]


def _show(plan: _Plan, report: Report, observer: Observer) -> None:
    for change in plan.changes:
        observer.change(change)
    for notification in plan.notifications:
        observer.notify(notification)


def _apply(
    plan: _Plan,
    report: Report,
    machine: Machine,
    layout: Layout,
    observer: Observer,
    signals: Signals,
    record: _Record,
) -> None:
    answered = {one.service: machine.services.answers(one.service) for one in plan.notifications}
    with Journal.begin(layout) as journal:

        def work() -> None:
            journal.record({"kind": BEFORE, "answered": answered})
            _change(plan, journal, observer)
            _remember(record, journal)
            _settle(plan, report, journal, machine, observer)

        error = _attempt(work, signals)
        if error is not None:
            _put_back(error, journal, machine, observer)
        journal.commit()


def _attempt(work: Callable[[], None], signals: Signals) -> BaseException | None:
    """Do it; from its end on, however it ends, no signal comes between. Returns what ended it early."""
    try:
        try:
            work()
        finally:
            signals.hold()
    except BaseException as error:
        return error
    return None


def _change(plan: _Plan, journal: Journal, observer: Observer) -> None:
    for change in plan.changes:
        observer.change(change)
        notifies = [(str(one.action), one.service) for one in change.notifies]
        for step in change.steps:
            record = step.undo(journal)
            if record is not None:
                journal.record({**record, "notifies": notifies})
            step.apply()
            if isinstance(step, RunCommand) and step.undo_argv is None:
                journal.record({"kind": "irreversible", "what": " ".join(step.argv)})


def _remember(record: _Record, journal: Journal) -> None:
    step = record.step()
    if step:
        journal.record(step.undo(journal))
        step.apply()


def _settle(plan: _Plan, report: Report, journal: Journal, machine: Machine, observer: Observer) -> None:
    """Let the services take up the new files, and wait until each answers."""
    wait = [name for name, enabled in plan.switched.items() if enabled]
    if plan.enabled and not machine.services.supervised():
        journal.record({"kind": SUPERVISOR})
    if plan.enabled and machine.services.ensure_supervisor():
        wait = list(plan.enabled)
        report.notifications = []
    for notification in report.notifications:
        observer.notify(notification)
        journal.record(
            {"kind": NOTIFIED, "service": notification.service, "action": str(notification.action)}
        )
        with _secondary(notification.service, plan, report, observer):
            machine.services.perform(notification)
    _await(wait, plan, report, machine, observer)


def _await(names: Iterable[str], plan: _Plan, report: Report, machine: Machine, observer: Observer) -> None:
    for name in names:
        with _secondary(name, plan, report, observer):
            machine.services.wait_until_up(name)


@contextmanager
def _secondary(service: str, plan: _Plan, report: Report, observer: Observer) -> Iterator[None]:
    """What only looks after others, a log or a secondary service, must not take them down by its failure."""
    name, _, log = service.partition("/")
    try:
        yield
    except CtlError as error:
        if not log and name not in plan.secondary:
            raise
        report.problems.append(error.message)
        observer.note(f"warning: {error.message}")


def _ensure_running(plan: _Plan, report: Report, machine: Machine, observer: Observer) -> None:
    """Nothing differs: only the supervisor may have to be started, after a boot without it."""
    if plan.enabled and machine.services.ensure_supervisor():
        observer.note("the supervisor was started")
        _await(plan.enabled, plan, report, machine, observer)


def _put_back(error: BaseException, journal: Journal, machine: Machine, observer: Observer) -> NoReturn:
    """Undo the run so far; its reason goes on to the user, who cannot interrupt this part."""
    reason, say = _reason(error), quietly(observer.rollback)
    hint = error.hint if isinstance(error, CtlError) else None
    say(f"failed: {reason}; putting everything back")
    try:
        undone = roll_back(journal.folder, machine, say)
    except CtlError as failure:
        raise RunFailed(f"{reason}; {failure.message}", hint=failure.hint) from error
    raise RunFailed(f"{reason}; {undone}", hint=hint) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, CtlError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    return f"{type(error).__name__}: {error}"
