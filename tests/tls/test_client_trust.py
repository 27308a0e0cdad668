"""The note names the folders in which the tools look."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.tls.client_trust import registry_name, trust_note


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("registry.example.com", 5050, "registry.example.com:5050"),
        ("Registry.example.com", 443, "registry.example.com"),
        ("::1", 5050, "[::1]:5050"),
        ("[::1]", 443, "[::1]"),
    ],
)
def test_name_as_in_image_names(host: str, port: int, name: str) -> None:
    assert registry_name(host, port) == name


def test_the_note() -> None:
    note = trust_note("registry.example.com", 5050, Path("/etc/gitlab/ssl/ca.crt"))
    assert "/etc/gitlab/ssl/ca.crt" in note
    assert "/etc/docker/certs.d/registry.example.com:5050/ca.crt" in note
    assert "update-ca-certificates" in note
