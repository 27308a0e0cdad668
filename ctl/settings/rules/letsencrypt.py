"""Let's Encrypt: whether it is on, for which host, and what the vhost needs for it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ctl.settings.option import UNSET, Unset, View, rule
from ctl.settings.rules.urls import Origin, origin_of, registry_elsewhere
from ctl.settings.rules.vhost import serves_registry
from ctl.settings.values import Values

LETSENCRYPT_HOST = ".letsencrypt.org"
RECORD = "/etc/gitlab/letsencrypt/certificate.json"
"""What a run that obtained a certificate leaves behind."""
_RESERVED = {
    # RFC 2606, RFC 6761, RFC 6762 with its appendix G, RFC 7686, RFC 8375, RFC 9476; ICANN's `internal`
    *("test", "example", "invalid", "localhost", "example.com", "example.net", "example.org"),
    *("local", "localdomain", "domain", "intranet", "internal", "private", "corp", "home", "lan", "mail"),
    *("home.arpa", "onion", "alt"),
}
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME_LIMIT = 253


def is_public(host: str) -> bool:
    """Whether a public authority may certify a host: a DNS name of several labels that nobody has reserved.

    Args:
        host: as a URL has it; an address is none.
    """
    name = host.rstrip(".").lower()
    labels = name.split(".")
    if len(name) > _NAME_LIMIT or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        return False
    if labels[-1].isdigit():
        return False
    return not any(".".join(labels[start:]) in _RESERVED for start in range(len(labels)))


@rule(
    "True if external_url or registry_external_url is https on a public host, NGINX has a vhost to serve there "
    "and no certificate is there yet"
)
def letsencrypt_enable(view: View) -> bool:
    """On by itself, unless certificates have been brought; what an earlier run obtained is renewed."""
    origin = _certified(view)
    if origin is None or not is_public(origin.host) or not _served_with_tls(view):
        return False
    return _was_on(view) or not _certificate_present(view)


def _was_on(view: View) -> bool:
    """Whether the certificate that is there came this way: off, it would end without being renewed.

    The secrets file shows it; where that must not be written, what is kept beside the account.
    """
    return view.secrets.letsencrypt_auto_enabled or os.path.lexists(view.layout.path(RECORD))


def _certified(view: View) -> Origin | None:
    """Where the vhost would be, as far as that is known before Let's Encrypt is decided on."""
    registry = origin_of(view.given_value("registry_external_url"))
    if registry is not None:
        return registry if registry.https else None
    gitlab = origin_of(view.given_value("external_url"))
    decided = view.given_value("registry.enable") is not None or registry_elsewhere(view)
    return None if decided or gitlab is None or gitlab.path or not gitlab.https else gitlab


def _served_with_tls(view: View) -> bool:
    switches = ("nginx.enable", "registry.enable", "registry.nginx.enable")
    tls = ("registry.nginx.https", "registry.nginx.listen_https")
    return not certificate_given(view) and not any(
        view.given_value(name) is False for name in (*switches, *tls)
    )


def certificate_given(values: Values) -> bool:
    """Whether the settings name the vhost's certificate, which nothing ever replaces."""
    return any(map(values.given, ("registry.nginx.ssl_certificate", "registry.nginx.ssl_certificate_key")))


def _certificate_present(view: View) -> bool:
    origins = (origin_of(view.given_value(name)) for name in ("external_url", "registry_external_url"))
    hosts = sorted({origin.host for origin in origins if origin is not None})
    files = [Path(f"/etc/gitlab/ssl/{host}{end}") for host in hosts for end in (".crt", ".key")]
    return any(view.layout.path(file).exists() for file in files)


def obtains_certificate(values: Values) -> bool:
    """Whether the vhost's certificate comes from Let's Encrypt, whose challenges NGINX then answers."""
    served = serves_registry(values) and values["registry.nginx.https"]
    return bool(values["letsencrypt.enable"] and served and not certificate_given(values))


def renews_by(values: Values) -> str | None:
    """What renews certificates by itself: "runit" (a service of ctl) or "cron"; None for nothing."""
    by_itself = obtains_certificate(values) and values["letsencrypt.auto_renew"]
    scheduler: str | None = values["letsencrypt.auto_renew_scheduler"] if by_itself else None
    return scheduler


@rule("True if acme_staging_endpoint is given")
def staging_first(view: View) -> bool:
    """Who names an authority for trials asks for them."""
    return view.given_value("letsencrypt.acme_staging_endpoint") is not None


@rule('"prime256v1" while key_type is "ecdsa"')
def ec_curve(view: View) -> str | Unset:
    """The curve that every client of the last ten years knows."""
    return "prime256v1" if view["letsencrypt.key_type"] == "ecdsa" else UNSET
