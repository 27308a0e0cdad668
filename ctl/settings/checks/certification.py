"""Let's Encrypt: whether what was asked for can be had."""

from __future__ import annotations

from urllib.parse import urlsplit

from ctl.settings.option import View
from ctl.settings.rules.letsencrypt import LETSENCRYPT_HOST, certificate_given, is_public, obtains_certificate
from ctl.settings.rules.urls import registry_origin
from ctl.settings.types.addresses import is_ip

ENABLE = "letsencrypt.enable"
ALT_NAMES = "letsencrypt.alt_names"


def letsencrypt_has_an_effect(view: View) -> None:
    """Asked for, but nothing here needs a certificate."""
    if not view.given_value(ENABLE) or obtains_certificate(view):
        return
    if certificate_given(view):
        view.warning(
            ENABLE,
            "has no effect: the settings name a certificate of your own, which is not replaced",
            'Leave out registry["nginx"]["ssl_certificate"] and its key, or letsencrypt["enable"].',
        )
    else:
        view.warning(ENABLE, "has no effect: NGINX serves no registry with TLS here")


def letsencrypt_knows_the_host(view: View) -> None:
    """Let's Encrypt refuses names that are not public; an authority of one's own need not."""
    origin, endpoint = registry_origin(view), urlsplit(view["letsencrypt.acme_production_endpoint"])
    if not obtains_certificate(view) or origin is None:
        return
    if not (endpoint.hostname or "").endswith(LETSENCRYPT_HOST) or is_public(origin.host):
        return
    view.warning(
        ENABLE,
        f"is True, but Let's Encrypt issues no certificate for {origin.host}: that is no public name",
        "Leave it out, and the local CA issues one; or name an authority of your own in "
        'letsencrypt["acme_production_endpoint"].',
    )


def alt_names_can_be_validated(view: View) -> None:
    """A file on a web server (HTTP-01, RFC 8555, 8.3) proves single names, no wildcards; addresses are not asked."""
    for name in view.given_value(ALT_NAMES) or ():
        if name.startswith("*."):
            view.error(
                ALT_NAMES,
                f"{name}: a wildcard cannot be validated through a web server",
                'Name each host; or get that certificate otherwise, and name it in registry["nginx"].',
            )
        elif is_ip(name):
            view.error(ALT_NAMES, f"{name} is an address: only names are certified")
