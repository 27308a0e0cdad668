"""The plan of a run: every change in the order in which it is made, and what services do because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.model import Action, Change, Machine, Notification, Resource, Validation
from ctl.converge.order import order
from ctl.converge.resources.actions import Command, Service
from ctl.converge.resources.entries import File, Template
from ctl.converge.running import repairs
from ctl.converge.steps import SwitchService
from ctl.errors import CtlError

Item = Resource | Validation
"""What recipes yield."""


@dataclass(frozen=True)
class Turn:
    """One service, or a command or file that has its place among services, once all other files are there.

    Args:
        service: its name; "" for a command or file.
        after: the services that must be up before.
        change: that it is enabled, or the command or file; None where nothing differs.
    """

    service: str
    after: tuple[str, ...]
    change: Change | None = None


@dataclass(frozen=True)
class Plan:
    """Every change, in the order in which it is made, and what follows from it.

    Args:
        files: services to stop, then all accounts, files and commands that wait for no service.
        turns: service by service, each after those that it needs.
        switched: services newly enabled (True) or disabled (False).
        enabled: services that must run.
        secondary: those of them that the others are as good without.
        stopped: those that an administrator has stopped: they stay so.
        unchanged: number of resources that are as wanted.
    """

    files: tuple[Change, ...]
    turns: tuple[Turn, ...]
    switched: Mapping[str, bool]
    enabled: tuple[str, ...]
    secondary: frozenset[str]
    stopped: tuple[str, ...]
    unchanged: int

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of them."""
        return (*self.files, *(turn.change for turn in self.turns if turn.change))

    @property
    def notifications(self) -> tuple[Notification, ...]:
        """What services would do because of all changes, in the order of their turns."""
        wanted = self.merged(self.changes)
        names = [name for turn in self.turns for name in (turn.service, f"{turn.service}/log")]
        return tuple(wanted[name] for name in names if name in wanted)

    def merged(self, changes: Iterable[Change]) -> dict[str, Notification]:
        """What changes ask of each service or log, by its name: a restart beats a reload.

        Nothing is asked of one that starts, stops, stays stopped, or is not described.
        """
        wanted: dict[str, Notification] = {}
        for notification in (item for change in changes for item in change.notifies):
            service = notification.service.partition("/")[0]
            if service in self.switched or service in self.stopped or service not in self.enabled:
                continue
            former = wanted.get(notification.service)
            if former is None or (former.action, notification.action) == (Action.RELOAD, Action.RESTART):
                wanted[notification.service] = notification
        return wanted

    @classmethod
    def of(cls, entries: Sequence[Item], machine: Machine) -> Plan:
        """Compare every resource with the machine.

        Raises:
            CtlError: two resources contradict each other, services need each other in a circle, or a resource
                cannot be compared.
        """
        resources = distinct(entries)
        changes = {one.name: change for one in resources if (change := one.plan(machine)) is not None}
        services = [one for one in resources if isinstance(one, Service)]
        enabled = {one.service: one for one in services if one.enabled}
        switches = [s for change in changes.values() for s in change.steps if isinstance(s, SwitchService)]
        switched = {step.service: step.enabled for step in switches}
        lasting = [one for service, one in enabled.items() if service not in switched]
        conditions = {} if machine.blank else machine.services.conditions([one.service for one in lasting])
        found = list(repairs(lasting, conditions, resources, changes.values()))
        turns = _turns(resources, enabled, changes | {change.resource: change for change in found})
        later = {turn.change.resource for turn in turns if turn.change}
        return cls(
            files=tuple(sorted((c for name, c in changes.items() if name not in later), key=_phase)),
            turns=tuple(turns),
            switched=switched,
            enabled=tuple(enabled),
            secondary=frozenset(one.service for one in services if one.secondary),
            stopped=tuple(service for service, one in conditions.items() if one.stopped),
            unchanged=len(resources) - len(changes) - len(found),
        )


def distinct(entries: Sequence[Item]) -> list[Resource]:
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
    """A service stops before its files go."""
    return 0 if any(isinstance(step, SwitchService) for step in change.steps) else 1


def _turns(
    resources: Sequence[Resource], enabled: Mapping[str, Service], changes: Mapping[str, Change]
) -> list[Turn]:
    """Every enabled service, and what has its place among them, each after what it needs."""
    placed = (one for one in resources if isinstance(one, Command | File | Template))
    between = {one.name: one for one in placed if one.after or one.before}
    names = {service: one.name for service, one in enabled.items()}
    turns = {one.name: Turn(one.service, one.after, changes.get(one.name)) for one in enabled.values()}
    turns |= {name: Turn("", one.after, changes.get(name)) for name, one in between.items()}
    needed = {name: [names[one] for one in turn.after if one in names] for name, turn in turns.items()}
    for name, one in between.items():
        for service in one.before:
            if service in names:
                needed[names[service]].append(name)
    return [turns[name] for name in order(needed)]
