"""What settings open to others: ports without TLS, addresses that can be forged, secrets that any account reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ctl.machine.trusted import open_to_all
from ctl.settings.checks.accounts import accounts
from ctl.settings.components import COMPONENTS
from ctl.settings.listener import is_loopback, is_wildcard
from ctl.settings.option import View
from ctl.settings.options import OPTIONS

ENV = "registry.env"
MIGHTY: Mapping[str, str] = {
    "root": "may read and change whatever root's group may",
    "shadow": "reads the machine's passwords",
    **dict.fromkeys(("disk", "docker", "lxd", "sudo", "wheel"), "can do whatever root can"),
}
"""Groups of Debian and others (base-passwd, users-and-groups) that no service should have, and why."""
_WIDE_4, _WIDE_6 = 8, 7
"""Prefixes shorter than those of private networks (RFC 1918, RFC 4193): more than any proxies of one's own."""


def groups_give_no_power(view: View) -> None:
    """A service that is broken into has the rights of its group."""
    for component, account in accounts(COMPONENTS, view):
        if account.group in MIGHTY and account.setting:
            section = account.setting.rpartition(".")[0]
            view.warning(
                f"{section}.group",
                f"is {account.group}: {component} {MIGHTY[account.group]}",
                "Leave it out, or name a group of its own.",
            )


def registry_is_behind_tls(view: View) -> None:
    """At registry_http_addr there is no TLS, and nothing of what the vhost checks."""
    name = "registry.registry_http_addr"
    address = view[name]
    if (
        not view["registry.enable"]
        or not is_wildcard(address)
        or "REGISTRY_HTTP_TLS_CERTIFICATE" in view[ENV]
    ):
        return
    port = address.rpartition(":")[2]
    view.warning(
        name,
        f"is {address}: every machine that reaches this one reaches the registry there, without TLS",
        f'Write "127.0.0.1:{port}", or the one address at which GitLab or another web server reaches it.',
    )


def status_page_is_private(view: View) -> None:
    """Numbers of connections are for this machine; the page's own `deny all` may be taken away."""
    name = "nginx.status.listen_addresses"
    if not view["nginx.enable"] or not view["nginx.status.enable"]:
        return
    everywhere = [one for one in view[name] if is_wildcard(one)]
    if everywhere:
        view.warning(
            name,
            f"is {everywhere[0]}: the status page listens on every address of this machine",
            'Write ["127.0.0.1"].',
        )


def debug_server_is_private(view: View) -> None:
    """'Access to the debug endpoint must be locked down': /debug/vars shows the headers of notifications."""
    for name, address in _debug_addresses(view):
        if not is_loopback(address):
            view.warning(
                name,
                "is reachable from other machines, and the debug server shows secrets such as the headers of "
                "notifications",
                'Write "localhost:5001".',
            )


def _debug_addresses(view: View) -> Iterator[tuple[str, str]]:
    own = view[ENV].get("REGISTRY_HTTP_DEBUG_ADDR")
    if own and str(own) != view["registry.debug_addr"]:
        yield ENV, str(own)
    if view["registry.debug_addr"]:
        yield "registry.debug_addr", view["registry.debug_addr"]


def addresses_cannot_be_forged(view: View) -> None:
    """Whoever is trusted says which address a client has: limits and logs then follow that word."""
    name = "registry.nginx.real_ip_trusted_addresses"
    everybody = [one for one in view[name] if _is_wide(one)] if view["registry.nginx.enable"] else []
    if everybody:
        view.warning(
            name,
            f"trusts {everybody[0]}: nearly every client can give itself any address, in logs and for limits",
            "Name the addresses of your proxies alone.",
        )


def _is_wide(network: str) -> bool:
    _, slash, prefix = network.partition("/")
    if not slash:
        return False
    if prefix.isdigit():
        return int(prefix) < (_WIDE_6 if ":" in network else _WIDE_4)
    return prefix.partition(".")[0] != "255"  # written as a mask: 0.0.0.0


def redis_asks_for_a_password(view: View) -> None:
    """Whoever reaches such a Redis changes what the registry believes to be in its storage."""
    redis: Mapping[str, Any] = view["registry.redis"] or {}
    blocks = (redis, *(one for one in redis.values() if isinstance(one, dict) and one.get("enabled")))
    for server in _open_servers(blocks):
        view.warning(
            "registry.redis",
            f"asks {server}, another machine, without a password: whoever reaches that Redis can change what is in it",
            'Give its password ("password"), and let Redis ask for one (requirepass).',
        )


def _open_servers(blocks: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    for block in blocks:
        servers = [*str(block.get("addr", "")).split(","), *block.get("addrs", ())]
        elsewhere = [one.strip() for one in servers if one.strip() and not is_loopback(one.strip())]
        if elsewhere and not block.get("password") and not block.get("tls", {}).get("certificate"):
            yield elsewhere[0]


def headers_travel_with_tls(view: View) -> None:
    """Notifications carry the secret by which their receiver knows the registry."""
    for endpoint in view["registry.notifications"] or ():
        url = urlsplit(str(endpoint.get("url", "")))
        if url.scheme == "http" and endpoint.get("headers") and not is_loopback(url.netloc):
            view.warning(
                "registry.notifications",
                f"{endpoint.get('name', url.netloc)}: its secret headers travel to {url.hostname} without TLS",
                'Write "https://" in its url.',
            )


def keys_are_private(view: View) -> None:
    """A private key that any account of the machine reads is nobody's."""
    for name, file in _key_files(view):
        mode = open_to_all(Path(file))
        if mode:
            view.warning(
                name,
                f"{file} is secret, and every account of this machine may read it (mode {mode})",
                f"chmod o= {file}",
            )


def _key_files(view: View) -> Iterator[tuple[str, str]]:
    """Files with keys that the settings name, and the settings that do."""
    vhost = "registry.nginx"
    if view[f"{vhost}.enable"] and view[f"{vhost}.https"]:
        yield f"{vhost}.ssl_certificate_key", view[f"{vhost}.ssl_certificate_key"]
        if view[f"{vhost}.ssl_password_file"]:
            yield f"{vhost}.ssl_password_file", view[f"{vhost}.ssl_password_file"]
    if not view["registry.enable"]:
        return
    if keyfile := view["registry.storage"].get("gcs", {}).get("keyfile"):
        yield "registry.storage", keyfile
    if key := ((view["registry.redis"] or {}).get("tls") or {}).get("key"):
        yield "registry.redis", key
    for one in (view["registry.middleware"] or {}).get("storage", ()):
        if key := one.get("options", {}).get("privatekey"):
            yield "registry.middleware", key


def settings_are_private(view: View) -> None:
    """Secrets that are written in a settings file are as private as the file."""
    reported: set[Path] = set()
    for name, option in OPTIONS.items():
        place = view.location(name) if option.secret and view.given(name) else None
        if place is None or place.file in reported:
            continue
        reported.add(place.file)
        mode = open_to_all(place.file)
        if mode:
            what = f"is secret, and every account of this machine may read {place.file} (mode {mode})"
            view.warning(name, what, f"chmod 600 {place.file}")
