"""Storage, notifications, and the sections of GitLab's own registry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.settings_site import BOTH, Site

REQUIRED = {
    "filesystem": {"rootdirectory": "/images"},
    "s3": {"bucket": "b", "region": "r"},
    "s3_v2": {"bucket": "b", "region": "r"},
    "gcs": {"bucket": "b"},
    "azure": {"accountname": "a", "container": "c"},
    "swift": {"authurl": "u", "username": "n", "password": "p", "container": "c"},
    "oss": {"accesskeyid": "i", "accesskeysecret": "s", "region": "r", "bucket": "b"},
}


def storage(site: Site, value: object) -> Any:  # noqa: ANN401
    return site.value(f'{BOTH}registry["storage"] = {value!r}', "registry.storage")


def storage_error(site: Site, value: object) -> str:
    return site.error(f'{BOTH}registry["storage"] = {value!r}')


@pytest.mark.parametrize(("driver", "parameters"), REQUIRED.items())
def test_every_driver_with_what_it_needs(site: Site, driver: str, parameters: dict[str, str]) -> None:
    found = storage(site, {driver: parameters})
    assert found["cache"] == {"blobdescriptor": "inmemory"}
    assert found["delete"] == {"enabled": True}
    for missing in parameters:
        rest = {name: value for name, value in parameters.items() if name != missing}
        message = storage_error(site, {driver: rest})
        assert f"registry.storage.{driver}" in message
        assert f"needs {missing}" in message


def test_a_driver_in_memory(site: Site) -> None:
    assert storage(site, {"inmemory": {}})["inmemory"] == {}


def test_what_is_given_beside_the_driver_holds(site: Site) -> None:
    given = {
        "s3": REQUIRED["s3"],
        "cache": {"blobdescriptor": "inmemory", "blobdescriptorsize": 0},
        "delete": {"enabled": False},
        "redirect": {"disable": "true"},
        "maintenance": {"readonly": {"enabled": True}, "uploadpurging": {"enabled": False, "age": "168h"}},
        "tag": {"concurrencylimit": 8},
    }
    assert storage(site, given) == given | {"redirect": {"disable": True}}


def test_storage_delete_enabled(site: Site) -> None:
    text = BOTH + 'registry["storage_delete_enabled"] = False\n'
    assert site.value(text, "registry.storage")["delete"] == {"enabled": False}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "names no storage driver"),
        ({"delete": {"enabled": True}}, "names no storage driver"),
        ({"s3": None}, "names no storage driver"),
        ({"s3aws": REQUIRED["s3"]}, 'Did you mean "s3"?'),
        ({"ftp": {}}, "Drivers are filesystem, s3"),
        ({"s3": REQUIRED["s3"], "gcs": {"bucket": "b"}}, "has several drivers, s3 and gcs"),
        ({"s3": "bucket"}, "must be a dictionary"),
        ("s3", "must be a dictionary"),
        ({"inmemory": {}, "maintenance": {"readonly": True}}, 'Write {"enabled": True}.'),
        ({"inmemory": {}, "redirect": {"disable": "no"}}, "must be True or False"),
        ({"s3": {"bucket": "b/images", "region": "r"}}, 'Put the path into "rootdirectory"'),
        ({"s3": {"bucket": "b", "region": "r", "chunksize": 1000000}}, "at least 5242880 bytes"),
        ({"filesystem": {"rootdirectory": "images"}}, "one that begins with /"),
        ({"inmemory": {}, "cache": {"blobdescriptor": "memory"}}, "must be one of inmemory, redis"),
    ],
)
def test_what_is_wrong_with_storage(site: Site, value: object, message: str) -> None:
    assert message in storage_error(site, value)


def test_an_unknown_parameter_passes_with_a_warning(site: Site) -> None:
    text = BOTH + 'registry["storage"] = {"s3": {"bucket": "b", "region": "r", "regionendpont": "e"}}'
    assert site.value(text, "registry.storage")["s3"]["regionendpont"] == "e"
    (warning,) = site.warnings(text)
    assert "registry.storage.s3.regionendpont" in warning
    assert 'Did you mean "regionendpoint"?' in warning


@pytest.mark.parametrize("driver", ["swift", "oss"])
def test_deprecated_drivers(site: Site, driver: str) -> None:
    (warning,) = site.warnings(f'{BOTH}registry["storage"] = {{"{driver}": {REQUIRED[driver]!r}}}')
    assert "deprecated since GitLab 16.6 and dropped in 17.0" in warning


def test_two_folders_of_images(site: Site) -> None:
    (warning,) = site.warnings(
        BOTH + 'gitlab_rails["registry_path"] = "/a"\n'
        'registry["storage"] = {"filesystem": {"rootdirectory": "/b"}}\n'
    )
    assert "GitLab looks in another folder" in warning


# --- notifications

ENDPOINT = '{"name": "a", "url": "https://a.example.com/"}'


def endpoints(site: Site, text: str) -> Any:  # noqa: ANN401
    return site.value(BOTH + text, "registry.notifications")


def test_an_endpoint_is_completed(site: Site) -> None:
    assert endpoints(site, f'registry["notifications"] = [{ENDPOINT}]') == [
        {"name": "a", "url": "https://a.example.com/", "timeout": "500ms", "backoff": "1s"}
    ]


def test_what_an_endpoint_gives_holds(site: Site) -> None:
    given = {
        "name": "a", "url": "http://a", "timeout": "1s", "maxretries": 0, "backoff": "2s", "disabled": True,
        "headers": {"Authorization": ["Bearer t"], "X-One": "1"}, "ignoredmediatypes": ["a/b"],
        "ignore": {"mediatypes": ["c/d"], "actions": ["pull"]},
    }  # fmt: skip
    expected = given | {"headers": {"Authorization": ["Bearer t"], "X-One": ["1"]}}
    assert endpoints(site, f'registry["notifications"] = [{given!r}]') == [expected]


def test_defaults_of_endpoints_and_merged_headers(site: Site) -> None:
    (found,) = endpoints(
        site,
        """
registry["default_notifications_timeout"] = "2s"
registry["default_notifications_backoff"] = "3s"
registry["default_notifications_headers"] = {"authorization": "default", "X-Site": ["main"]}
registry["notifications"] = [{"name": "a", "url": "http://a", "headers": {"Authorization": ["own"]}}]
""",
    )
    assert (found["timeout"], found["backoff"]) == ("2s", "3s")
    assert found["headers"] == {"X-Site": ["main"], "Authorization": ["own"]}


def test_retries_stay_as_given_for_the_program_to_choose(site: Site) -> None:
    text = """
registry["notifications"] = [
    {"name": "old", "url": "http://a", "threshold": 3},
    {"name": "both", "url": "http://a", "threshold": 3, "maxretries": 7},
]
"""
    old, both = endpoints(site, text)
    assert (old["threshold"], "maxretries" in old) == (3, False)
    assert (both["threshold"], both["maxretries"]) == (3, 7)
    assert site.warnings(BOTH + text) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "a", "url": "http://a"}, "must be a list, not a dictionary"),
        ("http://a", "must be a list"),
        (["http://a"], "registry.notifications[0]: must be a dictionary"),
        ([{"url": "http://a"}], "registry.notifications[0]: a notification endpoint needs name"),
        ([{"name": "a"}], "a notification endpoint needs url"),
        ([{"name": "a", "url": "a.example.com"}], "registry.notifications[0].url: must begin with http://"),
        ([{"name": "a", "url": "http://a", "timeout": 500}], "a bare 500 means 500 nanoseconds"),
        ([{"name": "a", "url": "http://a", "max_retries": 5}], 'Did you mean "maxretries"?'),
        ([{"name": "a", "url": "http://a", "colour": 5}], "Known are name, url, timeout"),
        ([{"name": "a", "url": "http://a", "ignore": {"action": []}}], 'Did you mean "actions"?'),
        ([{"name": "a", "url": "http://a", "headers": {"a b": "c"}}], "the name of an HTTP header"),
    ],
)
def test_what_is_wrong_with_notifications(site: Site, value: object, message: str) -> None:
    assert message in site.error(f'{BOTH}registry["notifications"] = {value!r}')


def test_no_endpoints_are_none(site: Site) -> None:
    assert endpoints(site, 'registry["notifications"] = []') is None


def test_the_notification_secret_is_the_last_of_geo(site: Site) -> None:
    text = """
registry["notifications"] = [
    {"name": "other", "url": "http://a", "headers": {"Authorization": ["no"]}},
    {"name": "geo_event", "url": "http://a", "headers": {"authorization": ["first", "last"]}},
]
"""
    assert site.value(BOTH + text, "gitlab_rails.registry_notification_secret") == "last"
    own = 'gitlab_rails["registry_notification_secret"] = "own"\n'
    assert site.value(BOTH + text + own, "gitlab_rails.registry_notification_secret") == "own"


# --- what only GitLab's registry knows


def database(site: Site, text: str) -> Any:  # noqa: ANN401
    return site.value(BOTH + text, "registry.database")


def test_database_defaults(site: Site) -> None:
    assert database(site, "") is None
    assert database(site, 'registry["database"] = {"enabled": True, "password": "p"}') == {
        "enabled": True,
        "user": "registry",
        "dbname": "registry",
        "host": "/var/opt/gitlab/postgresql",
        "port": 5432,
        "sslmode": "prefer",
        "password": "p",
    }


def test_database_follows_postgresql(site: Site) -> None:
    text = 'registry["database"] = {}\npostgresql["enable"] = True\npostgresql["port"] = "5433"\n'
    found = database(site, text + 'postgresql["dir"] = "/srv/pg"\n')
    assert (found["enabled"], found["host"], found["port"]) == ("prefer", "/srv/pg", 5433)
    found = database(
        site, text + 'postgresql["listen_address"] = "10.0.0.1"\npostgresql["dir"] = "/srv/pg"\n'
    )
    assert found["host"] == "10.0.0.1"
    own = 'registry["database"]["host"] = "db"\nregistry["database"]["port"] = 1\n'
    found = database(site, text + own)
    assert (found["host"], found["port"]) == ("db", 1)


def test_several_addresses_of_postgresql(site: Site) -> None:
    text = BOTH + 'registry["database"] = {"enabled": True}\npostgresql["listen_address"] = "10.0.0.1, ::1"\n'
    assert site.value(text, "registry.database")["host"] == "10.0.0.1"
    (warning,) = site.warnings(text)
    assert "10.0.0.1 is taken" in warning


def test_prefer_needs_postgresql(site: Site) -> None:
    assert database(site, 'registry["database"] = {}')["enabled"] == "false"
    text = BOTH + 'registry["database"] = {"enabled": "prefer"}\npostgresql["enable"] = False\n'
    assert site.value(text, "registry.database")["enabled"] == "false"
    (warning,) = site.warnings(text)
    assert 'postgresql["enable"] is False' in warning


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({}, False),
        ({"cache": {"addr": "localhost:6379"}}, False),
        ({"cache": {"enabled": True, "addr": "localhost:6379"}}, True),
        ({"loadbalancing": {"enabled": True}}, True),
        ({"addr": "localhost:6379"}, True),
    ],
)
def test_redis_is_written_where_a_block_is_enabled(site: Site, value: object, written: bool) -> None:
    text = f'{BOTH}registry["redis"] = {value!r}'
    assert (site.value(text, "registry.redis") is not None) is written
    assert bool(site.warnings(text)) is not written


def test_a_redis_cache_needs_its_server(site: Site) -> None:
    text = BOTH + 'registry["storage"] = {"inmemory": {}, "cache": {"blobdescriptor": "redis"}}\n'
    for more in (
        "",
        'registry["redis"] = {"cache": {"enabled": True, "addr": "r:6379"}}',
        'registry["storage"]["cache"] = {"layerinfo": "redis"}',
    ):
        assert 'registry["redis"] names no server' in site.error(text + more)
    assert site.warnings(text + 'registry["env"] = {"REGISTRY_REDIS_ADDR": "r:6379"}') == []
    assert site.value(text + 'registry["redis"] = {"addrs": ["r:6379"]}', "registry.redis") == {
        "addrs": ["r:6379"]
    }
    assert site.value(text + 'registry["redis"] = {"addr": "r:6379"}', "registry.redis") == {"addr": "r:6379"}


def test_online_collection_needs_the_database(site: Site) -> None:
    text = BOTH + 'registry["gc"] = {"noidlebackoff": True}\n'
    assert "no effect without registry.database" in site.warnings(text)[0]
    assert site.warnings(text + 'registry["database"] = {"enabled": True}') == []


def test_environment_is_kept_as_given(site: Site) -> None:
    text = BOTH + 'registry["env"] = {"A": True, "B": 5, "C": "x\\ny", "D": None}'
    assert site.value(text, "registry.env") == {"A": True, "B": 5, "C": "x\ny"}
    assert "the name of an environment variable" in site.error(BOTH + 'registry["env"] = {"../x": "y"}')
