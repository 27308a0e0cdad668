"""What a registry does where its configuration says nothing, it does after the conversion too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ctl.settings.conversion.config_yml import load_config
from ctl.settings.conversion.registry_config import convert_config
from ctl.settings.load import reading_of
from tests.harness import rendered

DEFAULTS: Mapping[str, object] = {
    "log.level": "info",
    "log.formatter": "text",
    "storage.filesystem.rootdirectory": "/var/lib/registry",
    "storage.cache.blobdescriptor": None,
    "storage.delete.enabled": False,
    "storage.redirect.disable": False,
    "storage.maintenance.readonly.enabled": False,
    "storage.maintenance.uploadpurging.enabled": True,
    "storage.tag.concurrencylimit": None,
    "http.relativeurls": False,
    "http.draintimeout": 0,
    "http.debug.addr": None,
    "auth.token.autoredirect": False,
    "health.storagedriver.enabled": False,
    "compatibility.schema1.enabled": False,
    "redis": None,
    "middleware": None,
    "reporting": None,
    "notifications.endpoints": None,
}
"""What Distribution 2.8 takes where nothing is given (configuration.go, registry/handlers/app.go)."""

_ENDPOINT: Mapping[str, object] = {"timeout": "1s", "threshold": 10, "backoff": "1s"}

SOURCES = {
    "as little as can be": "storage: {filesystem: }",
    "a folder": "storage: {filesystem: {rootdirectory: /srv/images}}\nhttp: {addr: ':5000'}",
    "object storage": "storage: {s3: {bucket: b, region: r}, redirect: {disable: true}}",
    "the sample of the documentation": (
        "version: 0.1\nlog: {fields: {service: registry}}\n"
        "storage: {cache: {blobdescriptor: inmemory}, filesystem: {rootdirectory: /var/lib/registry}}\n"
        "http: {addr: ':5000', headers: {X-Content-Type-Options: [nosniff]}}\n"
        "health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}}\n"
    ),
    "all else": (
        "log: {level: debug, formatter: json}\n"
        "storage: {inmemory: , delete: {enabled: true}, maintenance: {readonly: {enabled: true}}}\n"
        "http: {draintimeout: 30s, debug: {addr: 'localhost:5001'}}\n"
        "validation: {disabled: true}\ncompatibility: {schema1: {enabled: true}}\n"
    ),
    "validation that is switched off as nothing switches it off": "storage: {inmemory: }\nvalidation: {enabled: false}",
    "an endpoint": "storage: {inmemory: }\nnotifications: {endpoints: [{name: a, url: 'https://a.example'}]}",
    "an endpoint with its own": (
        "storage: {inmemory: }\nnotifications: {endpoints: "
        "[{name: a, url: 'https://a.example', timeout: 3s, threshold: 2, backoff: 5s}]}"
    ),
}


def _at(config: Any, path: str) -> Any:  # noqa: ANN401 - as YAML gives it
    for key in path.split("."):
        config = config.get(key) if isinstance(config, Mapping) else None
    return config


def _validates(config: Mapping[str, Any]) -> bool:
    section = config.get("validation") or {}
    return bool(section.get("enabled")) or not section.get("disabled")


def _effective(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a registry does with a configuration."""
    found: dict[str, Any] = {
        path: default if _at(config, path) is None else _at(config, path)
        for path, default in DEFAULTS.items()
    }
    if "filesystem" not in config["storage"]:
        del found["storage.filesystem.rootdirectory"]
    if found["notifications.endpoints"]:
        known = ("name", "url", *_ENDPOINT)
        found["notifications.endpoints"] = [
            {name: value for name, value in {**_ENDPOINT, **one}.items() if name in known}
            for one in found["notifications.endpoints"]
        ]
    found["validates"] = _validates(config)
    return found


def _rendered(converted: str, folder: Path) -> dict[str, Any]:
    file = folder / "gitlab.py"
    file.write_text(converted)
    values = dict(reading_of(file, {}).values)
    values.setdefault("registry_external_url", "https://hub.example.com")
    values.setdefault("letsencrypt", {"enable": False})
    (text,) = [one.text for one in rendered.made(values) if one.source == "registry/config.yml.j2"]
    config = yaml.safe_load(text)
    assert isinstance(config, dict)
    folders = config["storage"].get("filesystem")
    if folders:
        folders["rootdirectory"] = folders["rootdirectory"].removeprefix("/nowhere")
    return config


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_not_given_stays_as_it_is(name: str, tmp_path: Path) -> None:
    source = load_config(Path("config.yml"), SOURCES[name])
    converted = convert_config(Path("config.yml"), source)
    assert not converted.problems
    wanted, found = _effective(source), _effective(_rendered(converted.text, tmp_path))
    assert found == wanted
