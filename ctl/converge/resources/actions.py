"""Services, and commands with a guard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ctl.converge.model import Action, Change, DesiredFile, Machine, Notification
from ctl.converge.steps import RunCommand, SwitchService


def restart(service: str) -> Notification:
    """Restart a service at the end of the run."""
    return Notification(Action.RESTART, service)


def reload(service: str) -> Notification:
    """Let a service read its files anew at the end of the run."""
    return Notification(Action.RELOAD, service)


@dataclass(frozen=True)
class Service:
    """A service of the supervisor, enabled or not.

    Args:
        service: its name; its definition is among the supervisor's.
        enabled: whether the supervisor must run it.
        secondary: whether the others are as good without it (a timer, a rotation of logs): then a run in which
            it does not come up is kept, and reports that.
        after: services that must be up before it starts.
    """

    service: str
    enabled: bool = True
    secondary: bool = False
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Identity."""
        return f"service[{self.service}]"

    def plan(self, machine: Machine) -> Change | None:
        """Enable or disable it."""
        if not machine.blank and machine.services.enabled(self.service) == self.enabled:
            return None
        if machine.blank and not self.enabled:
            return None
        step = SwitchService(machine.services, self.service, self.enabled)
        return Change(self.name, "enable and start" if self.enabled else "stop and disable", (step,))

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to run where a guard says that it is needed.

    Args:
        label: its name in reports; may be given as the first, positional argument.
        argv: program and arguments; never a secret among them.
        guard: whether it must run; only looks, never changes.
        undo: what undoes it, or None.
        notifies: services to restart or reload when it has run.
        after: services that must be up before it runs. Without `after` and `before` it runs before any service
            takes up new files.
        before: services that must not start, restart or reload before it has run.
    """

    label: str = field(kw_only=False)
    argv: Sequence[str]
    guard: Callable[[], bool]
    undo: Sequence[str] | None = None
    notifies: tuple[Notification, ...] = ()
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Identity."""
        return f"command[{self.label}]"

    def plan(self, machine: Machine) -> Change | None:
        """Run it if its guard says so; that is asked later where a service that it needs is not up yet."""
        if machine.blank:
            return None
        waits = [service for service in self.after if not machine.services.running(service)]
        if not waits and not self.guard():
            return None
        summary = " ".join(self.argv)
        if waits:
            summary += f" (if it is needed once {' and '.join(waits)} can be asked)"
        step = RunCommand(
            tuple(self.argv),
            undo_argv=tuple(self.undo) if self.undo else None,
            guard=self.guard if waits else None,
        )
        return Change(self.name, summary, (step,), notifies=self.notifies)

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file."""
        return ()
