"""What listens where: NGINX's servers, the registry and its debug server on one machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from ctl.settings.component import Component, running
from ctl.settings.components import COMPONENTS
from ctl.settings.listener import Listener
from ctl.settings.option import View
from ctl.settings.values import Values


def clashes(components: Iterable[Component], values: Values) -> Iterator[tuple[Listener, Listener, str]]:
    """Listeners of components that run and cannot both be had, and why."""
    listeners = [one for component in running(components, values) for one in component.listeners(values)]
    for one, other in combinations(listeners, 2):
        problem = one.clash(other)
        if problem:
            yield one, other, problem


def listeners_do_not_clash(view: View) -> None:
    """Nothing takes what another takes."""
    reported: set[tuple[str, str]] = set()
    for one, other, problem in clashes(COMPONENTS, view):
        if (one.setting, other.setting) not in reported:
            reported.add((one.setting, other.setting))
            first, second = other.setting, one.setting
            if view.location(first) is None:
                first, second = second, first
            view.error(first, problem, f"Change it, or {second}.")


def servers_listen(view: View) -> None:
    """NGINX takes port 80 for a server without an address (listen, ngx_http_core_module)."""
    for server in ("registry.nginx", "nginx.status"):
        setting = f"{server}.listen_addresses"
        if view[f"{server}.enable"] and view[setting] == []:
            view.error(
                setting,
                "is empty: NGINX would listen on port 80",
                f"Name an address, or write {server}.enable = False.",
            )


def vhost_has_a_host(view: View) -> None:
    """A vhost is made for the host of registry_external_url, by the NGINX of this machine."""
    if not view.given_value("registry.nginx.enable") or not view["registry.enable"]:
        return
    if view["registry_external_url"] is None:
        view.error(
            "registry.nginx.enable",
            "is True, but registry_external_url, which names the vhost's host, is missing",
        )
    if view.given_value("nginx.enable") is False:
        view.error(
            "registry.nginx.enable", "is True, but nginx.enable is False: nothing would serve the vhost"
        )


def redirect_has_an_effect(view: View) -> None:
    """A redirect from http to http would never end, and is left out."""
    name = "registry.nginx.redirect_http_to_https"
    if view.given_value(name) and view["registry.nginx.enable"] and not view[name]:
        view.warning(
            name,
            "has no effect: registry_external_url is http, so there is no https to lead to",
            "Leave it out, or give registry_external_url https://.",
        )


def key_has_its_certificate(view: View) -> None:
    """A key of one's own never belongs to a certificate that is made here."""
    vhost = "registry.nginx"
    if (
        view.given_value(f"{vhost}.ssl_certificate_key") is not None
        and view.given_value(f"{vhost}.ssl_certificate") is None
    ):
        view.error(
            f"{vhost}.ssl_certificate_key",
            "is given without ssl_certificate",
            'Give registry["nginx"]["ssl_certificate"] too.',
        )


def client_certificates_can_be_checked(view: View) -> None:
    """NGINX refuses ssl_verify_client without authorities."""
    wanted = view["registry.nginx.ssl_verify_client"] in ("on", "optional")
    if wanted and view["registry.nginx.ssl_client_certificate"] is None:
        view.error(
            "registry.nginx.ssl_verify_client",
            "needs ssl_client_certificate, the authorities of client certificates",
            'Give registry["nginx"]["ssl_client_certificate"].',
        )
