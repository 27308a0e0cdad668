"""Whose address counts: NGINX's word only where NGINX is on this machine."""

from __future__ import annotations

import pytest

from ctl.auth.app import client_address


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("127.0.0.1", {"x-real-ip": "192.0.2.7"}, "192.0.2.7"),
        ("::1", {"x-real-ip": "2001:db8::7"}, "2001:db8::7"),
        ("127.0.0.1", {"x-real-ip": "192.0.2.7", "x-forwarded-for": "192.0.2.8"}, "192.0.2.7"),
        # what a client claims comes first; the proxy puts what it sees behind it
        ("127.0.0.1", {"x-forwarded-for": "10.0.0.1, 192.0.2.8"}, "192.0.2.8"),
        ("127.0.0.1", {}, "127.0.0.1"),
        ("127.0.0.1", {"x-real-ip": "unix:"}, "127.0.0.1"),
        ("127.0.0.1", {"x-real-ip": "x\ny", "x-forwarded-for": "z"}, "127.0.0.1"),
        ("192.0.2.9", {"x-real-ip": "192.0.2.7", "x-forwarded-for": "192.0.2.8"}, "192.0.2.9"),
        ("", {"x-real-ip": "192.0.2.7"}, ""),
        (None, {"x-real-ip": "192.0.2.7"}, "192.0.2.7"),
        (None, {}, "unix:"),
    ],
)
def test_address(peer: str | None, headers: dict[str, str], address: str) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    client = None if peer is None else (peer, 1)
    assert client_address({"client": client, "headers": raw}) == address
