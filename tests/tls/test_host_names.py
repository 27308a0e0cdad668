"""A certificate names localhost only where the host is this machine."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import psutil
import pytest

from ctl.tls import host_names as names


@pytest.fixture(autouse=True)
def _known_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine node7 (node7.example.com behind a gateway) whose resolver knows two names."""
    entries = {"here.example.com": "192.0.2.7", "registry.example.com": "198.51.100.1", "alias": "127.0.1.1"}

    def resolve(host: str, _port: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if host not in entries:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, 1, 6, "", (entries[host], 0))]

    address = SimpleNamespace(family=socket.AF_INET, address="192.0.2.7")
    monkeypatch.setattr(socket, "gethostname", lambda: "node7")
    monkeypatch.setattr(socket, "getfqdn", lambda: "node7.example.com")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": [address]})


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "node7", "NODE7", "node7.example.com", "here.example.com", "alias",
     "192.0.2.7", "127.0.0.5", "::1", "[::1]"],
)  # fmt: skip
def test_this_machine_by_name_or_address(host: str) -> None:
    assert names.is_this_machine(host)


@pytest.mark.parametrize("host", ["registry.example.com", "nowhere.example.com", "192.0.2.8", "2001:db8::1"])
def test_other_machines(host: str) -> None:
    assert not names.is_this_machine(host)


def test_localhost_is_named_for_this_machine_only() -> None:
    assert names.certificate_names("here.example.com") == (
        "here.example.com",
        "localhost",
        "127.0.0.1",
        "::1",
    )
    assert names.certificate_names("registry.example.com") == ("registry.example.com",)
    assert names.certificate_names("localhost") == ("localhost", "127.0.0.1", "::1")
    assert names.certificate_names("Bücher.example") == ("xn--bcher-kva.example",)


def test_a_dead_name_server_does_not_hold_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_DNS_PATIENCE", 0.05)
    over, ended = threading.Event(), list[bool]()

    def resolve(*_: object) -> list[str]:
        ended.append(over.wait(30))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "getfqdn", lambda: "".join(resolve()))
    assert not names.is_this_machine("registry.example.com")
    assert not ended
    over.set()
