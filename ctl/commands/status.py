"""`ctl status`: what the services do, as sv says it, or as JSON with more."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ctl.cli.framework import Context, command
from ctl.commands.service import SERVICES
from ctl.errors import EXIT_FAILED, EXIT_OK
from ctl.paths import Layout
from ctl.registry.gate import collecting
from ctl.services.runit import USE_SUDO, Runit
from ctl.services.selection import NONE_ENABLED, select
from ctl.services.status import Status

COLLECTING = "a garbage collection is under way: the registry waits for its end"
INTERRUPTED = (
    "an earlier reconfigure was interrupted: run `ctl recover`, or `ctl reconfigure` to finish or undo it"
)


@command()
@SERVICES
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with memory, files, addresses and more.")
def status(ctx: Context, services: Sequence[str], as_json: bool) -> int:
    """Show the state of services. Exit status 0 only if all of them run and should run."""
    runit = Runit(ctx.layout)
    found = runit.statuses(select(ctx.layout, services))
    if as_json:
        _print_json(ctx, runit, found)
    else:
        _print_lines(ctx, found)
    _hints(ctx, runit, found)
    return EXIT_OK if all(one.healthy for one in found) else EXIT_FAILED


def _print_lines(ctx: Context, found: Sequence[Status]) -> None:
    for one in found:
        ctx.console.result(f"{one.line}; {one.log.line}" if one.log else one.line)
    if not found:
        ctx.console.say(NONE_ENABLED)


def _print_json(ctx: Context, runit: Runit, found: Sequence[Status]) -> None:
    from ctl.services.details import describe

    services = [describe(one, runit.definition(one.name)) for one in found]
    ctx.console.result_json({"supervisor": runit.supervisor.pid(), "services": services})


def _hints(ctx: Context, runit: Runit, found: Sequence[Status]) -> None:
    """Advice on standard error: scripts read only what sv says."""
    if any(one.denied for one in found):
        ctx.console.note(USE_SUDO)
    elif any(one.reason for one in found) and not runit.supervised():
        ctx.console.note("the supervisor does not run: `ctl start` starts it")
    if _interrupted(ctx.layout):
        ctx.console.note(INTERRUPTED)
    if collecting(ctx.layout):
        ctx.console.note(COLLECTING)


def _interrupted(layout: Layout) -> bool:
    """Whether a run left its journal and lives no more."""
    try:
        if not layout.journal.exists():
            return False
    except PermissionError:  # only its owner is to know
        return False
    return not _locked(layout)


def _locked(layout: Layout) -> bool:
    """Whether a run is under way; seen without taking its lock, which might stop a run that just begins."""
    try:
        marker = f":{layout.run_lock.stat().st_ino} "
        with open("/proc/locks", encoding="ascii") as locks:  # noqa: PTH123
            return any(marker in line and " FLOCK " in line for line in locks)
    except OSError:  # there is no lock, or no way to see it
        return False
