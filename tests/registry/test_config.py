"""What a collection learns from config.yml and from the registry's environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ctl.errors import CtlError
from ctl.registry.collect.instance import driver_environment, private_document
from ctl.registry.config import RegistryConfig, go_seconds, read_config, read_environment

LIVE = """
version: 0.1
log: {level: warn, fields: {a: b}}
storage:
  filesystem: {rootdirectory: "/images"}
  cache: {blobdescriptor: redis}
  delete: {enabled: false}
  maintenance: {readonly: {enabled: true}}
redis: {addr: "127.0.0.1:6379", password: "redis-secret"}
http: {addr: "127.0.0.1:5000", secret: "http-secret", draintimeout: 1m, tls: {key: /k}, debug: {addr: ":5001"}}
auth: {token: {realm: r, service: s, issuer: i, rootcertbundle: /c}}
notifications: {endpoints: [{name: n, url: "http://x", headers: {Authorization: [bearer-secret]}}]}
health: {storagedriver: {enabled: true}}
compatibility: {schema1: {enabled: true}}
"""


def config(folder: Path, text: str = LIVE, **environment: str) -> RegistryConfig:
    path = folder / "config.yml"
    path.write_text(text, encoding="utf-8")
    return read_config(path, environment)


def test_facts_of_a_configuration(tmp_path: Path) -> None:
    one = config(tmp_path)
    assert (one.driver, one.root, one.cache) == ("filesystem", Path("/images"), "redis")
    assert (one.address, one.drain, one.database) == ("127.0.0.1:5000", 60.0, False)
    assert {"redis-secret", "http-secret", "bearer-secret"} <= one.secrets


def test_environment_wins(tmp_path: Path) -> None:
    one = config(
        tmp_path,
        REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="/other",
        REGISTRY_HTTP_ADDR="/run/r.sock",
        REGISTRY_HTTP_NET="unix",
        REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR="inmemory",
    )
    assert (one.root, one.address, one.cache) == (Path("/other"), "unix:/run/r.sock", "inmemory")


@pytest.mark.parametrize("http", ["{}", "{addr: }", "{addr: localhost}", "{addr: 'localhost:http'}"])
def test_no_address(tmp_path: Path, http: str) -> None:
    assert config(tmp_path, f"{{storage: inmemory, http: {http}}}").address is None


@pytest.mark.parametrize(
    ("text", "driver", "root"),
    [
        ("{storage: filesystem}", "filesystem", Path("/var/lib/registry")),
        ("{storage: {filesystem: }}", "filesystem", Path("/var/lib/registry")),
        ("{storage: {cache: {}, s3: {bucket: b}}}", "s3", None),
        ("{storage: inmemory}", "inmemory", None),
    ],
)
def test_drivers(tmp_path: Path, text: str, driver: str, root: Path | None) -> None:
    one = config(tmp_path, text)
    assert (one.driver, one.root) == (driver, root)


@pytest.mark.parametrize("text", ["", "[]", "storage: {delete: {}}", "a: b"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CtlError, match="is no configuration of a registry"):
        config(tmp_path, text)


def test_error_in_yaml_is_placed_and_shows_no_line(tmp_path: Path) -> None:
    with pytest.raises(CtlError) as caught:
        config(tmp_path, "a: b\nsecret: [hidden-value\n")
    assert f"{tmp_path}/config.yml:3:1 is not valid YAML" in caught.value.message
    assert "hidden-value" not in caught.value.message


@pytest.mark.parametrize("name", ["config.yml", "env/REGISTRY_HTTP_ADDR"])
def test_a_pipe_in_the_place_of_a_file_does_not_let_ctl_wait(tmp_path: Path, name: str) -> None:
    (tmp_path / "env").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(CtlError, match="it is no regular file"):
        read_config(tmp_path / "config.yml", read_environment(tmp_path / "env"))


@pytest.mark.parametrize("enabled", ["prefer", True, "true", "True"])
def test_a_database_that_may_be_used_counts(tmp_path: Path, enabled: object) -> None:
    text = f"storage: inmemory\ndatabase: {{enabled: {enabled}}}\n"
    assert config(tmp_path, text).database


def test_missing_file_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CtlError, match="does not exist") as caught:
        read_config(tmp_path / "none.yml", {})
    assert "ctl reconfigure" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("1h", 3600), ("500ms", 0.5), ("30", 30e-9), ("0", 0), ("", 0), ("soon", 0)],
)
def test_durations_of_go(text: str, seconds: float) -> None:
    assert go_seconds(text) == pytest.approx(seconds)


def test_environment_is_read_as_chpst_does(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(b"value  \nmore\n")
    (tmp_path / "B").write_bytes(b"two\0lines\n")
    (tmp_path / "C").write_bytes(b"")
    assert read_environment(tmp_path) == {"A": "value", "B": "two\nlines", "C": ""}
    assert read_environment(tmp_path / "none") == {}


def test_private_registry_has_nothing_that_others_could_notice(tmp_path: Path) -> None:
    document = private_document(config(tmp_path), writable=True)
    assert set(document) == {"version", "log", "storage", "http", "compatibility"}
    assert set(document["storage"]) == {"filesystem", "delete", "redirect", "maintenance"}
    assert document["storage"]["delete"] == {"enabled": True}
    assert "readonly" not in document["storage"]["maintenance"]
    assert document["http"]["net"] == "unix"


def test_private_registry_of_a_dry_run_cannot_delete(tmp_path: Path) -> None:
    document = private_document(config(tmp_path), writable=False)
    assert document["storage"]["delete"] == {"enabled": False}
    assert document["storage"]["maintenance"]["readonly"] == {"enabled": True}


def test_only_what_the_driver_needs_of_the_environment_is_left() -> None:
    given = {
        "AWS_REGION": "eu",
        "REGISTRY_STORAGE_S3_BUCKET": "b",
        "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "redis",
        "REGISTRY_STORAGE_MAINTENANCE_READONLY": "{enabled: true}",
        "REGISTRY_HTTP_ADDR": ":5000",
        "REGISTRY_AUTH": "token",
    }
    assert driver_environment(given) == {"AWS_REGION": "eu", "REGISTRY_STORAGE_S3_BUCKET": "b"}
