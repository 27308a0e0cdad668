"""The same settings in the words of each registry program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ctl.distribution import distribution
from ctl.registry.programs import Distribution2, Distribution3, GitlabRegistry, RegistryProgram
from ctl.settings.attributes import Attributes, Section


def program(kind: type[RegistryProgram]) -> RegistryProgram:
    return kind(Path("/usr/bin/registry"), "1")


THREE = program(Distribution3)
OTHERS = [program(kind) for kind in (Distribution2, GitlabRegistry, RegistryProgram)]


def written(program: RegistryProgram, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
    empty = dict.fromkeys(("database", "gc", "redis", "reporting", "middleware"))
    registry = Section({"storage": {"inmemory": {}}, **empty, **settings})
    return program.sections(Attributes({"registry": registry}, origins={}).registry)


@pytest.mark.parametrize("registry", OTHERS)
def test_others_get_what_was_given(registry: RegistryProgram) -> None:
    given = {
        "storage": {"s3": {"bucket": "b", "regionendpoint": "http://minio:9000", "pathstyle": True}},
        "redis": {"addr": "127.0.0.1:6379", "pool": {"maxidle": 1}},
    }
    assert written(registry, **given) == given
    assert registry.key_set("/folder") is None
    assert registry.takes_schema1


@pytest.mark.parametrize("registry", OTHERS)
def test_others_get_addresses_in_one_text(registry: RegistryProgram) -> None:
    given = {"addrs": ["a:1", "b:2"], "db": 1}
    assert written(registry, redis=given)["redis"] == {"addr": "a:1,b:2", "db": 1}


def test_distribution_3_gets_a_key_set_and_no_schema1() -> None:
    assert str(THREE.key_set("/folder")) == "/folder/token-keys.json"
    assert not THREE.takes_schema1


@pytest.mark.parametrize("registry", [THREE, *OTHERS])
def test_validation_is_on_where_it_is_wanted(registry: RegistryProgram) -> None:
    assert registry.validation(enabled=True) == {"disabled": False}
    every_url = {"disabled": False, "manifests": {"urls": {"allow": [".*"]}}}
    wanted = every_url if registry is THREE else {"disabled": True}
    assert registry.validation(enabled=False) == wanted


@pytest.mark.parametrize("registry", [THREE, *OTHERS])
@pytest.mark.parametrize(
    ("given", "wanted"),
    [("false", False), ("true", True), (False, False), (True, True), ("prefer", "prefer")],
)
def test_the_switch_of_the_database_is_a_boolean(
    registry: RegistryProgram, given: object, wanted: object
) -> None:
    """GitLab's registry refuses the text "false"."""
    found = written(registry, database={"enabled": given, "host": "db"})["database"]
    assert (found["enabled"], found["host"]) == (wanted, "db")
    assert type(found["enabled"]) is type(wanted)


def test_sections_that_nobody_set_are_not_written() -> None:
    assert written(THREE) == {"storage": {"inmemory": {}}}


@pytest.mark.parametrize(
    ("given", "style"),
    [
        ({}, None),
        ({"regionendpoint": "http://minio:9000"}, True),
        ({"regionendpoint": "http://minio:9000", "pathstyle": False}, None),
        ({"regionendpoint": "http://minio:9000", "forcepathstyle": False}, False),
        ({"pathstyle": True}, True),
        ({"pathstyle": False, "forcepathstyle": True}, True),
    ],
)
def test_style_of_paths(given: dict[str, Any], style: bool | None) -> None:
    found = written(THREE, storage={"s3": {"bucket": "b", **given}, "delete": {"enabled": True}})["storage"]
    assert found["s3"].get("forcepathstyle") is style
    assert "pathstyle" not in found["s3"]
    assert found["delete"] == {"enabled": True}


@pytest.mark.parametrize(
    ("given", "access"),
    [
        ({"accountkey": "aw=="}, {"accountkey": "aw==", "credentials": {"type": "shared_key"}}),
        ({}, {}),
        ({"credentialstype": "default_credentials"}, {"credentials": {"type": "default_credentials"}}),
        (
            {"credentialstype": "client_secret", "tenantid": "t", "clientid": "c", "secret": "s"},
            {"credentials": {"type": "client_secret", "tenantid": "t", "clientid": "c", "secret": "s"}},
        ),
        ({"credentials": {"type": "shared_key"}}, {"credentials": {"type": "shared_key"}}),
    ],
)
def test_access_to_azure(given: dict[str, Any], access: dict[str, Any]) -> None:
    beside = {"accountname": "a", "container": "c"}
    assert written(THREE, storage={"azure": beside | given})["storage"] == {"azure": beside | access}
    for registry in OTHERS:
        assert written(registry, storage={"azure": beside | given})["storage"] == {"azure": beside | given}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"addr": "127.0.0.1:6379", "db": 1}, {"addrs": ["127.0.0.1:6379"], "db": 1}),
        ({"addrs": ["a:1", "b:2"]}, {"addrs": ["a:1", "b:2"]}),
        (
            {"addr": "a:1, b:2", "mainname": "main", "sentinelpassword": "x"},
            {"addrs": ["a:1", "b:2"], "mastername": "main", "sentinelpassword": "x"},
        ),
        (
            {"addr": "a:1", "pool": {"maxidle": 1, "maxactive": 2, "idletimeout": "3s", "size": 4}},
            {
                "addrs": ["a:1"],
                "maxidleconns": 1,
                "maxactiveconns": 2,
                "connmaxidletime": "3s",
                "poolsize": 4,
            },
        ),
        (
            {"addr": "a:1", "tls": {"enabled": True}},
            {"addrs": ["a:1"], "tls": {"rootcas": [str(distribution().ca_bundle)]}},
        ),
        (
            {"addr": "a:1", "tls": {"enabled": True, "rootcas": ["/own.crt"]}},
            {"addrs": ["a:1"], "tls": {"rootcas": ["/own.crt"]}},
        ),
        ({"addr": "a:1", "tls": {"enabled": False}, "cache": {"enabled": False}}, {"addrs": ["a:1"]}),
    ],
)
def test_redis(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert written(THREE, redis=given)["redis"] == wanted
