"""`letsencrypt[…]`: certificates from a public authority."""

from __future__ import annotations

from typing import Any

from ctl.settings.addresses import AbsolutePath, Url
from ctl.settings.option import Option
from ctl.settings.quantities import CronField
from ctl.settings.rules import urls, vhost
from ctl.settings.shapes import ListOf
from ctl.settings.types import Bool, Enum, Text, Type, account, email, hostname

_MANAGED = AbsolutePath(managed=True)
PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


def _option(name: str, kind: Type, description: str, default: Any, example: str, **more: Any) -> Option:  # noqa: ANN401
    return Option(f"letsencrypt.{name}", kind, description, default, example=example, **more)


OPTIONS = (
    _option(
        "enable",
        Bool(),
        "Certificates come from Let's Encrypt.",
        None,
        "False",
        rule=urls.letsencrypt_enable,
        reaches=("vhost",),
    ),
    _option("auto_renew", Bool(), "Certificates are renewed by themselves.", True, "True"),
    _option("auto_renew_hour", CronField(0, 23), "Hour of renewal.", "0", "0"),
    _option(
        "auto_renew_minute", CronField(0, 59), "Minute of renewal.", None, "30", rule=vhost.renewal_minute
    ),
    _option("auto_renew_day_of_month", CronField(1, 31), "Days of renewal.", "*/4", '"*/7"'),
    _option(
        "auto_renew_log_directory",
        _MANAGED,
        "Folder of the log of renewals.",
        "/var/log/gitlab/lets-encrypt",
        '"/var/log/gitlab/lets-encrypt"',
    ),
    _option(
        "alt_names", ListOf(hostname()), "Further names of the certificate.", [], '["images.example.com"]'
    ),
    _option(
        "contact_emails", ListOf(email()), "Who is told when a certificate ends.", [], '["admin@example.com"]'
    ),
    _option(
        "chain", Text(), "Common name of the root to which the chain shall lead.", None, '"ISRG Root X1"'
    ),
    _option("key_type", Enum("rsa", "ecdsa"), "Kind of the certificate's key.", "rsa", '"ecdsa"'),
    _option(
        "key_size",
        Enum("2048", "3072", "4096", label="2048, 3072 or 4096"),
        "Bits of an RSA key.",
        2048,
        "4096",
        finish=vhost.as_number,
    ),
    _option(
        "ec_curve",
        Enum("prime256v1", "secp384r1", "secp521r1"),
        "Curve of an ECDSA key.",
        None,
        '"prime256v1"',
    ),
    _option("owner", account(), "Owner of the files.", "root", '"root"'),
    _option("group", account("the name of a group"), "Group of the files.", "root", '"root"'),
    _option(
        "wwwroot",
        _MANAGED,
        "Folder in which challenges are answered.",
        "/var/opt/gitlab/nginx/www",
        '"/var/opt/gitlab/nginx/www"',
    ),
    _option("acme_production_endpoint", Url(), "Directory of the authority.", PRODUCTION, f'"{PRODUCTION}"'),
    _option("acme_staging_endpoint", Url(), "Directory for trials.", STAGING, f'"{STAGING}"'),
)
