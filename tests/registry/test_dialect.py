"""The same settings in the words of each registry program."""

from __future__ import annotations

from typing import Any

import pytest

from ctl.registry.dialect import SYSTEM_AUTHORITIES, key_set, knows_schema1, sections, validation
from ctl.registry.program import Flavour
from ctl.settings.attributes import Section

TWO, THREE = Flavour.DISTRIBUTION_2, Flavour.DISTRIBUTION_3
OTHERS = [flavour for flavour in Flavour if flavour is not THREE]


def written(flavour: Flavour, **registry: Any) -> dict[str, Any]:  # noqa: ANN401
    empty = dict.fromkeys(("database", "gc", "redis", "reporting", "middleware"))
    return sections(Section({"storage": {"inmemory": {}}, **empty, **registry}), flavour)


@pytest.mark.parametrize("flavour", OTHERS)
def test_others_get_what_was_given(flavour: Flavour) -> None:
    given = {
        "storage": {"s3": {"bucket": "b", "regionendpoint": "http://minio:9000", "pathstyle": True}},
        "redis": {"addr": "127.0.0.1:6379", "pool": {"maxidle": 1}},
    }
    assert written(flavour, **given) == given
    assert key_set("/folder", flavour) is None
    assert knows_schema1(flavour)


@pytest.mark.parametrize("flavour", OTHERS)
def test_others_get_addresses_in_one_text(flavour: Flavour) -> None:
    given = {"addrs": ["a:1", "b:2"], "db": 1}
    assert written(flavour, redis=given)["redis"] == {"addr": "a:1,b:2", "db": 1}


def test_distribution_3_gets_a_key_set_and_no_schema1() -> None:
    assert str(key_set("/folder", THREE)) == "/folder/token-keys.json"
    assert not knows_schema1(THREE)


@pytest.mark.parametrize("flavour", Flavour)
def test_validation_is_on_where_it_is_wanted(flavour: Flavour) -> None:
    assert validation(enabled=True, flavour=flavour) == {"disabled": False}
    every_url = {"disabled": False, "manifests": {"urls": {"allow": [".*"]}}}
    wanted = every_url if flavour is THREE else {"disabled": True}
    assert validation(enabled=False, flavour=flavour) == wanted


def test_sections_that_nobody_set_are_left_out() -> None:
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
    for flavour in OTHERS:
        assert written(flavour, storage={"azure": beside | given})["storage"] == {"azure": beside | given}


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
            {"addrs": ["a:1"], "tls": {"rootcas": [SYSTEM_AUTHORITIES]}},
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
