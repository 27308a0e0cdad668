"""redis, gc, reporting and middleware: what is wrong inside is reported at its place, what is unknown passes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.settings_site import BOTH, Site

REDIS = {
    "addr": "a.example.com:26379, [::1]:6379",
    "addrs": ["127.0.0.1:6379", "/run/redis/redis.sock"],
    "password": "secret",
    "db": "1",
    "dialtimeout": "10ms",
    "pool": {"maxidle": 16, "idletimeout": "300s"},
    "tls": {"enabled": True, "rootcas": "/etc/ca.pem"},
    "cache": {"enabled": True, "addr": "127.0.0.1:6379"},
}
CLOUDFRONT = {"baseurl": "https://cdn.example.com", "privatekey": "/etc/key.pem", "keypairid": "K"}
GOOD: dict[str, Any] = {
    "redis": REDIS,
    "gc": {"disabled": False, "reviewafter": -1, "blobs": {"interval": "5s"}},
    "reporting": {"sentry": {"enabled": True, "dsn": "https://k@example.com/1"}, "newrelic": {"licensekey": "l"}},
    "middleware": {
        "storage": [
            {"name": "cloudfront", "options": CLOUDFRONT | {"duration": "20m"}},
            {"name": "redirect", "disabled": True, "options": {"baseurl": "https://cdn.example.com"}},
            {"name": "our-own", "options": {"any": ["thing", 1, None]}},
        ],
        "repository": [{"name": "quota", "options": {"limit": "1GB"}}],
    },
}  # fmt: skip


def _text(section: str, value: object) -> str:
    return f'{BOTH}registry["database"] = {{"enabled": True}}\nregistry["{section}"] = {value!r}\n'


@pytest.mark.parametrize("section", GOOD)
def test_known_parameters_pass(site: Site, section: str) -> None:
    value = GOOD[section]
    if section == "redis":
        block = {"enabled": True, "addr": "127.0.0.1:6379"}
        value = REDIS | {"db": 1, "tls": {"enabled": True, "rootcas": ["/etc/ca.pem"]}, "cache": block}
    assert site.value(_text(section, GOOD[section]), f"registry.{section}") == value
    assert site.warnings(_text(section, GOOD[section])) == []


@pytest.mark.parametrize(
    ("section", "value", "setting", "near"),
    [
        ("redis", {"addr": "[::1]:1", "pasword": "x"}, "redis.pasword", "password"),
        ("redis", {"addr": "[::1]:1", "pool": {"maxidel": 1}}, "redis.pool.maxidel", "maxidle"),
        ("redis", {"cache": {"sentinelpasswd": "x"}, "addr": "/r"}, "redis.cache.sentinelpasswd", "sentinelpassword"),
        ("gc", {"blobs": {"intervall": "5s"}}, "gc.blobs.intervall", "interval"),
        ("gc", {"noidleback_off": True}, "gc.noidleback_off", "noidlebackoff"),
        ("reporting", {"sentri": {}}, "reporting.sentri", "sentry"),
        ("middleware", {"storge": []}, "middleware.storge", "storage"),
        ("middleware", {"storage": [{"name": "cloudfrnt"}]}, "middleware.storage[0].name", "cloudfront"),
        (
            "middleware",
            {"storage": [{"name": "cloudfront", "options": CLOUDFRONT | {"durration": "1m"}}]},
            "middleware.storage[0].options.durration",
            "duration",
        ),
    ],
)  # fmt: skip
def test_an_unknown_parameter_passes_with_the_nearest_name(
    site: Site, section: str, value: dict[str, object], setting: str, near: str
) -> None:
    (output,) = site.warnings(_text(section, value))
    assert f"registry.{setting}: is n" in output
    assert "gitlab.py:5:" in output
    assert f'Did you mean "{near}"?' in output
    if "cache" in value:
        value = value | {"cache": {"enabled": False, "sentinelpasswd": "x"}}
    assert site.value(_text(section, value), f"registry.{section}") == value


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("redis", {"addr": "redis://:geheim@r:6379/0"}, "registry.redis.addr: must be HOST:PORT"),
        ("redis", {"addr": "localhost"}, "must be HOST:PORT or the path of a socket, not 'localhost'"),
        ("redis", {"addrs": ["a:1,b:2"]}, "registry.redis.addrs[0]: must be HOST:PORT"),
        ("redis", {"addr": "r:1", "db": "zero"}, "registry.redis.db: must be a whole number from 0"),
        ("redis", {"addr": "r:1", "dialtimeout": 10}, "a bare 10 means 10 nanoseconds"),
        ("redis", {"addr": "r:1", "tls": True}, "registry.redis.tls: must be a dictionary"),
        ("redis", [], "registry.redis: must be a dictionary"),
        ("gc", {"reviewafter": 24}, "needs a unit"),
        ("gc", {"blobs": {"disabled": "maybe"}}, "registry.gc.blobs.disabled: must be True or False"),
        ("reporting", {"sentry": "https://k@s/1"}, "registry.reporting.sentry: must be a dictionary"),
        ("middleware", {"storage": {"name": "redirect"}}, "registry.middleware.storage: must be a list"),
        ("middleware", {"storage": [{"options": {}}]}, "a middleware needs name"),
        ("middleware", {"storage": [{"name": "redirect"}]}, "the middleware redirect needs baseurl"),
        ("middleware", {"storage": [{"name": "redirect", "option": {}}]}, 'Did you mean "options"?'),
        (
            "middleware",
            {"storage": [{"name": "cloudfront", "options": CLOUDFRONT | {"ipfilteredby": "all"}}]},
            "must be one of none, aws, awsregion",
        ),
    ],
)
def test_what_cannot_be_meant_is_an_error(site: Site, section: str, value: object, message: str) -> None:
    output = [str(one) for one in site.errors(_text(section, value))]
    assert any(message in one and "gitlab.py:5:" in one for one in output), output
    assert not any("geheim" in one for one in output)
