"""The registry itself accepts a configuration, or says why not, without its secrets and without side effects."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ctl.errors import PreflightError, ValidationError
from ctl.registry.validate import TIME_LIMIT, registry_accepts
from tests.real.harness import seeds
from tests.real.harness.ports import Ports
from tests.real.harness.processes import below

pytestmark = pytest.mark.real

PROGRAM = Path("/usr/bin/docker-registry")
ACCOUNT = "docker-registry" if os.geteuid() == 0 else None
Document = dict[str, Any]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the registry's user can enter."""
    with TemporaryDirectory(prefix="ctl-validate-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def document(folder: Path, **changes: Any) -> Document:  # noqa: ANN401
    return {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": "127.0.0.1:5000", "secret": "very-secret-text"},
    } | changes


def check(folder: Path, content: Document | str, *, user: str | None = ACCOUNT, **environment: str) -> None:
    config = folder / "config.yml"
    config.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    registry_accepts(config, program=PROGRAM, user=user, environment=environment)


def refusal(folder: Path, content: Document | str, **environment: str) -> str:
    with pytest.raises(ValidationError) as caught:
        check(folder, content, **environment)
    assert caught.value.message.startswith("the registry refuses config.yml: ")
    assert "\n" not in caught.value.message
    assert "secret" not in caught.value.message
    return caught.value.message.removeprefix("the registry refuses config.yml: ")


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
def test_good_configuration_is_accepted_quickly_whatever_its_log_level(folder: Path, level: str) -> None:
    started = time.monotonic()
    check(folder, document(folder, log={"level": level}))
    assert time.monotonic() - started < TIME_LIMIT / 2


@pytest.mark.parametrize("formatter", ["text", "json", "logstash"])
def test_every_log_format_is_understood(folder: Path, formatter: str) -> None:
    started = time.monotonic()
    check(folder, document(folder, log={"level": "info", "formatter": formatter}))
    assert time.monotonic() - started < TIME_LIMIT / 2


def test_it_takes_no_port_and_leaves_nothing_behind(folder: Path) -> None:
    """The running registry has the port, its debug port and its socket."""
    ports = Ports()
    debug = {"addr": f"127.0.0.1:{ports.take()}"}
    for http in (
        {"addr": "127.0.0.1:1", "debug": debug},
        {"net": "unix", "addr": str(folder / "live.sock"), "debug": debug},
    ):
        check(folder, document(folder, http=http))
    assert [path.name for path in folder.iterdir()] == ["config.yml"]
    assert below(folder) == []
    ports.release()


def test_token_authentication_with_a_bundle(folder: Path) -> None:
    _, certificate = seeds.pair()
    bundle = folder / "registry.crt"
    bundle.write_text(certificate, encoding="ascii")
    token = {"realm": "r", "service": "s", "issuer": "i", "rootcertbundle": str(bundle)}
    check(folder, document(folder, auth={"token": token}))
    bundle.unlink()
    assert f'open token auth root certificate bundle file "{bundle}"' in refusal(
        folder, document(folder, auth={"token": token})
    )


FAULTS: list[tuple[str, Document]] = [
    ("no such level", {"log": {"level": "loud"}}),
    ("storage driver", {"storage": {"gcs": {"bucket": "b"}}}),
    ("no region", {"storage": {"s3": {"bucket": "b", "secretkey": "very-secret-key"}}}),
    ("two drivers", {"storage": {"filesystem": {}, "inmemory": {}}}),
    ("missing key of auth", {"auth": {"token": {"realm": "r"}}}),
    ("readonly", {"storage": {"inmemory": {}, "maintenance": {"readonly": True}}}),
    ("no redis", {"storage": {"inmemory": {}, "cache": {"blobdescriptor": "redis"}}}),
    ("middleware", {"middleware": {"registry": [{"name": "none-such"}]}}),
    ("version", {"version": 9}),
    ("a secret in the wrong place", {"http": {"secret": {"x": "very-secret-text"}}}),
]
SAYS = {
    "no such level": "invalid loglevel loud",
    "storage driver": "StorageDriver not registered: gcs",
    "no region": "no region parameter provided",
    "two drivers": "must provide exactly one storage type",
    "missing key of auth": "token auth requires a valid option string",
}


@pytest.mark.parametrize(("name", "changes"), FAULTS, ids=[name for name, _ in FAULTS])
def test_faults_are_told_in_the_registrys_own_words(folder: Path, name: str, changes: Document) -> None:
    said = refusal(folder, document(folder, **changes))
    assert SAYS.get(name, "") in said
    assert len(said) > 10
    assert "goroutine" not in said
    assert "logrus" not in said


def test_broken_yaml(folder: Path) -> None:
    assert "yaml: line" in refusal(folder, 'version: 0.1\nstorage: [\n  "very-secret-text": x: y\n')


def test_its_own_environment_counts_and_the_callers_does_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "loud")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent")
    check(folder, document(folder), SSL_CERT_DIR="/etc/ssl/certs")
    assert "loud" in refusal(folder, document(folder), REGISTRY_LOG_LEVEL="loud")


def test_missing_program_is_said(folder: Path) -> None:
    (folder / "config.yml").touch()
    with pytest.raises(PreflightError, match="/nowhere cannot be started"):
        registry_accepts(folder / "config.yml", program=Path("/nowhere"), user=None, environment={})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("user", ["docker-registry", "an-account-that-is-still-to-be-made"])
def test_it_is_asked_with_the_rights_of_its_user(folder: Path, user: str) -> None:
    private = folder / "private.crt"
    private.write_text(seeds.pair()[1], encoding="ascii")
    private.chmod(0o600)
    token = {"realm": "r", "service": "s", "issuer": "i", "rootcertbundle": str(private)}
    with pytest.raises(ValidationError, match="permission denied"):
        check(folder, document(folder, auth={"token": token}), user=user)
    private.chmod(0o644)
    check(folder, document(folder, auth={"token": token}), user=user)
