"""Where the registry's Redis is, as each program reads its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ctl.registry.config import RegistryConfig
from ctl.registry.programs import Distribution2, Distribution3, GitlabRegistry, RegistryProgram
from ctl.registry.redis import RedisServer, redis_server

NOBODY = ("", "")


def server(section: dict[str, Any], kind: type[RegistryProgram], **environment: str) -> RedisServer | None:
    return redis_server(
        RegistryConfig(Path("/config.yml"), {"redis": section}, environment), kind(Path("/registry"), "1")
    )


def test_each_program_has_its_own_parameters() -> None:
    both = {"addr": "one:1", "addrs": ["two:2", "three:3"], "username": "me", "password": "p", "db": 4}
    assert server(both, Distribution2) == RedisServer(("one:1",), "", 4, ("", "p"), NOBODY, None)
    listed = RedisServer(("two:2", "three:3"), "", 4, ("me", "p"), NOBODY, None)
    assert server(both, Distribution3) == server(both, RegistryProgram) == listed
    assert server(both, GitlabRegistry) == RedisServer(("one:1",), "", 4, ("me", "p"), NOBODY, None)
    assert server({"addr": "one:1"}, Distribution3) is None
    assert server({"addrs": ["two:2"]}, Distribution2) is None


def test_sentinels_of_gitlabs_registry() -> None:
    section = {"addr": "a:1, b:2", "mainname": "images", "sentinelpassword": "s", "password": "p"}
    assert server(section, GitlabRegistry) == RedisServer(
        ("a:1", "b:2"), "images", 0, ("", "p"), ("", "s"), None
    )


@pytest.mark.parametrize(
    ("tls", "used"),
    [
        ({"enabled": True, "insecure": True}, True),
        ({"enabled": False}, False),
        ({"rootcas": ["/ca.pem"]}, True),
        ({"certificate": "", "rootcas": []}, False),
    ],
)
def test_tls_is_used_where_the_program_uses_it(tls: dict[str, Any], used: bool) -> None:
    found = server({"addr": "a:1", "addrs": ["a:1"], "tls": tls}, GitlabRegistry)
    assert found is not None
    assert (found.tls is not None) is used
    without = server({"addr": "a:1", "tls": tls}, Distribution2)
    assert without is not None
    assert without.tls is None, "Distribution 2 knows no TLS there"


def test_variables_win() -> None:
    found = server(
        {"addrs": ["a:1"], "password": "in the file"},
        Distribution3,
        REGISTRY_REDIS_ADDRS="[b:2]",
        REGISTRY_REDIS_PASSWORD="0123",
        REGISTRY_REDIS_DB="7",
        REGISTRY_LOG_LEVEL="debug",
    )
    assert found == RedisServer(("b:2",), "", 7, ("", "0123"), NOBODY, None)


def test_nobody_sees_the_password() -> None:
    found = server({"addr": "a:1", "password": "hidden"}, GitlabRegistry)
    assert "hidden" not in repr(found) + str(found)
