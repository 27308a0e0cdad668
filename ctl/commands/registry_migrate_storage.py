"""`ctl registry-migrate-storage`: the images to another storage, while the registry serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import FILE, Context, command
from ctl.errors import EXIT_OK
from ctl.output import Style

if TYPE_CHECKING:
    from ctl.commands.storage_migration import Migration, Outcome

_TO = 'Settings with the new storage: registry["storage"] or gitlab_rails["registry_path"].'
_REPLACE = "Move into quarantine there what only the new storage has, if it is older."


@command(name="registry-migrate-storage")
@click.option("--to", "file", type=FILE, metavar="FILE", required=True, help=_TO)
@click.option("-d", "--dry-run", is_flag=True, help="Change nothing; show what would be copied.")
@click.option("--replace", "replace_others", is_flag=True, help=_REPLACE)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=8, show_default=True, help="Objects copied at a time."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def registry_migrate_storage(
    ctx: Context, *, file: Path, dry_run: bool, replace_others: bool, jobs: int, as_json: bool
) -> int:
    """Move the images to another storage, or folder. There is no downtime.

    FILE is a settings file with the new storage, as registry["storage"] = {"s3": {…}}; what it does not give of that
    section (cache, delete, redirect, …) stays. The images are copied while the registry serves. Then pushes are
    refused (read-only mode) while the rest is copied and both are compared: number, bytes, and every object, all but
    uploads under way. Then the settings file is changed, and the registry serves the new storage. The old one is kept,
    and a file for the way back is written. Cut off anywhere, the same command goes on. A new storage with newer data,
    or with that of another registry, is refused.
    """
    from ctl.cli.recovery import recover_first
    from ctl.cli.registry_setup import registry_setup
    from ctl.commands.storage_migration import Migration, find_target, forget_hold, is_there
    from ctl.registry.collect.progress import shown_on

    recover_first(ctx)
    setup = registry_setup(ctx, None)
    target = find_target(ctx, setup, file)
    if is_there(setup, target):
        forget_hold(ctx)
        return _already(ctx, file, as_json=as_json)
    with shown_on(ctx.console) as reporter:
        migration = Migration(ctx, setup, target, reporter, jobs)
        if dry_run:
            return _forecast(ctx, migration, as_json=as_json)
        outcome = migration.run(replace_others=replace_others)
    _report(ctx, outcome, as_json=as_json)
    return EXIT_OK


def _already(ctx: Context, file: Path, *, as_json: bool) -> int:
    if as_json:
        ctx.console.result_json({"copied": 0, "already": True})
    else:
        ctx.console.say(f"the registry has its images already where {file} says")
    return EXIT_OK


def _forecast(ctx: Context, migration: Migration, *, as_json: bool) -> int:
    objects, size = migration.forecast()
    if as_json:
        names = {"from": migration.source.name, "to": migration.target.name}
        ctx.console.result_json({**names, "would_copy": objects, "bytes": size})
    else:
        ctx.console.say(
            f"would copy {objects:,} objects, {size:,} bytes, from {migration.source.name} to {migration.target.name}"
        )
    return EXIT_OK


def _report(ctx: Context, outcome: Outcome, *, as_json: bool) -> None:
    for key in outcome.damaged:
        word = ctx.console.paint("warning", Style.WARN, err=True)
        ctx.console.note(f"{word}: {key} was damaged before, and is: ctl registry-fsck --checksums")
    if as_json:
        ctx.console.result_json(outcome.as_json())
        return
    sums = outcome.sums
    ctx.console.say(f"the registry serves {outcome.target}")
    ctx.console.say(f"copied {outcome.copied:,} objects, {outcome.bytes_copied:,} bytes")
    ctx.console.say(f"the same in both: {sums['objects']:,} objects, {sums['bytes']:,} bytes")
    ctx.console.say(f"pushes were refused for {outcome.paused:.1f} s")
    ctx.console.say(f"{outcome.source} is kept; back: ctl registry-migrate-storage --to {outcome.back}")
