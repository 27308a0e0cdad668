"""The timer: one service that starts every scheduled task when it is due."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.converge import Directory, File, Item, Service, reload
from ctl.machine.python import runtime
from ctl.node.node import Node
from ctl.node.runit_service import runit_service
from ctl.node.scheduled import tasks
from ctl.settings.components import TIMER as COMPONENT
from ctl.settings.components.timer import FORMER, NEEDED
from ctl.timer.task import content, tasks_file


def recipe(node: Node) -> Iterator[Item]:
    """Its tasks and its process, in the place of the services that each kept a time of its own."""
    path = tasks_file(node.layout)
    yield Directory(path.parent, owner="root", group="root")
    yield Directory(path.parent / "outcomes", owner="root", group="root")
    yield File(
        path, content=content(tasks(node)), owner="root", group="root", notifies=(reload(COMPONENT.name),)
    )
    for name in FORMER:
        yield Service(name, enabled=False)
    yield from runit_service(
        node,
        COMPONENT,
        "timer/run.j2",
        variables={"runtime": runtime(NEEDED), "root": node.layout.root},
    )


def without(node: Node) -> Iterator[Item]:
    """Neither it nor what it took the place of."""
    for name in FORMER:
        yield Service(name, enabled=False)
