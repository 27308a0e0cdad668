"""The way back: undoes what a journal records, in the run that failed or in a later one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import TEMPORARY_PREFIX
from ctl.converge.inspect import look
from ctl.converge.journal import discard, interrupted, sweep_discarded
from ctl.converge.lock import run_lock
from ctl.converge.model import Action, Machine, Notification, UndoRecord
from ctl.converge.records import BACKUPS, read_records
from ctl.converge.staging import sweep
from ctl.converge.undo import may_end, undo
from ctl.errors import CtlError, os_error
from ctl.machine.child import ChildFailed
from ctl.paths import Layout

Print = Callable[[str], None]
"""Receives a line for each step of a rollback."""
BEFORE = "before"
"""Kind of the record that says which services answered before the run."""
SUPERVISOR = "supervisor started"
"""Kind of the record that the run had to start the supervisor."""
NOTIFIED = "notified"
"""Kind of the record that a service was restarted or reloaded."""
_LAST = (BEFORE, SUPERVISOR, NOTIFIED)


@dataclass(frozen=True)
class Undone:
    """How a rollback ended.

    Args:
        remains: what is not as before though every file was put back, a few words each: a folder that programs
            have written in, an account in use, a service that does not answer any more.
        broken_before: services that do not answer, and did not before the run either.
        set_aside: where the journal is kept, with its backups, because a part of it could not be read, or can
            never be carried out; None where all was.
    """

    remains: tuple[str, ...] = ()
    broken_before: tuple[str, ...] = ()
    set_aside: Path | None = None

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        return {
            "remains": list(self.remains),
            "broken_before": list(self.broken_before),
            "journal_set_aside": str(self.set_aside) if self.set_aside else None,
        }

    def __str__(self) -> str:
        """One sentence, without its full stop; "everything" only where that is true."""
        if self.set_aside:
            files = (
                f"what can be put back was put back (its journal with the rest is kept as {self.set_aside})"
            )
        else:
            files = "every file was put back" if self.remains else "everything was put back"
        words = [f"{files}, but {'; '.join(self.remains)}" if self.remains else files]
        words += [f"{name} did not answer before this run either" for name in self.broken_before]
        return "; ".join(words)


def roll_back(folder: Path, machine: Machine, print_line: Print, *, restart_all: bool = False) -> Undone:
    """Undo everything that a journal records, the last first; then let services take up the former files.

    Args:
        folder: the journal's.
        machine: with its services.
        print_line: receives each step.
        restart_all: whether each service of which a file was put back takes that up, also where this journal
            does not say that it took up the new one: a boot or a crash may have started it since.

    Raises:
        CtlError: a file could not be put back; the journal stays, and the next run tries again.
    """
    return _Rollback(folder, machine, never_raising(print_line)).run(restart_all=restart_all)


class _Rollback:
    """One rollback.

    Args:
        folder, machine, print_line: as for `roll_back`.
    """

    def __init__(self, folder: Path, machine: Machine, print_line: Print) -> None:
        self._folder, self._machine, self._print = folder, machine, print_line
        records = read_records(folder)
        self._records, self._damage = records.readable, list(records.damage)
        self._failures: list[str] = []
        self._impossible: list[tuple[str, UndoRecord]] = []
        self._remains: list[str] = []
        self._broken_before: list[str] = []

    def run(self, *, restart_all: bool) -> Undone:
        folders = {Path(record["path"]).parent for record in self._records if "path" in record}
        # first, because a folder that holds one could not be removed
        self._failures += _sweep_temporary_files(folders)
        steps = [record for record in reversed(self._records) if record["kind"] not in _LAST]
        # before their files go, and the folder in which the supervisor is found
        newly_enabled = [record for record in steps if record.get("enabled") is False]
        for record in newly_enabled:
            self._undo(record)
        self._end_supervisor()
        for record in steps:
            if record not in newly_enabled:
                self._undo(record)
        for notification in self._notifications(restart_all=restart_all):
            self._notify(notification)
        return self._finish()

    def _undo(self, record: UndoRecord) -> None:
        try:
            remark = undo(record, backups=self._folder / BACKUPS, machine=self._machine)
        except (LookupError, TypeError, AttributeError, ValueError):
            self._damage.append(f"the record of {_subject(record)}")
            return
        except (OSError, CtlError) as error:
            self._not_undone(record, error)
            return
        if remark:
            self._remains.append(remark)
        self._print(remark or f"put back: {_subject(record)}")

    def _not_undone(self, record: UndoRecord, error: OSError | CtlError) -> None:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = f"{_subject(record)}: {why}"
        self._print(f"not put back: {problem}")
        if may_end(error):
            self._failures.append(problem)
        elif "path" in record:
            self._impossible.append((problem, record))
        else:
            self._remains.append(problem)

    def _notifications(self, *, restart_all: bool) -> list[Notification]:
        """What services must do to run with the former files, each service once; a restart beats a reload."""
        wanted = [(r["action"], r["service"]) for r in self._records if r["kind"] == NOTIFIED]
        if restart_all:
            wanted += [pair for record in self._records for pair in record.get("notifies", ())]
        restarts = [service for action, service in wanted if action == Action.RESTART]
        actions = {s: Action.RESTART if s in restarts else Action.RELOAD for _, s in wanted}
        fresh = {r["service"] for r in self._records if r["kind"] == "service"}
        return [Notification(a, s) for s, a in actions.items() if s.partition("/")[0] not in fresh]

    def _notify(self, notification: Notification) -> None:
        """Let a service take up the former files; after a boot it starts with them by itself."""
        service, services = notification.service, self._machine.services
        try:
            if not (services.enabled(service.partition("/")[0]) and services.supervised()):
                return
            services.perform(notification)
        except (OSError, CtlError) as error:
            self._print(f"does not answer with its former files: {service}: {error}")
            if isinstance(error, ChildFailed):
                self._failures.append(f"{service}: {error}")
            elif self._answered().get(service, True):
                self._remains.append(f"{service}: {error}")
                self._touch(service)
            else:
                self._broken_before.append(service)
            return
        self._print(f"{notification.action}ed with its former files: {service}")

    def _touch(self, service: str) -> None:
        """Its files have their former times again: only new ones show the next run that it may have read others."""
        for record in self._records:
            named = [name for _, name in record.get("notifies", ())]
            if service in named and "path" in record:
                with suppress(OSError):
                    os.utime(record["path"], follow_symlinks=False)

    def _answered(self) -> Mapping[str, bool]:
        return next((record["answered"] for record in self._records if record["kind"] == BEFORE), {})

    def _end_supervisor(self) -> None:
        """Where the run had to start it, and no service needs it."""
        services = self._machine.services
        if not any(record["kind"] == SUPERVISOR for record in self._records) or not services.supervised():
            return
        if services.end_idle_supervisor():
            self._print("ended again: the supervisor")
        else:
            self._remains.append("the supervisor, which did not run before, goes on")

    def _finish(self) -> Undone:
        for what in self._damage:
            self._print(f"could not be read in the journal of the interrupted run: {what}")
        if self._failures:
            problems = [*self._failures, *(problem for problem, _ in self._impossible), *self._remains]
            raise CtlError(
                "not everything could be put back: " + "; ".join(problems),
                hint="Repair that, then run `ctl reconfigure`: it finishes what is left.",
            )
        broken = tuple(self._broken_before)
        if self._damage or self._impossible:
            place = _set_aside(self._folder)
            kept = (_with_backup(problem, record, place) for problem, record in self._impossible)
            return Undone((*kept, *self._remains), broken, place)
        discard(self._folder)
        return Undone(tuple(self._remains), broken)


def _with_backup(problem: str, record: UndoRecord, journal: Path) -> str:
    """What can never be put back, and where its former content is."""
    backup = journal / BACKUPS / record["kept"] if "kept" in record else None
    return f"{problem}; its former content is in {backup}" if backup and look(backup) else problem


def _subject(record: UndoRecord) -> str:
    named = [str(record[key]) for key in ("path", "service", "account", "what") if key in record]
    return named[0] if named else " ".join(map(str, record.get("argv", [record["kind"]])))


def never_raising(print_line: Print) -> Print:
    """Print if somebody listens: a terminal that is gone must not end a rollback half-way."""

    def attempt(text: str) -> None:
        with suppress(Exception):
            print_line(text)

    return attempt


def _set_aside(folder: Path) -> Path:
    """Keep a journal that could not be read in full, under a name that no run looks for."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    names = (f"{folder.name}-damaged-{stamp}{suffix}" for suffix in ("", *(f"-{n}" for n in range(1, 1000))))
    place = next(path for path in map(folder.with_name, names) if not path.exists())
    folder.rename(place)
    return place


def recover(layout: Layout, machine: Machine, print_line: Print) -> Undone | None:
    """Undo a run that was cut off; None where there was none. Whoever calls holds the lock of runs.

    Raises:
        CtlError: some file of it could not be put back.
    """
    sweep(layout.data)
    sweep_discarded(layout.state)
    if not interrupted(layout):
        return None
    outcome = roll_back(layout.journal, machine, print_line, restart_all=True)
    never_raising(print_line)(f"an interrupted earlier run was undone: {outcome}")
    return outcome


@contextmanager
def recovered(layout: Layout, machine: Machine, print_line: Print) -> Iterator[Undone | None]:
    """Hold the lock of runs over a machine without half a change: how every changing command begins.

    Only then may it read settings and secrets: an interrupted run may have written them.

    Yields:
        What was undone first, or None.

    Raises:
        LockHeld: another run is under way.
        CtlError: an interrupted run could not be undone.
    """
    with run_lock(layout):
        yield recover(layout, machine, print_line)


def _sweep_temporary_files(folders: Iterable[Path]) -> list[str]:
    """Remove half-written files of the run that was cut off; they may hold secrets. Returns what stays."""
    stays = []
    for folder in folders:
        try:
            for left in folder.glob(f"{TEMPORARY_PREFIX}*"):
                if not left.is_dir():
                    left.unlink(missing_ok=True)
        except OSError as error:
            if may_end(error):  # else it is no folder at all, and its record says so
                stays.append(os_error(error))
    return stays
