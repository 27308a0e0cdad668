"""The JSON Schema is one, takes what settings are, and refuses what they cannot be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ctl.__main__ import run
from ctl.settings.manual.schema import schema
from ctl.settings.options import OPTIONS
from ctl.settings.options.storage import DRIVERS
from tests.harness import seeds
from tests.harness.cli import Cli

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    """What a secrets file holds, so that nothing has to be made."""
    key, certificate = seeds.pair()
    return {"http_secret": "x", "internal_key": key, "internal_certificate": certificate}


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def refused(validator: Draft202012Validator, settings: object) -> list[str]:
    return [".".join(map(str, error.absolute_path)) for error in validator.iter_errors(settings)]


@pytest.mark.real
def test_it_is_a_schema() -> None:
    assert Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema())


def test_every_option_is_described(validator: Draft202012Validator) -> None:
    for option in OPTIONS.values():
        node: Any = validator.schema
        for key in option.name.split("."):
            node = node["properties"][key]
        assert node["description"].startswith(option.description)
        assert node.get("writeOnly", False) is option.secret
    whole: Any = validator.schema
    storage = whole["properties"]["registry"]["properties"]["storage"]["anyOf"][0]
    assert set(DRIVERS) < set(storage["properties"])


def test_defaults_are_valid(validator: Draft202012Validator) -> None:
    for option in OPTIONS.values():
        settings: Any = option.default
        for key in reversed(option.name.split(".")):
            settings = {key: settings}
        assert refused(validator, settings) == [], option.name


SELF_CONTAINED = [file for file in sorted(EXAMPLES.glob("*.py")) if "read_file(" not in file.read_text()]


@pytest.mark.parametrize("file", SELF_CONTAINED, ids=lambda file: file.stem)
def test_resolved_examples_are_valid(
    file: Path, ctl: Cli, validator: Draft202012Validator, secrets: dict[str, str]
) -> None:
    """With every secret unmasked."""
    kept = ctl.root / "etc/gitlab/gitlab-secrets.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"registry": secrets}))
    result = ctl("show-config", "--format", "json", "--show-secrets", "--settings", str(file))
    assert result.code == 0, result.err
    assert refused(validator, result.json()) == []


GIVEN: list[dict[str, Any]] = [
    {"registry_external_url": "https://registry.example.com"},
    {"registry": {"nginx": {"listen_port": "5005", "listen_addresses": "*", "https": "true"}}},
    {"registry_nginx": {"listen_port": 5005}},
    {"registry": {"storage": {"s3": {"bucket": "b", "region": "r", "chunksize": "25MB", "later": 1}}}},
    {"registry": {"log_level": None, "http_draintimeout": "30s", "storage": None}},
    {"registry": {"notifications": [{"name": "n", "url": "https://h", "headers": {"A": "b", "C": ["d"]}}]}},
    {"gitlab_rails": {"time_zone": "UTC"}, "postgresql": {"enable": True}, "geo_role": True},
]


@pytest.mark.parametrize("settings", GIVEN)
def test_what_a_file_may_give(validator: Draft202012Validator, settings: object) -> None:
    assert refused(validator, settings) == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"registry": {"log_level": "loud"}}, "registry.log_level"),
    ({"registry": {"log_levle": "info"}}, "registry"),
    ({"registri": {}}, ""),
    ({"registry_external_url": "registry.example.com"}, "registry_external_url"),
    ({"registry": {"nginx": {"listen_port": 70000}}}, "registry.nginx.listen_port"),
    ({"registry": {"storage": {"s3": {"bucket": "b"}}}}, "registry.storage"),
    ({"registry": {"storage": {"inmemory": {}, "s3": {"bucket": "b", "region": "r"}}}}, "registry.storage"),
    ({"registry": {"storage": {"cache": {"blobdescriptor": "redis"}}}}, "registry.storage"),
    ({"registry": {"notifications": [{"name": "n"}]}}, "registry.notifications"),
    ({"registry": {"notifications": {"name": "n"}}}, "registry.notifications"),
    ({"registry": {"env": {"A": []}}}, "registry.env"),
]


@pytest.mark.parametrize(("settings", "place"), WRONG)
def test_what_it_may_not(validator: Draft202012Validator, settings: object, place: str) -> None:
    assert refused(validator, settings) == [place]


def test_command(ctl: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(schema()))


def test_patterns_are_those_of_ecma(validator: Draft202012Validator) -> None:
    """Editors use JavaScript's regular expressions: nothing that only Python has."""
    text = json.dumps(validator.schema)
    assert not re.search(r'"pattern": "[^"]*\(\?[^:=!]', text)
