"""Which names a local server certificate carries: the host, and localhost where the host is this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import TypeVar

from ctl.tls.certificates import ip_literal, normal_host

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_DNS_PATIENCE = 2.0
"""Seconds. Where no name server answers, the first run must not wait for the resolver's own 10 or more."""
T = TypeVar("T")


def certificate_names(host: str, *, local: bool | None = None) -> tuple[str, ...]:
    """The names for a host's certificate, the host first.

    Args:
        host: DNS name or IP literal.
        local: whether the host is this machine; None finds out.
    """
    name = normal_host(host)
    here = is_this_machine(name) if local is None else local
    return tuple(dict.fromkeys((name, *LOCAL_NAMES))) if here else (name,)


def is_this_machine(host: str) -> bool:
    """Whether a host is the machine that we run on: its name, full name, or an address of an interface."""
    name = normal_host(host)
    if name == "localhost" or name.endswith(".localhost") or name == socket.gethostname().lower():
        return True
    found = {name} if ip_literal(name) else addresses(name)
    if any(ipaddress.ip_address(a).is_loopback for a in found) or found & _own_addresses():
        return True
    # Behind a gateway that translates addresses the name leads elsewhere, and yet it is ours.
    return not ip_literal(name) and name == _within(_DNS_PATIENCE, socket.getfqdn, "").lower()


def addresses(host: str) -> set[str]:
    """Where a name leads, seen from here; nothing where it leads nowhere, or no name server answers."""
    return _within(_DNS_PATIENCE, lambda: _resolve(host), set[str]())


def _resolve(name: str) -> set[str]:
    try:
        return {_bare(str(entry[4][0])) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return set()  # a name that nobody knows is not this machine's


def _own_addresses() -> set[str]:
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    interfaces = psutil.net_if_addrs().values()
    return {_bare(a.address) for entries in interfaces for a in entries if a.family in families}


def _bare(address: str) -> str:
    """An address without its zone ("fe80::1%eth0"), in its shortest form."""
    return str(ipaddress.ip_address(address.partition("%")[0]))


def _within(seconds: float, function: Callable[[], T], otherwise: T) -> T:
    """What a function returns, or `otherwise` when it takes longer (its thread then goes on alone)."""
    from threading import Thread

    results: list[T] = []
    thread = Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else otherwise
