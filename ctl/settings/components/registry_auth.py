"""The token issuer of a registry that has no GitLab."""

from __future__ import annotations

from collections.abc import Iterator

from ctl.machine.health import HttpCheck
from ctl.machine.http import HEALTH_PATH
from ctl.settings.component import Component, account_settings
from ctl.settings.listener import Listener
from ctl.settings.rules.token_issuer import issuer_through_socket
from ctl.settings.rules.vhost import socket_link
from ctl.settings.values import Values


def listeners(values: Values) -> Iterator[Listener]:
    """A socket that NGINX knows, or its address where there is no NGINX."""
    if issuer_through_socket(values):
        link = f"unix:{socket_link(values, 'registry_auth')}"
        yield Listener.at(link, "the token issuer", "registry_auth.socket_directory")
    else:
        yield Listener.at(
            values["registry_auth.listen_addr"], "the token issuer", "registry_auth.listen_addr"
        )


def checks(values: Values) -> Iterator[HttpCheck]:
    """It reports that it is well."""
    (listener,) = listeners(values)
    yield HttpCheck(str(listener), HEALTH_PATH, "localhost", (200,))


ISSUER = Component(
    "registry-auth",
    what="the token issuer",
    switch="registry_auth.enable",
    account=account_settings("registry_auth", home="registry_auth.dir"),
    listeners=listeners,
    health=checks,
    health_seconds=10,
    log="registry_auth.log_directory",
    logging="registry_auth",
    recipe="registry_auth",
    signals={"INT": "ends, as with TERM", "TERM": "finishes its requests and ends"},
    starter={
        "Who signs in, where there is no GitLab": (
            "registry_auth.enable",
            "registry_auth.token_expire_delay",
        ),
    },
)
