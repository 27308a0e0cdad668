"""`letsencrypt[…]`: certificates from a public authority."""

from __future__ import annotations

from typing import Any

from ctl.settings.option import Option
from ctl.settings.rules import letsencrypt, vhost
from ctl.settings.types import (
    AbsolutePath,
    Bool,
    CronField,
    Enum,
    ListOf,
    Text,
    Type,
    Url,
    account,
    email,
    hostname,
)

_MANAGED = AbsolutePath(managed=True)
_SERVICE = "timer"
_CERTIFICATE = "ssl_certificate"
_KEY = "ssl_certificate_key"
PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


def _option(name: str, kind: Type, description: str, default: Any, example: str = "", **more: Any) -> Option:  # noqa: ANN401
    return Option(f"letsencrypt.{name}", kind, description, default, example=example, **more)


OPTIONS = (
    _option(
        "enable",
        Bool(),
        "The certificate of the registry's vhost comes from Let's Encrypt. A certificate that the settings name "
        "is never replaced.",
        None,
        "False",
        rule=letsencrypt.letsencrypt_enable,
        reaches=("vhost", "ssl_certificate", "ssl_certificate_key"),
    ),
    _option(
        "auto_renew",
        Bool(),
        "Certificates are renewed by themselves. False: by `ctl renew-le-certs` and `ctl reconfigure` alone.",
        True,
        reaches=(_SERVICE,),
    ),
    _option(
        "auto_renew_hour",
        CronField(0, 23),
        "Hour of renewal. A time at which the machine was off is made up for.",
        "0",
        "0",
        reaches=(_SERVICE,),
    ),
    _option(
        "auto_renew_minute",
        CronField(0, 59),
        "Minute of renewal.",
        None,
        "30",
        rule=vhost.renewal_minute,
        reaches=(_SERVICE,),
    ),
    _option(
        "auto_renew_day_of_month",
        CronField(1, 31),
        "Days on which certificates are looked at; one that ends within 30 days is renewed.",
        "*/4",
        '"*/7"',
        reaches=(_SERVICE,),
    ),
    _option(
        "auto_renew_scheduler",
        Enum("runit", "cron"),
        'Who keeps the time: the timer of ctl, or the cron daemon by "/etc/cron.d/registry-ctl-letsencrypt".',
        "runit",
        '"cron"',
        added=True,
        reaches=(_SERVICE, "cron file"),
    ),
    _option(
        "auto_renew_log_directory",
        _MANAGED,
        "Folder of the log of renewals.",
        "/var/log/gitlab/lets-encrypt",
        reaches=("log service",),
    ),
    _option(
        "alt_names",
        ListOf(hostname()),
        "Further names of the certificate; each must lead to this machine's port 80.",
        [],
        '["images.example.com"]',
        reaches=(_CERTIFICATE, "vhost: server_name"),
    ),
    _option(
        "contact_emails",
        ListOf(email()),
        "Whom the authority may write to about certificates.",
        [],
        '["admin@example.com"]',
        reaches=("account",),
    ),
    _option(
        "chain",
        Text(),
        "Common name of the root to which the chain must lead, where the authority offers several.",
        None,
        '"ISRG Root X1"',
        reaches=(_CERTIFICATE,),
    ),
    _option(
        "key_type", Enum("rsa", "ecdsa"), "Kind of the certificate's key.", "rsa", '"ecdsa"', reaches=(_KEY,)
    ),
    _option(
        "key_size",
        Enum("2048", "3072", "4096", label="2048, 3072 or 4096"),
        "Bits of an RSA key.",
        2048,
        "4096",
        finish=vhost.as_number,
        reaches=(_KEY,),
    ),
    _option(
        "ec_curve",
        Enum("prime256v1", "secp384r1", "secp521r1"),
        "Curve of an ECDSA key. Let's Encrypt takes the first two.",
        None,
        '"prime256v1"',
        rule=letsencrypt.ec_curve,
        reaches=(_KEY,),
    ),
    _option("owner", account(), "Owner of certificate and key.", "root", reaches=(_CERTIFICATE,)),
    _option(
        "group",
        account("the name of a group"),
        "Group of certificate and key.",
        "root",
        reaches=(_CERTIFICATE,),
    ),
    _option(
        "wwwroot",
        _MANAGED,
        "Folder in which challenges are answered.",
        "/var/opt/gitlab/nginx/www",
        reaches=("vhost: location /.well-known/acme-challenge/",),
    ),
    _option(
        "acme_production_endpoint",
        Url(),
        "Directory of the authority that issues the certificate (RFC 8555).",
        PRODUCTION,
        f'"{PRODUCTION}"',
    ),
    _option(
        "acme_staging_endpoint",
        Url(),
        "Directory of the authority for trials, whose certificates are never installed.",
        STAGING,
        f'"{STAGING}"',
    ),
    _option(
        "staging_first",
        Bool(),
        "A new certificate is tried at acme_staging_endpoint before the other authority is asked.",
        None,
        "True",
        rule=letsencrypt.staging_first,
        added=True,
    ),
    _option(
        "acme_ca_file",
        AbsolutePath(),
        "Certificates by which an authority of one's own is trusted when it is spoken to.",
        None,
        '"/etc/ssl/certs/own-ca.pem"',
        added=True,
        default_text="the machine's list; SSL_CERT_FILE or REQUESTS_CA_BUNDLE of the environment before it",
    ),
)
