"""The real registry accepts the tokens that ctl signs, and no others."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ctl.registry import token
from ctl.registry.programs import Distribution3
from tests.harness import seeds
from tests.harness.ports import Ports
from tests.harness.registries import Registry
from tests.harness.waiting import wait_for

pytestmark = pytest.mark.real
KEYS = Distribution3.key_file

MINUTES = timedelta(minutes=5)


@pytest.fixture(scope="module")
def port(registry_program: Registry) -> Iterator[int]:
    """A registry that asks for tokens of the issuer "gitlab", with all that ctl gives it to know them by."""
    with served(registry_program, key_set=registry_program.major == 3) as number:
        yield number


@contextmanager
def served(registry: Registry, *, key_set: bool) -> Iterator[int]:
    ports = Ports()
    with TemporaryDirectory(prefix="ctl-token-") as name:
        folder, number = Path(name), ports.take()
        (folder / "registry.crt").write_text(seeds.pair()[1], encoding="ascii")
        (folder / KEYS).write_text(token.key_set(seeds.pair()[1]), encoding="ascii")
        auth = {
            "realm": "http://gitlab/jwt/auth",
            "service": token.SERVICE,
            "issuer": "gitlab",
            "rootcertbundle": str(folder / "registry.crt"),
            **({"jwks": str(folder / KEYS)} if key_set else {}),
        }
        config = {
            "version": 0.1,
            "storage": {"inmemory": {}},
            "http": {"addr": f"127.0.0.1:{number}"},
            "auth": {"token": auth},
        }
        (folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        process = subprocess.Popen(
            [registry.program, "serve", folder / "config.yml"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        )
        try:
            wait_for(lambda: ask(number, "/v2/", "") == 401, what="the registry serves")
            yield number
        finally:
            process.kill()
            process.wait()
            ports.release()


def ask(port: int, path: str, bearer: str, *, method: str = "GET") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {bearer}"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def sign(**changes: Any) -> str:  # noqa: ANN401
    given: dict[str, Any] = {
        "issuer": "gitlab",
        "subject": "me",
        "access": token.repository_access(["grp/app"], ["pull", "push"]),
        "lifetime": MINUTES,
    }
    return token.issue(**({"key_pem": seeds.pair()[0]} | given | changes))


def test_token_opens_its_repository_and_no_other(port: int) -> None:
    signed = sign()
    assert ask(port, "/v2/", signed) == 200
    assert ask(port, "/v2/grp/app/tags/list", signed) == 404
    assert ask(port, "/v2/grp/app/blobs/uploads/", signed, method="POST") == 202
    assert ask(port, "/v2/grp/other/tags/list", signed) == 401


def test_actions_are_kept_apart(port: int) -> None:
    signed = sign(access=token.repository_access(["grp/app"], ["pull"]))
    assert ask(port, "/v2/grp/app/tags/list", signed) == 404
    assert ask(port, "/v2/grp/app/blobs/uploads/", signed, method="POST") == 401
    everything = sign(access=token.repository_access(["grp/app"], ["*"]))
    assert ask(port, "/v2/grp/app/blobs/uploads/", everything, method="POST") == 202


def test_catalog(port: int) -> None:
    """What else it answers depends on whether its storage holds anything yet."""
    assert ask(port, "/v2/_catalog", sign()) == 401
    assert ask(port, "/v2/_catalog", sign(access=[token.CATALOG])) != 401


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "somebody"},
        {"service": "elsewhere"},
        {"lifetime": timedelta(seconds=-120)},
        {"key_pem": seeds.pair(1)[0]},
        {"name_key": lambda _: "AAAA"},
    ],
    ids=["other issuer", "other service", "ended", "other key", "unknown key"],
)
def test_other_tokens_are_refused(port: int, changes: dict[str, Any]) -> None:
    assert ask(port, "/v2/grp/app/tags/list", sign(**changes)) == 401


def test_names_of_keys(port: int, registry_program: Registry) -> None:
    """GitLab's name is known everywhere, the thumbprint by Distribution 3 only."""
    by_name = {name: sign(name_key=name) for name in (token.key_id, token.thumbprint)}
    assert ask(port, "/v2/", by_name[token.key_id]) == 200
    assert ask(port, "/v2/", by_name[token.thumbprint]) == (200 if registry_program.major == 3 else 401)


def test_gitlabs_name_is_known_by_the_key_set_only(registry_program: Registry) -> None:
    """Why ctl writes one for Distribution 3; a certificate is enough for Distribution 2."""
    with served(registry_program, key_set=False) as number:
        assert ask(number, "/v2/", sign()) == (401 if registry_program.major == 3 else 200)
