"""`ctl backup`: all that makes this node what it is, in one archive; its images beside it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, always, command
from ctl.cli.recovery import recover_first
from ctl.errors import EXIT_OK, UsageFault

if TYPE_CHECKING:
    from ctl.backup.images import Copied
    from ctl.settings.attributes import Attributes

FOLDER = "/var/opt/gitlab/backups"


@command(needs_root=always)
@click.argument("file", required=False)
@click.option(
    "--with-images", "images", is_flag=True, help="Save the images too, from the disk of this node."
)
@click.option(
    "--to",
    "target",
    metavar="DIR|URL",
    help=f"Where backups are kept: a folder [default: {FOLDER}], or s3://BUCKET/PREFIX.",
)
@click.option(
    "--encrypt-to",
    "recipient",
    metavar="RECIPIENT",
    help="Encrypt: a public key of age (age1…, ssh-…), a file with one of gpg, or its name there.",
)
@click.option(
    "--verify", "prove", is_flag=True, help="Restore it beside the node, start it and pull images of it."
)
@click.option(
    "--identity",
    type=click.Path(path_type=Path, exists=True, readable=False),
    metavar="FILE",
    help="Private key of age or gpg, to verify.",
)
def backup(
    ctx: Context,
    *,
    file: str | None,
    images: bool,
    target: str | None,
    recipient: str | None,
    prove: bool,
    identity: Path | None,
) -> None:
    """Save this node while it serves.

    Settings with the files that they include, secrets, accounts, certificates, recipes and versions.
    The archive is registry_backup_<seconds>_<date>.tar, readable by its owner only. Images are in a folder beside it,
    a storage that a registry can serve: what an earlier backup has is linked, not copied; collections wait meanwhile.
    Encrypted, or in S3, images are in a repository of restic, whose password the archives have. Credentials for S3:
    registry_backup["s3_…"], else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL. Backups older
    than gitlab_rails["backup_keep_time"] are deleted. `ctl restore FILE` puts it back. With --verify and FILE, an
    archive, none is taken: that one is verified.
    """
    from ctl.cli.loading import load_for_command
    from ctl.cli.noted import noted
    from ctl.registry.migration_hold import left_by_migration

    if prove and identity is None and (recipient or "").startswith(("age1", "ssh-")):
        raise UsageFault(
            "a backup that is encrypted for age is verified with the private key",
            hint="Give it: --identity FILE",
        )
    if file is not None:
        if not prove or images or target or recipient:
            raise UsageFault(
                "a backup that there is can only be verified", hint=f"Run: ctl backup --verify {file}"
            )
        _verify(ctx, file, load_for_command(ctx).attributes, identity)
        return
    recover_first(ctx)
    if note := left_by_migration(ctx.layout):
        ctx.console.note(
            f"warning: {note.problem}; a node that is restored from this backup takes none either"
        )
    noted(ctx, "backup", lambda: _back_up(ctx, target, recipient, identity, images=images, prove=prove))


def _back_up(
    ctx: Context,
    target: str | None,
    recipient: str | None,
    identity: Path | None,
    *,
    images: bool,
    prove: bool,
) -> int:
    from ctl.backup.place import place_of
    from ctl.backup.take import Backup
    from ctl.cli.loading import load_for_command
    from ctl.node.last_backup import LastBackup, note_backup
    from ctl.settings.load import load

    attributes = load_for_command(ctx).attributes
    place = place_of(target or str(ctx.layout.path(FOLDER)), attributes)
    backups = Backup(ctx.layout, place)
    taken = backups.take(
        lambda: load(ctx.settings_file, ctx.layout),
        ctx.settings_file,
        images=images,
        recipient=recipient,
    )
    ctx.console.say(f"saved {taken.archive}")
    if taken.images:
        _report(ctx, taken.images)
    if prove:
        _verify(ctx, taken.archive, attributes, identity)
    note_backup(ctx.layout, LastBackup(time.time(), taken.archive, bool(taken.images), prove))
    for one in backups.remove_old(time.time(), attributes.gitlab_rails.backup_keep_time):
        ctx.console.say(f"deleted {one}")
    return EXIT_OK


def _verify(ctx: Context, archive: str, attributes: Attributes, identity: Path | None) -> None:
    from ctl.backup.verify import verify

    pulled = verify(archive, attributes, identity).images
    what = f"{len(pulled)} images pulled" if pulled else "a token of its key is accepted"
    ctx.console.say(f"verified: it starts elsewhere, {what}")


def _report(ctx: Context, copied: Copied) -> None:
    ctx.console.say(
        f"images: {copied.tags} tags, {copied.manifests} manifests, {copied.blobs} blobs of {copied.size:,} bytes, "
        f"{copied.linked} of them linked, not copied"
    )
    for digest in copied.missing[:10]:
        ctx.console.note(
            f"warning: {digest} is linked to in the storage, and is not there (ctl registry-fsck)"
        )
