"""`ctl show-config` shows what results, and why, but no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ctl.settings.manual.at_present import NOT_MADE_YET
from tests.harness.cli import Cli

SETTINGS = """\
external_url = "https://gitlab.example.com"
registry_external_url = "https://registry.example.com"
letsencrypt["enable"] = False
registry["http_secret"] = "hunter2"
registry["storage"] = {"s3": {"bucket": "b", "region": "r", "accesskey": "hunter2", "secretkey": "hunter2"}}
registry["redis"] = {"addr": "r:6379", "password": "hunter2"}
registry["database"] = {"enabled": True, "password": "hunter2"}
registry["reporting"] = {"sentry": {"dsn": "hunter2"}}
registry["env"] = {"AWS_SECRET_ACCESS_KEY": "hunter2", "REGISTRY_HTTP_RELATIVEURLS": True}
registry["default_notifications_headers"] = {"X-Key": "hunter2"}
registry["notifications"] = [
    {"name": "geo_event", "url": "https://u:hunter2@e.example.com/", "headers": {"Authorization": ["hunter2"]}},
]
"""


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, capsys)
    made.settings(SETTINGS)
    return made


def test_yaml_and_json_say_the_same(ctl: Cli) -> None:
    plain = yaml.safe_load(ctl("show-config").out)
    assert plain == ctl("show-config", "--format", "json").json()
    assert plain["registry"]["nginx"]["listen_port"] == 443
    assert plain["registry"]["storage"]["s3"]["bucket"] == "b"
    assert plain["registry_external_url"] == "https://registry.example.com"


@pytest.mark.parametrize(
    "arguments", [(), ("--format", "json"), ("--origin",), ("--format", "json", "--origin")]
)
def test_secrets_are_masked(ctl: Cli, arguments: tuple[str, ...]) -> None:
    result = ctl("show-config", *arguments)
    assert result.code == 0
    assert "hunter2" not in result.out + result.err
    assert "********" in result.out


def test_shape_and_names_of_secrets_stay(ctl: Cli) -> None:
    registry = ctl("show-config", "--format", "json").json()["registry"]
    assert registry["http_secret"] == "********"
    assert registry["storage"]["s3"]["secretkey"] == "********"
    assert registry["env"] == {"AWS_SECRET_ACCESS_KEY": "********", "REGISTRY_HTTP_RELATIVEURLS": True}
    (endpoint,) = registry["notifications"]
    assert endpoint["url"] == "https://********@e.example.com/"
    assert endpoint["headers"] == {"X-Key": ["********"], "Authorization": ["********"]}


def test_secrets_on_request(ctl: Cli) -> None:
    shown = ctl("show-config", "--format", "json", "--show-secrets").json()
    assert shown["registry"]["http_secret"] == "hunter2"
    assert shown["registry"]["redis"]["password"] == "hunter2"
    assert shown["gitlab_rails"]["registry_notification_secret"] == "hunter2"


def test_secrets_that_do_not_exist_are_not_made(ctl: Cli) -> None:
    for more in ((), ("--show-secrets",)):
        shown = ctl("show-config", "--format", "json", *more).json()
        assert shown["registry"]["internal_key"] == NOT_MADE_YET
    assert not (ctl.root / "etc/gitlab/gitlab-secrets.json").exists()


def test_origins(ctl: Cli) -> None:
    text = ctl("show-config", "--origin").out
    assert f'http_secret: "********"  # {ctl.file}:4:10' in text
    assert 'log_level: "info"  # default' in text
    assert "listen_port: 443  # derived by listen-port" in text
    assert yaml.safe_load(text) == yaml.safe_load(ctl("show-config").out)
    reported = ctl("show-config", "--origin", "--format", "json").json()
    assert reported["registry"]["nginx"]["listen_port"] == {
        "value": 443,
        "origin": {"kind": "derived", "rule": "listen-port"},
    }
    assert reported["external_url"]["origin"] == {
        "kind": "file",
        "file": str(ctl.file),
        "line": 1,
        "column": 1,
    }
