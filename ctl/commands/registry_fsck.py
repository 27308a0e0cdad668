"""`ctl registry-fsck`: what is damaged in the storage, and its repair."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command
from ctl.cli.values import not_empty
from ctl.errors import EXIT_FAILED, EXIT_OK
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.images.fsck.fault import Fault
    from ctl.images.fsck.repair import Repair
    from ctl.registry.collect.acting import ActingAs
    from ctl.registry.collect.collector import Setup
    from ctl.storage.store import Store

_SWITCH = "The command that starts the registry anew, where ctl does not run it."


@command(name="registry-fsck")
@click.argument("config", required=False, type=FILE)
@click.option("--config", "named", type=FILE, metavar="FILE", help="The same as CONFIG.")
@click.option("--repair", is_flag=True, help="Repair what can be; what is taken away goes into quarantine.")
@click.option("--checksums", is_flag=True, help="Read every blob, and compare it with its digest.")
@click.option(
    "--switch",
    metavar="COMMAND",
    help="The command that starts the registry anew, where ctl does not run it.",
)
@click.option("--restore", callback=not_empty, metavar="REPAIR",
              help="Bring back what a repair has moved into quarantine.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_fsck(
    ctx: Context,
    *,
    config: Path | None,
    named: Path | None,
    repair: bool,
    checksums: bool,
    switch: str | None,
    restore: str | None,
    as_json: bool,
) -> int:
    """Find what is damaged in the storage. Each damage has its path, repository, effect and remedy.

    CONFIG is the registry's config.yml [default: the service's own]. The registry goes on serving. --repair writes
    links whose content is known anew, makes missing `_layers` folders, and moves what is damaged into
    ctl-quarantine/REPAIR beside the images: nothing is deleted, and no collection touches that. Exit status 0 where
    nothing is damaged (any more), 1 where something is.
    """
    from ctl.cli.registry_setup import registry_setup
    from ctl.collector.managed import refuse_managed_store
    from ctl.images.fsck.check import check
    from ctl.images.fsck.repair import Repair
    from ctl.images.fsck.repair import restore as bring_back
    from ctl.registry.collect.acting import acting_in
    from ctl.registry.collect.guard import refuse_database
    from ctl.registry.collect.progress import shown_on
    from ctl.registry.collect.sizes import refuse_missing
    from ctl.registry.store import store_of

    setup = registry_setup(ctx, named or config)
    refuse_database(setup.config)
    refuse_missing(setup.storage)
    store, acting = store_of(setup), acting_in(setup)
    with acting:
        refuse_managed_store(store)
    if restore:
        with _locked(store, acting):
            ctx.console.say(f"brought back {bring_back(store, restore):,} objects")
        return EXIT_OK
    with shown_on(ctx.console) as reporter, acting:
        reporter.step(f"looking at {store.name}")
        faults = check(store, reporter.advance, checksums=checksums)
    repairing = Repair(store) if repair and faults else None
    command_line = shlex.split(switch) if switch else None
    left = _repaired(setup, acting, repairing, faults, command_line) if repairing else faults
    _report(ctx, store, faults, repairing, left, as_json=as_json)
    return EXIT_FAILED if left else EXIT_OK


def _repaired(
    setup: Setup, acting: ActingAs, repairing: Repair, faults: list[Fault], switch: list[str] | None
) -> list[Fault]:
    """Repair, and let the registry forget blobs that it has in a cache. Returns what is left."""
    from ctl.collector.collection import Hooks
    from ctl.registry.collect.serving import hooks

    gone = [one.key.split("/") for one in faults if one.steps and one.key.endswith("/data")]
    cached = hooks(setup, acting, switch) if gone else Hooks()
    with _locked(repairing.store, acting):
        left = repairing.repair(faults)
        cached.forget({f"{parts[-4]}:{parts[-2]}": [] for parts in gone})
        if cached.switch is not None:
            cached.switch()
    return left


@contextmanager
def _locked(store: Store, acting: ActingAs) -> Iterator[None]:
    """With the rights of the registry's account; no collection meanwhile."""
    from ctl.collector.tree import quarantine_of, tree_of

    with acting, quarantine_of(tree_of(store)):
        yield


def _report(
    ctx: Context,
    store: Store,
    faults: list[Fault],
    repairing: Repair | None,
    left: list[Fault],
    *,
    as_json: bool,
) -> None:
    from ctl.cli.collections import count

    place = repairing.place if repairing else ""
    still = {(one.kind, one.key) for one in left}
    repaired = [one for one in faults if (one.kind, one.key) not in still]
    if as_json:
        damages = [{**one.as_json(store.name), "repaired": False} for one in left]
        damages += [{**one.as_json(store.name), "repaired": True} for one in repaired]
        report = {"storage": store.name, "damages": damages, "left": len(left), "quarantine": place}
        ctx.console.result_json(report)
        return
    for one in repaired:
        ctx.console.say(f"{ctx.console.paint('repaired', Style.GOOD)}: {one.line(store.name)}")
    for one in left:
        ctx.console.say(f"{ctx.console.paint('damaged', Style.BAD)}: {one.line(store.name)}")
    if place and repairing:
        ctx.console.say(
            f"what was taken away is in {place}; ctl registry-fsck --restore {repairing.run} brings it back"
        )
    sums = f"{count(len(faults), 'damage')}{f', {len(repaired):,} repaired' if repairing else ''}"
    ctx.console.say(f"{store.name}: {sums if faults else 'no damage'}")
