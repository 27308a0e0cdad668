"""NGINX: the server, the registry's vhost, what it listens on and what it passes to the registry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ctl.settings.option import UNSET, Unset, View, rule
from ctl.settings.rules.urls import HTTPS, Origin, is_automatic, origin_of, registry_origin
from ctl.settings.values import Values

STATUS_OPTIONS = {"server_tokens": "off", "access_log": "off", "allow": "127.0.0.1", "deny": "all"}
_HOW_IT_LISTENS = tuple(f"REGISTRY_HTTP_{name}" for name in ("ADDR", "NET", "TLS", "DEBUG_ADDR"))
REFUSED_LOGS = "refused"
"""The folder of the logs of refused requests, beside the vhost's others."""


@rule('True where a vhost needs it (registry["nginx"]["enable"])')
def nginx_enable(view: View) -> bool:
    """The server runs for the sake of its vhosts."""
    return bool(view["registry.nginx.enable"])


@rule("True where the registry is enabled and has a registry_external_url")
def vhost_enable(view: View) -> bool:
    """A vhost needs a host; and a server, which may be switched off."""
    switched_off = view.given_value("nginx.enable") is False
    return bool(view["registry.enable"]) and registry_origin(view) is not None and not switched_off


@rule("port of registry_external_url, else 443 for https and 80 for http")
def listen_port(view: View) -> int | None:
    """The port that users connect to."""
    origin = registry_origin(view)
    return origin.effective_port if origin else None


@rule("whether the scheme of registry_external_url is https")
def https(view: View) -> bool:
    """https listens with TLS, http without."""
    origin = registry_origin(view)
    return origin is not None and origin.https


def serves_registry(values: Values) -> bool:
    """Whether NGINX has a vhost for the registry."""
    return bool(values["nginx.enable"] and values["registry.enable"] and values["registry.nginx.enable"])


def through_socket(values: Values) -> bool:
    """Whether the registry listens on a Unix socket, and NGINX at its address: then a restart fails no request.

    Not where the administrator's environment says how the registry listens (TLS of its own, say).
    """
    own_words = any(name.startswith(_HOW_IT_LISTENS) for name in values["registry.env"])
    return serves_registry(values) and not own_words


def socket_link(values: Values, section: str = "registry") -> str:
    """The link to the socket of the process that serves, of the section of its settings."""
    return f"{values[f'{section}.socket_directory']}/current.sock"


def vhost_of_registry(view: View, value: bool) -> bool:
    """A registry that is switched off takes its vhost with it."""
    return value and bool(view["registry.enable"])


def listener_https(view: View, value: bool) -> bool:
    """listen_https overrides https on the listener."""
    overriding: bool | None = view["registry.nginx.listen_https"]
    return value if overriding is None else overriding


def redirect_leads_to_https(view: View, value: bool) -> bool:
    """A redirect from http to http would never end: it is left out, as the Linux package does."""
    origin = registry_origin(view)
    return value and (origin is None or origin.https)


@rule("True while Let's Encrypt is on, except for the registry that it brings by itself")
def redirect_http_to_https(view: View) -> bool:
    """Let's Encrypt needs port 80 anyway."""
    on = view["letsencrypt.enable"] and view["registry.nginx.https"] and view["registry.nginx.enable"]
    return bool(on) and not is_automatic(view)


@rule('"proxy_protocol" while proxy_protocol is on')
def real_ip_header(view: View) -> str | Unset:
    """Behind the PROXY protocol the client's address comes with it."""
    return "proxy_protocol" if view["registry.nginx.proxy_protocol"] else UNSET


def proxy_set_headers(view: View, given: Mapping[str, Any]) -> dict[str, str]:
    """The headers to the registry: the defaults, those given over them, without those given as None."""
    headers = _default_headers(view)
    names = {name.lower(): name for name in headers}
    for name, value in given.items():
        headers.pop(names.get(name.lower(), name), None)
        if value is not None:
            headers[name] = value
    return headers


def _default_headers(view: View) -> dict[str, str]:
    by_proxy = view["registry.nginx.proxy_protocol"]
    origin = registry_origin(view)
    https = view["registry.nginx.https"] or (origin is not None and origin.https)
    return {
        **_named_host(view, origin),
        "X-Real-IP": "$proxy_protocol_addr" if by_proxy else "$remote_addr",
        "X-Forwarded-For": "$proxy_protocol_addr" if by_proxy else "$proxy_add_x_forwarded_for",
        "X-Forwarded-Proto": "https" if https else "http",
        **({"X-Forwarded-Ssl": "on"} if https else {}),
    }


def _named_host(view: View, origin: Origin | None) -> dict[str, str]:
    """Of what the registry makes its Location (registry/api/v2/urls.go in Distribution).

    A proxy that ends TLS may send any Host; then it is that of registry_external_url.
    """
    if origin is None or view["registry.nginx.https"] or not origin.https:
        return {"Host": "$http_host"}
    port = "" if origin.effective_port == HTTPS else f":{origin.port}"
    return {"Host": f"{origin.display_host}{port}", "X-Forwarded-Host": "", "Forwarded": ""}


def status_options(_view: View, given: Mapping[str, Any]) -> dict[str, str]:
    """Directives of the status page: the defaults, those given over them, without those given as None.

    gitlab.rb's example holds stub_status too; the page has it anyway.
    """
    merged = {**STATUS_OPTIONS, **given}
    return {name: value for name, value in merged.items() if value is not None and name != "stub_status"}


@rule("the number of CPUs")
def worker_processes(_view: View) -> int:
    """One worker a CPU."""
    return os.cpu_count() or 1


@rule("a minute that follows from the host name, so that not all nodes come at once")
def renewal_minute(view: View) -> str | Unset:
    """Stable for a site."""
    from zlib import crc32

    origin = registry_origin(view) or origin_of(view["external_url"])
    return str(crc32(origin.host.encode()) % 60) if origin else UNSET


def as_number(_view: View, value: str | int) -> int:
    """A number that was chosen among words."""
    return int(value)
