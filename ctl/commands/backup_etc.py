"""`ctl backup-etc`: archive /etc/gitlab."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ctl.cli.framework import Context, command
from ctl.cli.recovery import recover_first
from ctl.errors import CtlError

if TYPE_CHECKING:
    from ctl.node.backup import EtcBackup


@command(name="backup-etc")
@click.option(
    "-p",
    "--backup-path",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where archives are kept [default: /etc/gitlab/config_backup]; made if it is not there.",
)
@click.option(
    "--delete-old-backups/--no-delete-old-backups",
    "prune",
    default=True,
    help='Afterwards delete archives older than gitlab_rails["backup_keep_time"] [default: delete].',
)
def backup_etc(ctx: Context, *, backup_path: Path | None, prune: bool) -> None:
    """Archive settings, secrets and certificates.

    The archive is gitlab_config_<seconds>_<date>.tar, readable by its owner only. Keep it apart from
    the images. To restore it: `tar -xf FILE -C /`, then `ctl reconfigure`.
    """
    from ctl.node.backup import EtcBackup

    recover_first(ctx)
    backup = EtcBackup(ctx.layout, backup_path.absolute() if backup_path else None)
    now = time.time()
    ctx.console.say(f"saved {backup.take(now)}")
    if not ctx.settings_file.absolute().is_relative_to(backup.source):
        ctx.console.note(f"note: {ctx.settings_file} is outside {backup.source} and so not in the archive")
    if prune:
        _prune(ctx, backup, now)


def _prune(ctx: Context, backup: EtcBackup, now: float) -> None:
    from ctl.settings.load import load

    try:
        keep = load(ctx.settings_file, ctx.layout, use_secrets=False).attributes.gitlab_rails.backup_keep_time
    except (CtlError, OSError) as error:
        ctx.console.note(f"warning: no old archives deleted, because the settings cannot be used:\n{error}")
        return
    for path in backup.old(now, keep):
        path.unlink(missing_ok=True)
        ctx.console.say(f"deleted {path}")
