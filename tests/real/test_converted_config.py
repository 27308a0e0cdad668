"""What a registry's own config.yml has reaches the registry that runs after the conversion."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.settings.conversion.config_yml import load_config
from ctl.settings.conversion.registry_config import convert_config
from ctl.settings.load import reading_of
from tests.harness.ports import Ports
from tests.harness.registries import Registry
from tests.harness.waiting import listening, wait_for

pytestmark = pytest.mark.real

SOURCE = """\
storage: {inmemory: }
http:
  headers:
    X-Content-Type-Options: [nosniff]
    Access-Control-Allow-Origin: ['https://ui.example.com']
    Access-Control-Allow-Methods: [HEAD, GET]
    Access-Control-Allow-Credentials: [true]
    Access-Control-Max-Age: [1728000]
"""
OURS = """\
version: 0.1
storage: {{inmemory: {{}}}}
http: {{addr: "127.0.0.1:{port}", secret: x, headers: {{X-Content-Type-Options: [nosniff]}}}}
"""


@contextmanager
def serving(program: Registry, folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """A registry with the headers that ctl writes, and an environment."""
    ports = Ports()
    port = ports.take()
    config = folder / "ours.yml"
    config.write_text(OURS.format(port=port))
    process = subprocess.Popen(
        [program.program, "serve", config],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none", **environment},
    )
    try:
        wait_for(lambda: listening(port), what="the registry listens")
        yield port
    finally:
        process.kill()
        process.wait()
        ports.release()


def _headers(port: int) -> dict[str, list[str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/v2/")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return {name: answer.headers.get_all(name) or [] for name in answer.headers}


def test_headers_for_browsers_are_sent(tmp_path: Path, registry_program: Registry) -> None:
    converted = convert_config(tmp_path / "config.yml", load_config(tmp_path / "config.yml", SOURCE))
    (tmp_path / "gitlab.py").write_text(converted.text)
    registry = reading_of(tmp_path / "gitlab.py", {}).values["registry"]
    assert isinstance(registry, dict)
    environment = registry["env"]
    assert isinstance(environment, dict)
    with serving(registry_program, tmp_path, {}) as port:
        assert "Access-Control-Allow-Origin" not in _headers(port)
    with serving(registry_program, tmp_path, dict(environment)) as port:
        found = _headers(port)
    assert found["Access-Control-Allow-Origin"] == ["https://ui.example.com"]
    assert found["Access-Control-Allow-Methods"] == ["HEAD", "GET"]
    assert found["Access-Control-Allow-Credentials"] == ["true"]
    assert found["Access-Control-Max-Age"] == ["1728000"]
    assert found["X-Content-Type-Options"] == ["nosniff"]
    assert json.loads(environment["REGISTRY_HTTP_HEADERS"])
