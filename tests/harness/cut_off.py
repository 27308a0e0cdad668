"""A run of a service with three files that was cut off before its commit."""

from __future__ import annotations

from pathlib import Path

from ctl.converge import File, Item, recovered, reload, restart
from ctl.converge.journal import Journal
from ctl.converge.rollback import Undone
from tests.harness.supervisor import Bench


def with_files(root: Path) -> Bench:
    """A root with three files of a service that runs."""
    bench = Bench.at(root)
    for name in "abc":
        path = bench.layout.path(f"/etc/app/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"old {name}")
    for name in ("app", "web"):
        bench.services.enable(name)
    bench.services.calls.clear()
    return bench


def cut_off(bench: Bench, *items: Item) -> None:
    """Change things as a run does, and end before its commit."""
    with Journal.begin(bench.layout) as journal:
        for change in (item.plan(bench.machine) for item in items if not hasattr(item, "watches")):
            for step in change.steps if change else ():
                record = step.undo(journal)
                if record:
                    notifies = [(str(one.action), one.service) for one in change.notifies] if change else []
                    journal.record({**record, "notifies": notifies})
                step.apply()


def files(bench: Bench) -> list[Item]:
    """New content for all three."""
    folder = bench.layout.path("/etc/app")
    return [
        File(folder / "a", content="new a", notifies=(restart("app"),)),
        File(folder / "b", content="new b", notifies=(reload("app"), reload("web"))),
        File(folder / "c", content="new c", notifies=(restart("gone"),)),
    ]


def recover(bench: Bench) -> Undone | None:
    """Undo what was cut off, as the next run does."""
    with recovered(bench.layout, bench.machine, bench.observer.note) as undone:
        return undone
