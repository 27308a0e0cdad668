"""`registry_backup[…]`: backups by time."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.options.common import scheduled_options
from ctl.settings.types import AbsolutePath, Bool, OneOf, Printable, Text, Type

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
        OneOf(AbsolutePath(), Text(r"s3://[a-z0-9.-]+(?:/.*)?", "s3://BUCKET/PREFIX", label="URL")),
        "Where backups are kept: a folder, or s3://BUCKET/PREFIX. Those older than "
        'gitlab_rails["backup_keep_time"] are deleted.',
        "/var/opt/gitlab/backups",
        '"/srv/backups"',
    ),
    _option("with_images", Bool(), "The images are copied too, from the disk of the node.", False, "True"),
    _option(
        "encrypt_to",
        Text(),
        "For whom it is encrypted, images too: a public key of age, a file with one of gpg, or the name of one in gpg.",
        None,
        '"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"',
    ),
    _option(
        "verify",
        Bool(),
        "Each backup is restored beside the node, started there, and images are pulled. If encrypted, by `identity`.",
        False,
        "True",
    ),
    _option(
        "identity",
        AbsolutePath(),
        "A file with the private key of age or gpg by which an encrypted backup is verified.",
        None,
        '"/etc/gitlab/backup.key"',
    ),
    *(
        Option(
            f"registry_backup.s3_{name}",
            Printable(),
            f"For backups in S3: {what}. Default: {variable} of the environment.",
            example=example,
            reaches=(_TASK,),
            secret=name == "secretkey",
            added=True,
        )
        for name, what, variable, example in (
            (
                "endpoint",
                "the address of a service other than AWS's",
                "AWS_ENDPOINT_URL",
                '"https://s3.example.com"',
            ),
            ("region", "the region", "AWS_REGION", '"eu-central-1"'),
            ("accesskey", "the access key", "AWS_ACCESS_KEY_ID", '"AKIAIOSFODNN7EXAMPLE"'),
            ("secretkey", "the secret key", "AWS_SECRET_ACCESS_KEY", '"wJalrXUtnFEMI"'),
        )
    ),
)
