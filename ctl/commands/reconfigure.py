"""`ctl reconfigure`: make the machine what the settings file says."""

from __future__ import annotations

import time
from contextlib import nullcontext

import click

from ctl.cli import Context, command


@command()
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would change.")
@click.option("--diff", is_flag=True, help="Show each change of a file as a unified diff, secrets masked.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def reconfigure(ctx: Context, *, dry_run: bool, diff: bool, as_json: bool) -> None:
    """Make this machine what the settings file says.

    Everything is planned and checked first, by the programs themselves; then it is applied, and services
    whose files changed are restarted. A run that fails puts everything back.
    """
    from ctl.commands.progress import Progress
    from ctl.converge import converge, run_lock, to_json
    from ctl.loading import load_for_command, machine, node
    from ctl.preflight import check, refuse_foreign_root
    from ctl.recipes import items

    started = time.monotonic()
    refuse_foreign_root(ctx.layout)
    loaded = load_for_command(ctx)
    target = node(ctx, loaded, required=True)
    host = machine(ctx)
    with nullcontext() if dry_run else run_lock(ctx.layout):
        check(target, host)
        with Progress.to(ctx, diff=diff or dry_run, dry_run=dry_run, as_json=as_json) as progress:
            report = converge(
                items(target), machine=host, layout=ctx.layout, dry_run=dry_run, observer=progress
            )
            report.seconds = time.monotonic() - started
            progress.finish(report)
    if as_json:
        ctx.console.result_json(to_json(report))
