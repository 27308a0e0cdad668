"""The run: plan everything, let the programs check it, then change what differs, or put everything back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ctl.converge.apply import Changes, announce, await_up
from ctl.converge.inspect import Rights
from ctl.converge.journal import Journal, interrupted
from ctl.converge.model import Machine, Observer, Report, Resource, Validation
from ctl.converge.plan import Item, Plan, distinct
from ctl.converge.rollback import BEFORE, never_raising, roll_back
from ctl.converge.signals import Signals
from ctl.converge.staging import staging, sweep
from ctl.converge.steps import WriteFile
from ctl.converge.written import Written
from ctl.errors import CtlError, RunFailed
from ctl.paths import Layout


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
        plan = Plan.of(entries, machine)
        _validate(entries, plan, machine, parent=None if dry_run else layout.data)
        _fill_report(plan, report)
        for service in plan.stopped:
            observer.note(f"{service} is stopped, and stays so: `ctl start {service}` starts it")
        if dry_run:
            _show(plan, machine, observer)
        elif plan.changes:
            record = _Record(layout, distinct(entries), machine, whole=whole)
            _apply(plan, report, machine, layout, observer, signals, record)
        else:
            _Record(layout, distinct(entries), machine, whole=whole).write()
            _ensure_running(plan, report, machine, observer)
        if not dry_run:
            _report_unhealthy(plan, report, machine)
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


def _validate(entries: Sequence[Item], plan: Plan, machine: Machine, *, parent: Path | None) -> None:
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


def _fill_report(plan: Plan, report: Report) -> None:
    report.unchanged = plan.unchanged
    report.kept_stopped = list(plan.stopped)
    report.changes = list(plan.changes)
    if report.dry_run:
        report.notifications = list(plan.notifications)
    report.started = [name for name, enabled in plan.switched.items() if enabled]
    report.stopped = [name for name, enabled in plan.switched.items() if not enabled]


def _show(plan: Plan, machine: Machine, observer: Observer) -> None:
    for change in plan.changes:
        observer.change(change)
    for notification in plan.notifications:
        announce(notification, machine, observer)


def _apply(
    plan: Plan,
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
            changes = Changes(plan, report, machine, observer, journal)
            changes.files()
            changes.services()
            _remember(record, journal)

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


def _remember(record: _Record, journal: Journal) -> None:
    step = record.step()
    if step:
        journal.record(step.undo(journal))
        step.apply()


def _ensure_running(plan: Plan, report: Report, machine: Machine, observer: Observer) -> None:
    """Nothing differs: only the supervisor may have to be started, after a boot without it."""
    if plan.enabled and machine.services.ensure_supervisor():
        observer.note("the supervisor was started")
        await_up(plan.enabled, plan, report, machine, observer)


def _report_unhealthy(plan: Plan, report: Report, machine: Machine) -> None:
    """Services that are as the settings say, and do not do what they are there for: this run has not cured them."""
    names = [name for name in plan.enabled if name not in plan.stopped]
    report.problems += [f"{name} {wrong}" for name, wrong in machine.services.not_well(names).items()]


def _put_back(error: BaseException, journal: Journal, machine: Machine, observer: Observer) -> NoReturn:
    """Undo the run so far; its reason goes on to the user, who cannot interrupt this part."""
    reason, say = _reason(error), never_raising(observer.rollback)
    hint = error.hint if isinstance(error, CtlError) else None
    # the lines of a log that belong to the reason come once, after the error
    sentence, _, log = reason.partition("\n")
    say(f"failed: {sentence}; putting everything back")
    try:
        undone = roll_back(journal.folder, machine, say)
    except CtlError as failure:
        raise RunFailed(_joined(f"{sentence}; {failure.message}", log), hint=failure.hint) from error
    raise RunFailed(_joined(f"{sentence}; {undone}", log), hint=hint) from error


def _joined(sentence: str, log: str) -> str:
    return f"{sentence}\n{log}" if log else sentence


def _reason(error: BaseException) -> str:
    if isinstance(error, CtlError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    return f"{type(error).__name__}: {error}"
