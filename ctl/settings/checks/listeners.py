"""What listens where: NGINX's servers, the registry and its debug server on one machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from ctl.settings.rules.letsencrypt import answers_challenges
from ctl.settings.rules.urls import registry_origin
from ctl.settings.view import View

_ALL = {"*": "4", "0.0.0.0": "4", "[::]": "6"}  # noqa: S104 - compared with, not listened on
_LOOPBACK = ("localhost", "127.", "[::1]")


@dataclass(frozen=True, eq=False, repr=False)
class Listener:
    """One address and port that a program takes.

    Args:
        what: the program or server, for errors.
        setting: the setting to change.
        address: as ListenAddress or Address has it.
        port: its port.
        tls: whether it speaks TLS; None for a program that is not NGINX.
        name: server name; "" for a program that is not NGINX.
    """

    what: str
    setting: str
    address: str
    port: int
    tls: bool | None = None
    name: str = ""

    @property
    def is_nginx(self) -> bool:
        """Whether NGINX can share this address between servers."""
        return self.tls is not None

    def overlaps(self, other: Listener) -> bool:
        """Whether both take the same address."""
        if self.port != other.port:
            return False
        mine, others = _families(self.address), _families(other.address)
        wild = _ALL.keys() & {self.address, other.address}
        return bool(mine & others) if wild else self.address == other.address or _both_local(self, other)


def _families(address: str) -> set[str]:
    if address in _ALL:
        return {_ALL[address]}
    if address.startswith("["):
        return {"6"}
    return {"4"} if address[:1].isdigit() else {"4", "6"}


def _both_local(one: Listener, other: Listener) -> bool:
    addresses = {one.address, other.address}
    return "localhost" in addresses and addresses <= {"localhost", "127.0.0.1", "[::1]"}


def nginx_listeners(view: View) -> Iterator[Listener]:
    """The servers of NGINX, with each of their addresses."""
    if not view["nginx.enable"]:
        return
    vhost = "registry.nginx"
    if view[f"{vhost}.enable"]:
        origin = registry_origin(view)
        host = origin.host if origin else ""
        for address in view[f"{vhost}.listen_addresses"]:
            port, https = view[f"{vhost}.listen_port"], view[f"{vhost}.https"]
            setting = f"{vhost}.listen_port"
            if view.said(setting) is None:
                setting = "registry_external_url"
            if port is not None:
                yield Listener("the registry's vhost", setting, address, port, https, host)
            redirect = view[f"{vhost}.redirect_http_to_https"]
            if redirect or answers_challenges(view):
                setting = f"{vhost}.redirect_http_to_https_port"
                what = "the redirect to https" if redirect else "the server for challenges of Let's Encrypt"
                yield Listener(what, setting, address, view[setting], tls=False, name=host)
    if view["nginx.status.enable"]:
        for address in view["nginx.status.listen_addresses"]:
            port, name = view["nginx.status.port"], view["nginx.status.fqdn"]
            yield Listener("the status page", "nginx.status.port", address, port, tls=False, name=name)


def registry_listeners(view: View) -> Iterator[Listener]:
    """The registry, its debug server and its token issuer."""
    if not view["registry.enable"]:
        return
    for setting, what in (
        ("registry.registry_http_addr", "the registry"),
        ("registry.debug_addr", "the registry's debug server"),
    ):
        if view[setting]:
            address, _, port = view[setting].rpartition(":")
            yield Listener(what, setting, address, int(port))
    if view["registry_auth.enable"]:
        setting = "registry_auth.listen_addr"
        address, _, port = view[setting].rpartition(":")
        yield Listener("the token issuer", setting, address, int(port))


def listeners_do_not_clash(view: View) -> None:
    """Nothing takes what another takes."""
    said: set[tuple[str, str]] = set()
    for one, other in combinations([*registry_listeners(view), *nginx_listeners(view)], 2):
        problem = _problem(one, other)
        if problem and (one.setting, other.setting) not in said:
            said.add((one.setting, other.setting))
            first, second = other.setting, one.setting
            if view.location(first) is None:
                first, second = second, first
            view.error(first, problem, f"Change it, or {second}.")


def _problem(one: Listener, other: Listener) -> str:
    if not one.overlaps(other):
        return ""
    if one.what == other.what:
        return f"{one.what} listens on {one.address} twice" if one.address == other.address else ""
    where = f"{other.what} and {one.what} both listen on port {one.port}"
    if not (one.is_nginx and other.is_nginx):
        return f"{where}, and only one can"
    if one.tls != other.tls:
        return f"{where}, one with TLS and one without"
    return f"{where} under the name {one.name}" if one.name == other.name else ""


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
    if not view.said("registry.nginx.enable") or not view["registry.enable"]:
        return
    if view["registry_external_url"] is None:
        view.error(
            "registry.nginx.enable",
            "is True, but registry_external_url, which names the vhost's host, is missing",
        )
    if view.said("nginx.enable") is False:
        view.error(
            "registry.nginx.enable", "is True, but nginx.enable is False: nothing would serve the vhost"
        )


def redirect_leads_to_https(view: View) -> None:
    """A redirect from http to http would never end."""
    if view.said("registry.nginx.redirect_http_to_https") and view["registry.nginx.enable"]:
        origin = registry_origin(view)
        if origin is not None and not origin.https:
            view.error(
                "registry.nginx.redirect_http_to_https",
                "is True, but registry_external_url is http: there is no https to lead to",
            )


def key_has_its_certificate(view: View) -> None:
    """A key of one's own never belongs to a certificate that is made here."""
    vhost = "registry.nginx"
    if (
        view.said(f"{vhost}.ssl_certificate_key") is not None
        and view.said(f"{vhost}.ssl_certificate") is None
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


def debug_server_is_private(view: View) -> None:
    """'Access to the debug endpoint must be locked down': /debug/vars shows the headers of notifications."""
    address = view["registry.debug_addr"]
    if address and not address.startswith(_LOOPBACK):
        view.warning(
            "registry.debug_addr",
            "is reachable from other machines, and the debug server shows secrets such as the headers of "
            "notifications",
            'Write "localhost:5001".',
        )


CHECKS = (
    listeners_do_not_clash,
    servers_listen,
    vhost_has_a_host,
    redirect_leads_to_https,
    key_has_its_certificate,
    client_certificates_can_be_checked,
    debug_server_is_private,
)
