"""`ctl restore`: put back what `ctl backup` has saved."""

from __future__ import annotations

from pathlib import Path

import click

from ctl.cli.framework import Context, always, command
from ctl.errors import EXIT_OK


@command(needs_root=always)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Let the backup's take the place of what is newer here.")
@click.option(
    "--identity", type=click.Path(path_type=Path, exists=True), metavar="FILE", help="Private key of age."
)
@click.option(
    "--no-reconfigure", is_flag=True, help="Only put the files back; images wait for the next restore."
)
def restore(ctx: Context, *, file: Path, replace: bool, identity: Path | None, no_reconfigure: bool) -> int:
    """Put back what a backup has.

    Its files first, then `ctl reconfigure` runs, and its images follow while the registry serves. What is newer here
    is named, and nothing is restored, unless --replace is given; a tag that leads to another image here stays. A
    restore that was cut off is finished by the next.
    """
    from ctl.backup.archive import read
    from ctl.backup.restore import restore as put_back
    from ctl.cli.loading import machine
    from ctl.commands.reconfigure import run
    from ctl.converge import recovered
    from ctl.node.preflight import refuse_foreign_root

    refuse_foreign_root(ctx.layout)
    facts, members = read(file, identity)
    with recovered(ctx.layout, machine(ctx), ctx.console.note):
        done = put_back(ctx.layout, members, replace=replace)
    ctx.console.say(f"{len(done.written)} files put back, {done.same} were as in the backup")
    if no_reconfigure:
        return EXIT_OK
    here = Context(ctx.layout, ctx.settings or ctx.layout.root / facts.settings, ctx.console)
    code = run(here, dry_run=False, diff=False, as_json=False)
    if facts.images and code == EXIT_OK:
        _images(here, file, replace=replace)
    return code


def _images(ctx: Context, file: Path, *, replace: bool) -> None:
    """Beside what is in the storage by now: the registry serves already."""
    from ctl.backup.archive import IMAGES
    from ctl.backup.images import copy, held
    from ctl.backup.take import storage_of
    from ctl.errors import CtlError
    from ctl.registry.gate import Gate
    from ctl.settings.load import load

    source = file.with_name(file.name + IMAGES)
    if not source.is_dir():
        raise CtlError(
            f"{source} is not there: the images of this backup", hint="Put it beside the archive, run again."
        )
    storage = storage_of(load(ctx.settings_file, ctx.layout, use_secrets=False).attributes)
    with Gate(ctx.layout, shared=True), held(storage):
        copied = copy(source, storage, replace=replace)
    ctx.console.say(f"images: {copied.tags} tags and {copied.blobs} blobs are as in the backup")
    if copied.kept_tags:
        ctx.console.note(
            f"{copied.kept_tags} tags lead to other images here and stay (--replace replaces them)"
        )
