"""`registry_backup[…]`: backups by time."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.options.common import scheduled_options
from ctl.settings.types import AbsolutePath, Bool, Text, Type

_TASK = "timer: backup"


def _option(name: str, kind: Type, description: str, default: Any, example: str) -> Option:  # noqa: ANN401
    return Option(
        f"registry_backup.{name}", kind, description, default, example=example, reaches=(_TASK,), added=True
    )


OPTIONS = (
    *scheduled_options(
        "registry_backup",
        "The node is backed up by itself, as by `ctl backup`",
        "0 2 * * *",
        example='"30 1 * * 0"',
        task=_TASK,
    ),
    _option(
        "path",
        AbsolutePath(),
        'The folder of the backups; those older than gitlab_rails["backup_keep_time"] are deleted.',
        "/var/opt/gitlab/backups",
        '"/srv/backups"',
    ),
    _option("with_images", Bool(), "The images are copied too, from the disk of the node.", False, "True"),
    _option(
        "encrypt_to",
        Text(),
        "For whom the archive is encrypted: a public key of age, else a key of gpg. Not with images.",
        None,
        '"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"',
    ),
    _option(
        "verify",
        Bool(),
        "Each backup is restored beside the node, started there, and images are pulled. Not where it is encrypted.",
        False,
        "True",
    ),
)
