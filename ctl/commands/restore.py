"""`ctl restore`: put back what `ctl backup` has saved."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, always, command
from ctl.errors import EXIT_OK, UsageFault

if TYPE_CHECKING:
    from ctl.backup.archive import Facts
    from ctl.backup.place import Place
    from ctl.backup.restic import Restic

RESTORED = ".ctl-restore"
"""In the storage, beside what registries see: what is being restored."""


@command(needs_root=always)
@click.argument("file")
@click.option("--replace", is_flag=True, help="Let the backup's take the place of what is newer here.")
@click.option("--keep", is_flag=True, help="Let what is newer here stay, and restore the rest.")
@click.option(
    "--identity",
    type=click.Path(path_type=Path, exists=True, readable=False),
    metavar="FILE",
    help="Private key of age or gpg.",
)
@click.option(
    "--no-reconfigure", is_flag=True, help="Only put the files back; images wait for the next restore."
)
def restore(
    ctx: Context, *, file: str, replace: bool, keep: bool, identity: Path | None, no_reconfigure: bool
) -> int:
    """Put back what a backup has. FILE is its archive, here or in S3 (s3://BUCKET/…).

    Its files first, then `ctl reconfigure` runs, and its images follow while the registry serves. What is newer here
    is named, and nothing is restored, unless --replace or --keep is given; a tag that leads to another image here
    stays. A restore that was cut off is finished by the next. Where a machine needs other settings (hosts, ports):
    --no-reconfigure, then edit them, then run it again with --keep. For S3: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.
    """
    from ctl.backup.archive import unpack
    from ctl.backup.place import place_of, split
    from ctl.backup.restore import images_of
    from ctl.backup.restore import restore as put_back
    from ctl.cli.loading import machine, recovered
    from ctl.commands.reconfigure import run
    from ctl.node.preflight import refuse_foreign_root

    if replace and keep:
        raise UsageFault("--replace and --keep are opposites", hint="Give one of them.")
    refuse_foreign_root(ctx.layout)
    source, name = split(file)
    place = place_of(source)
    facts, members = unpack(place.where(name), place.read(name), identity)
    warn_of_version(ctx, facts)
    with recovered(ctx, machine(ctx)):
        done = put_back(ctx.layout, members, replace=replace, keep=keep)
    for path in done.kept:
        ctx.console.note(f"{path} is newer than in the backup, and stays")
    ctx.console.say(f"{len(done.written)} files put back, {done.same} were as in the backup")
    if no_reconfigure:
        return EXIT_OK
    here = Context(ctx.layout, ctx.settings or ctx.layout.root / facts.settings, ctx.console)
    code = run(here, dry_run=False, diff=False, as_json=False)
    if facts.images and code == EXIT_OK:
        _images(here, place, name, images_of(place, members) if facts.repository else None, replace=replace)
    return code


def warn_of_version(ctx: Context, facts: Facts) -> None:
    """A backup of a newer ctl may have settings that this one does not know."""
    from ctl import __version__

    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.split(".") if part.isdecimal()]

    made_by = str(facts.versions.get("ctl", "0"))
    if numbers(made_by) > numbers(__version__):
        ctx.console.note(
            f"warning: the backup was made by ctl {made_by}, and this is {__version__}: settings that it does not know "
            "are reported"
        )


def _images(ctx: Context, place: Place, name: str, saved: Restic | None, *, replace: bool) -> None:
    """Beside what is in the storage by now: the registry serves already."""
    from ctl.backup.archive import bare_name
    from ctl.backup.images import copy, held, linked
    from ctl.backup.restore import folder_of_images
    from ctl.backup.take import storage_of
    from ctl.registry.gate import Gate
    from ctl.settings.load import load

    storage = storage_of(load(ctx.settings_file, ctx.layout, use_secrets=False).attributes)
    with ExitStack() as stack:
        if saved:
            source = stack.enter_context(linked(storage, RESTORED))
            saved.restore(bare_name(name), source)
            give(source, storage)
        else:
            source = folder_of_images(place, name)
        stack.enter_context(Gate(ctx.layout, shared=True))
        stack.enter_context(held(storage))
        copied = copy(source, storage, source if saved else None, replace=replace)
    ctx.console.say(f"images: {copied.tags} tags and {copied.blobs} blobs are as in the backup")
    if copied.kept_tags:
        ctx.console.note(
            f"{copied.kept_tags} tags lead to other images here and stay (--replace replaces them)"
        )


def give(folder: Path, storage: Path) -> None:
    """To the owner of a storage, in which the files are linked next."""
    facts = storage.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, facts.st_uid, facts.st_gid, follow_symlinks=False)
