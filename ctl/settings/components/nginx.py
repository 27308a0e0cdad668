"""NGINX: the registry's vhost, the redirect to it, and the status page."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.settings.component import Component, account_settings
from ctl.settings.listener import Listener
from ctl.settings.rules.letsencrypt import obtains_certificate
from ctl.settings.rules.urls import origin_of
from ctl.settings.rules.vhost import serves_registry, through_socket
from ctl.settings.values import Values

STATUS_MODULES = ("http_stub_status_module", "http_access_module")
"""Modules without which there is no status page: the second shows it to nobody else."""


def listeners(values: Values) -> Iterator[Listener]:
    """Each of its servers with each of their addresses."""
    if through_socket(values):
        address = "registry.registry_http_addr"
        yield Listener.at(values[address], "the registry", address)
    if serves_registry(values):
        yield from _vhost(values)
    if values["nginx.status.enable"]:
        port, name = values["nginx.status.port"], values["nginx.status.fqdn"]
        for address in values["nginx.status.listen_addresses"]:
            yield Listener("the status page", "nginx.status.port", address, port, False, name, STATUS_MODULES)


def _vhost(values: Values) -> Iterator[Listener]:
    origin = origin_of(values["registry_external_url"])
    host = origin.host if origin else ""
    port, https = values["registry.nginx.listen_port"], values["registry.nginx.https"]
    setting = "registry.nginx.listen_port"
    if not values.given(setting):
        setting = "registry_external_url"
    redirect = values["registry.nginx.redirect_http_to_https"]
    plain = "registry.nginx.redirect_http_to_https_port"
    what = "the redirect to https" if redirect else "the server for challenges of Let's Encrypt"
    for address in values["registry.nginx.listen_addresses"]:
        if port is not None:
            yield Listener("the registry's vhost", setting, address, port, https, host)
        if redirect or obtains_certificate(values):
            yield Listener(what, plain, address, values[plain], tls=False, name=host)


NGINX = Component(
    "nginx",
    what="NGINX",
    switch="nginx.enable",
    account=account_settings("web_server", home="web_server.home"),
    listeners=listeners,
    log="nginx.log_directory",
    logging="nginx",
    writes_logs=True,
    programs=("nginx",),
    hands_over=True,
    signals={
        "HUP": "reads its configuration anew",
        "INT": "ends at once, as with TERM",
        "QUIT": "finishes its requests and ends",
        "TERM": "ends at once",
        "USR1": "opens its logs anew",
    },
)
