"""The words of convergence: resource, change, step, notification, validation, machine.

A resource describes one thing on the machine as it must be. `plan` compares and yields a change, or None where
nothing differs; it never writes. A change is made of steps; each step, before it is applied, hands out an
undo record (plain data) that stays in the journal until the run is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

UndoRecord = Mapping[str, Any]
"""What undoes a step: {"kind": name of an undo in ctl.converge.undo, ...plain JSON values}."""


class Backups(Protocol):
    """Backups of changed files during a run, private to its owner."""

    def save(self, path: Path) -> str:
        """Back up the present file at `path` (its inode or a copy) and return the name of the backup."""
        ...


class Step(Protocol):
    """One indivisible action on the machine."""

    def undo(self, backups: Backups) -> UndoRecord | None:
        """What would undo this step, from the machine's state now; None where there is nothing to undo."""
        ...

    def apply(self) -> None:
        """Do it. Must leave things as they were, or as wanted, when it is interrupted."""
        ...


class Action(StrEnum):
    """What a notification makes a service do, once, at the end of the run."""

    RELOAD = "reload"
    RESTART = "restart"
    CONTINUE = "continue"


@dataclass(frozen=True)
class Notification:
    """A request of a changed resource: restart or reload this service at the end of the run."""

    action: Action
    service: str


@dataclass(frozen=True)
class Change:
    """How the machine differs from a resource, and the steps that end the difference.

    Args:
        resource: identity of the resource, as "file[/etc/x]".
        summary: one line for people: "create, mode 0640, owner root:registry".
        steps: in order.
        diff: unified diff with secrets masked; "" where a diff says nothing.
        path: the path that changes, if it is about one.
        also: further paths that change with it.
        notifies: services to restart or reload because of it.
    """

    resource: str
    summary: str
    steps: tuple[Step, ...]
    diff: str = ""
    path: Path | None = None
    notifies: tuple[Notification, ...] = ()
    also: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every path that changes."""
        return (self.path, *self.also) if self.path else self.also


@dataclass(frozen=True)
class DesiredFile:
    """A file as it must be: for `render`, and for the staging copy in which programs check the files."""

    path: Path
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Condition:
    """How a service that must run does run.

    Args:
        stopped: whether an administrator has stopped it: then it stays so.
        problem: what a restart is to end ("keeps exiting", "does not listen at 127.0.0.1:5000"), or "".
        log_problem: likewise, of its log service.
        suspended: why it must be asked to go on ("is suspended (SIGSTOP)"), or "".
        started: when its process started, in seconds of time.time(); None where that is not known.
        reloaded: when it last read its files: when it started, or its youngest child did.
    """

    stopped: bool = False
    problem: str = ""
    log_problem: str = ""
    suspended: str = ""
    started: float | None = None
    reloaded: float | None = None


class ServiceManager(Protocol):
    """What the engine needs of a supervisor; ctl.services implements it with runit.

    Every method that changes something returns when it is done (the new process answers), or raises CtlError.
    """

    def enabled(self, name: str) -> bool:
        """Whether the supervisor is to run this service."""
        ...

    def enable(self, name: str) -> None:
        """Let the supervisor run it, from now on."""
        ...

    def disable(self, name: str) -> None:
        """Stop it and take it from the supervisor; its definition stays."""
        ...

    def running(self, name: str) -> bool:
        """Whether its process runs and is wanted up."""
        ...

    def conditions(self, names: Sequence[str]) -> Mapping[str, Condition]:
        """How each of some enabled services runs; none where the supervisor does not run."""
        ...

    def listening(self, names: Sequence[str]) -> Mapping[str, set[str]]:
        """Of those services that run, the addresses at which their processes listen by TCP, as "127.0.0.1:5000"."""
        ...

    def left_behind(self, name: str) -> set[str]:
        """Likewise, of processes of it that have lost their runsv: they end before it starts anew."""
        ...

    def answers(self, name: str) -> bool:
        """Whether it runs and answers at its ports now; of a log ("NAME/log"), whether it runs."""
        ...

    def perform(self, notification: Notification) -> bool:
        """Restart or reload, but for a service that an administrator has stopped. Returns whether it was done."""
        ...

    def interrupts(self, name: str) -> bool:
        """Whether clients notice a restart: no second process of it serves meanwhile."""
        ...

    def ensure_supervisor(self) -> bool:
        """Start the supervisor unless it runs. Returns whether it had to be started."""
        ...

    def end_idle_supervisor(self) -> bool:
        """End the supervisor unless it has services. Returns whether it was ended."""
        ...

    def supervised(self) -> bool:
        """Whether the supervisor runs."""
        ...

    def not_well(self, names: Sequence[str]) -> Mapping[str, str]:
        """What is wrong at this moment with those of some services that run and are not well, to follow the name."""
        ...

    def wait_until_up(self, name: str) -> None:
        """Return when the service runs and answers at its ports; RunFailed after its time limit."""
        ...

    def wait_until_healthy(self, touched: Set[str]) -> None:
        """Return when these services, and those that are reached through them, are as they must be; else RunFailed."""
        ...


@dataclass(frozen=True)
class Machine:
    """The machine as resources see it.

    Args:
        services: the supervisor.
        privileged: whether accounts and owners can be changed (running as root).
        blank: a machine on which nothing exists yet: for `render`. Resources compare with nothing.
    """

    services: ServiceManager
    privileged: bool
    blank: bool = False


@runtime_checkable
class Resource(Protocol):
    """One thing on the machine as it must be."""

    @property
    def name(self) -> str:
        """Identity, as "file[/etc/x]"; unique within a run."""
        ...

    def plan(self, machine: Machine) -> Change | None:
        """Compare with the machine; None where nothing differs. Never writes. CtlError where it cannot be."""
        ...

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """The files that this resource manages, with their wanted content; () where it manages none."""
        ...


class Staging(Protocol):
    """A private copy of the planned files, in which real programs check them before anything changes."""

    @property
    def folder(self) -> Path:
        """The top of the copy; removed after the checks."""
        ...

    def path(self, real: Path) -> Path:
        """Where the planned version of a managed file is now: in the copy if planned, else `real`."""
        ...


@dataclass(frozen=True)
class Validation:
    """A check of planned files by the program that will read them. Recipes yield these among the resources.

    Args:
        name: what is checked, as "the registry accepts config.yml".
        watches: it runs only if a planned change touches one of these paths.
        check: raises ValidationError; gets the staging copy.
        redirect: further folders (of logs, pid files, temporary files) that staged text must name
            inside the copy, so that the check leaves nothing behind.
        user: account that must be able to read the copy, or None for the caller's own.
    """

    name: str
    watches: tuple[Path, ...]
    check: Callable[[Staging], None]
    redirect: tuple[Path, ...] = ()
    user: str | None = None


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


@dataclass
class Report:
    """What a run did, for people and for --json.

    Args:
        changes: every change made (or planned, in a dry run), in order.
        notifications: services restarted or reloaded (or that would be).
        started: services newly enabled; stopped: newly disabled.
        unchanged: how many resources already were as wanted.
        seconds: wall time of the run.
        dry_run: whether nothing was changed.
        kept_stopped: services that an administrator has stopped, and that stay so.
        recovered: whether an interrupted earlier run was undone first.
        problems: secondary services that failed, a sentence each; the run is kept all the same.
    """

    changes: list[Change] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    unchanged: int = 0
    seconds: float = 0.0
    dry_run: bool = False
    kept_stopped: list[str] = field(default_factory=list)
    recovered: bool = False
    problems: list[str] = field(default_factory=list)
