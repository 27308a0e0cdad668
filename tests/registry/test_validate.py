"""The registry itself accepts a configuration, or says why not, without its secrets and without side effects."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ctl.errors import PreflightError, ValidationError
from ctl.registry import validate
from ctl.registry.programs import program_at
from ctl.registry.validate import registry_accepts
from tests.harness import seeds
from tests.harness.ports import Ports
from tests.harness.processes import below
from tests.harness.registries import Registry

pytestmark = pytest.mark.real

ACCOUNT = "docker-registry" if os.geteuid() == 0 else None
Document = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What a registry is asked.

    Args:
        program: the path of the registry.
        folder: where its configuration is; its user can enter it.
    """

    program: Path
    folder: Path

    def document(self, **changes: Any) -> Document:  # noqa: ANN401
        """A good configuration, with other sections in the place of some."""
        return {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "images")}},
            "http": {"addr": "127.0.0.1:5000", "secret": "very-secret-text"},
        } | changes

    def check(self, content: Document | str, *, user: str | None = ACCOUNT, **environment: str) -> None:
        """Ask."""
        config = self.folder / "config.yml"
        config.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        registry_accepts(config, program=program_at(self.program), user=user, environment=environment)

    def refusal(self, content: Document | str, **environment: str) -> str:
        """Ask, and return the reason of the refusal."""
        with pytest.raises(ValidationError) as caught:
            self.check(content, **environment)
        assert caught.value.message.startswith("the registry refuses config.yml: ")
        assert "\n" not in caught.value.message
        assert "secret" not in caught.value.message
        return caught.value.message.removeprefix("the registry refuses config.yml: ")


@pytest.fixture
def question(registry_program: Registry) -> Iterator[Question]:
    """Each registry program, and a folder."""
    with TemporaryDirectory(prefix="ctl-validate-") as name:
        Path(name).chmod(0o755)
        yield Question(registry_program.program, Path(name))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> bytearray:
    """What the program printed until the check was over; it waits for as long as the program takes."""
    printed, read = bytearray(), os.read

    def reading(descriptor: int, size: int) -> bytes:
        part = read(descriptor, size)
        printed.extend(part)
        return part

    monkeypatch.setattr(os, "read", reading)
    monkeypatch.setattr(validate, "TIME_LIMIT", 60.0)
    return printed


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
def test_good_configuration_is_accepted_at_its_word_whatever_its_log_level(
    question: Question, heard: bytearray, level: str
) -> None:
    question.check(question.document(log={"level": level}))
    assert b"listening on " in heard


@pytest.mark.parametrize("formatter", ["text", "json", "logstash"])
def test_every_log_format_is_understood(question: Question, heard: bytearray, formatter: str) -> None:
    question.check(question.document(log={"level": "info", "formatter": formatter}))
    assert b"listening on " in heard


def test_it_takes_no_port_and_leaves_nothing_behind(question: Question) -> None:
    """The running registry has the port, its debug port and its socket."""
    ports = Ports()
    debug = {"addr": f"127.0.0.1:{ports.take()}"}
    for http in (
        {"addr": "127.0.0.1:1", "debug": debug},
        {"net": "unix", "addr": str(question.folder / "live.sock"), "debug": debug},
    ):
        question.check(question.document(http=http))
    assert [path.name for path in question.folder.iterdir()] == ["config.yml"]
    assert below(question.folder) == []
    ports.release()


def test_token_authentication_with_a_bundle(question: Question) -> None:
    _, certificate = seeds.pair()
    bundle = question.folder / "registry.crt"
    bundle.write_text(certificate, encoding="ascii")
    token = {"realm": "r", "service": "s", "issuer": "i", "rootcertbundle": str(bundle)}
    question.check(question.document(auth={"token": token}))
    bundle.unlink()
    assert f'open token auth root certificate bundle file "{bundle}"' in question.refusal(
        question.document(auth={"token": token})
    )


FAULTS: list[tuple[str, Document]] = [
    ("no such level", {"log": {"level": "loud"}}),
    ("storage driver", {"storage": {"oss": {"bucket": "b"}}}),
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
    "storage driver": "StorageDriver not registered: oss",
    "no region": "no region parameter provided",
    "two drivers": "must provide exactly one storage type",
    "missing key of auth": "token auth requires a valid option string",
}


@pytest.mark.parametrize(("name", "changes"), FAULTS, ids=[name for name, _ in FAULTS])
def test_faults_are_reported_in_the_registrys_own_words(
    question: Question, name: str, changes: Document
) -> None:
    output = question.refusal(question.document(**changes))
    assert SAYS.get(name, "") in output
    assert len(output) > 10
    assert "goroutine" not in output
    assert "logrus" not in output


def test_broken_yaml(question: Question) -> None:
    assert "yaml: line" in question.refusal('version: 0.1\nstorage: [\n  "very-secret-text": x: y\n')


def test_its_own_environment_counts_and_the_callers_does_not(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "loud")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent")
    question.check(question.document(), SSL_CERT_DIR="/etc/ssl/certs")
    assert "loud" in question.refusal(question.document(), REGISTRY_LOG_LEVEL="loud")


def test_missing_program_is_reported(question: Question) -> None:
    (question.folder / "config.yml").touch()
    with pytest.raises(PreflightError, match="/nowhere cannot be started"):
        registry_accepts(
            question.folder / "config.yml", program=program_at(Path("/nowhere")), user=None, environment={}
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("user", ["docker-registry", "an-account-that-is-still-to-be-made"])
def test_it_is_asked_with_the_rights_of_its_user(question: Question, user: str) -> None:
    private = question.folder / "private.crt"
    private.write_text(seeds.pair()[1], encoding="ascii")
    private.chmod(0o600)
    token = {"realm": "r", "service": "s", "issuer": "i", "rootcertbundle": str(private)}
    with pytest.raises(ValidationError, match="permission denied"):
        question.check(question.document(auth={"token": token}), user=user)
    private.chmod(0o644)
    question.check(question.document(auth={"token": token}), user=user)
