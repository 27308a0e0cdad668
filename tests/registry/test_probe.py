"""Whether object storage can be used: when it is asked, and what it is reported to say."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ctl.errors import ValidationError
from ctl.paths import Layout
from ctl.registry import probe
from ctl.registry.collect.collector import Setup
from ctl.registry.config import RegistryConfig, read_config
from ctl.registry.launch import account_of
from tests.harness.registries import DEBIAN

S3 = {"bucket": "b", "region": "r", "secretkey": "geheim"}


def config(storage: dict[str, Any], **environment: str) -> RegistryConfig:
    return RegistryConfig(Path("/planned.yml"), {"storage": storage}, environment)


@pytest.mark.parametrize(
    ("planned", "differs"),
    [
        (config({"s3": S3}, AWS_REGION="r"), False),
        (config({"s3": S3, "maintenance": {"readonly": {"enabled": True}}}, AWS_REGION="r"), False),
        (config({"s3": S3 | {"bucket": "c"}}, AWS_REGION="r"), True),
        (config({"s3": S3}, AWS_REGION="r", HTTPS_PROXY="http://p"), True),
        (config({"gcs": {"bucket": "b"}}, AWS_REGION="r"), True),
        (config({"filesystem": {"rootdirectory": "/elsewhere"}}), False),
        (config({"inmemory": {}}), False),
    ],
)
def test_storage_is_asked_where_it_changes(tmp_path: Path, planned: RegistryConfig, differs: bool) -> None:
    real, environment = tmp_path / "config.yml", tmp_path / "env"
    environment.mkdir()
    (environment / "AWS_REGION").write_text("r", encoding="ascii")
    real.write_text(json.dumps({"storage": {"s3": S3, "delete": {"enabled": True}}}), encoding="ascii")
    assert probe.storage_differs(planned, real, environment) is differs


def test_storage_is_asked_the_first_time(tmp_path: Path) -> None:
    assert probe.storage_differs(config({"s3": S3}), tmp_path / "none.yml", tmp_path / "none")


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        (
            r'level=error err.detail="s3aws: NoSuchBucket: No \"b\"\n\tstatus code: 404, request id: X, host id: "',
            's3aws: NoSuchBucket: No "b"',
        ),
        (
            r'err.detail="azure: GET http://x\n----\nRESPONSE 404: 404 None.\nERROR CODE: ContainerNotFound\n--"',
            "404 None. (ContainerNotFound)",
        ),
        ("level=error nothing", ""),
    ],
)  # fmt: skip
def test_the_stores_own_words(line: str, reported: str) -> None:
    assert probe.last_detail(["level=info", line]) == reported


@pytest.mark.real
def test_a_store_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.5)
    tmp_path.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        file = tmp_path / "config.yml"
        storage = {"s3": S3 | {"accesskey": "a", "regionendpoint": endpoint}}
        file.write_text(json.dumps({"version": 0.1, "storage": storage}), encoding="ascii")
        account = account_of("docker-registry") if os.geteuid() == 0 else None
        setup = Setup(Layout(tmp_path), read_config(file, {}), DEBIAN, account)
        with pytest.raises(ValidationError) as caught:
            probe.storage_answers(setup, "gitlab.py:3:1: ")
    output = caught.value.message
    assert output.startswith('gitlab.py:3:1: registry["storage"]["s3"]: bucket "b" at http://127.0.0.1:')
    assert "did not answer within" in output
    assert list(tmp_path.iterdir()) == [file]
