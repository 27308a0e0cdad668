"""A supervisor that is a file: enabled services are lines of it, so that it outlives a killed process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.model import Change, Condition, Machine, Notification
from ctl.errors import RunFailed
from ctl.paths import Layout


@dataclass
class FileSupervisor:
    """Keeps its state in a file; writes each call down.

    Args:
        state: the file.
        broken: services that never come up.
        unhealthy: services that come up, and do not do what they are there for.
        unwell: services that are not well at the end of a run that did not touch them.
        alone: services that no second process can replace without a gap.
        condition: how services run, where not as they must.
    """

    state: Path
    broken: frozenset[str] = frozenset()
    unhealthy: frozenset[str] = frozenset()
    unwell: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    calls: list[str] = field(default_factory=list)
    condition: dict[str, Condition] = field(default_factory=dict)

    def _read(self) -> dict[str, bool]:
        return dict(json.loads(self.state.read_text())) if self.state.exists() else {}

    def _write(self, name: str, enabled: bool) -> None:
        self.state.write_text(json.dumps(self._read() | {name: enabled}))

    def enabled(self, name: str) -> bool:
        return self._read().get(name, False)

    def enable(self, name: str) -> None:
        self.calls.append(f"enable {name}")
        self._write(name, True)

    def disable(self, name: str) -> None:
        self.calls.append(f"disable {name}")
        self._write(name, False)

    def running(self, name: str) -> bool:
        return self.enabled(name)

    def listening(self, names: Sequence[str]) -> Mapping[str, set[str]]:
        return {}

    def left_behind(self, name: str) -> set[str]:
        return set()

    def answers(self, name: str) -> bool:
        return name not in self.broken

    def conditions(self, names: Sequence[str]) -> Mapping[str, Condition]:
        return {name: self.condition.get(name, Condition()) for name in names}

    def end_idle_supervisor(self) -> bool:
        self.calls.append("end the supervisor")
        return not any(self._read().values())

    def perform(self, notification: Notification) -> bool:
        self.calls.append(f"{notification.action} {notification.service}")
        if notification.service in self.broken:
            raise RunFailed(f"{notification.service} does not answer")
        return True

    def ensure_supervisor(self) -> bool:
        return False

    def supervised(self) -> bool:
        return True

    def interrupts(self, name: str) -> bool:
        return name in self.alone

    def not_well(self, names: Sequence[str]) -> Mapping[str, str]:
        return {name: "is not well" for name in names if name in self.unwell}

    def wait_until_up(self, name: str) -> None:
        self.calls.append(f"wait {name}")
        if name in self.broken:
            raise RunFailed(f"{name} does not come up")

    def wait_until_healthy(self, touched: Set[str]) -> None:
        if touched & self.unhealthy:
            raise RunFailed(f"{min(touched & self.unhealthy)} is not well\n  its log")


@dataclass
class Recorder:
    """An observer that writes everything down."""

    lines: list[str] = field(default_factory=list)

    def change(self, change: Change) -> None:
        self.lines.append(f"{change.resource}: {change.summary}")

    def notify(self, notification: Notification) -> None:
        self.lines.append(f"{notification.action} {notification.service}")

    def note(self, text: str) -> None:
        self.lines.append(text)

    def rollback(self, text: str) -> None:
        self.lines.append(text)


@dataclass(frozen=True)
class Bench:
    """A private root with its supervisor.

    Args:
        layout: the root.
        services: its supervisor.
        observer: what it was notified of.
    """

    layout: Layout
    services: FileSupervisor
    observer: Recorder = field(default_factory=Recorder)

    @classmethod
    def at(cls, folder: Path, *, broken: frozenset[str] = frozenset()) -> Bench:
        layout = Layout(folder / "root")
        layout.state.mkdir(parents=True, exist_ok=True)
        return cls(layout, FileSupervisor(folder / "supervisor.json", broken))

    @property
    def machine(self) -> Machine:
        """Unprivileged: owners stay the caller's."""
        return Machine(services=self.services, privileged=False)
