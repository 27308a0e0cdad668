"""Which registry program it is, and the settings that it does not support."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ctl.errors import PreflightError
from ctl.language.source import Location
from ctl.registry.programs import Distribution2, Distribution3, GitlabRegistry, RegistryProgram, identify
from ctl.registry.programs.identify import parse_version
from ctl.registry.programs.run import has_driver
from ctl.registry.support import unsupported_settings
from ctl.settings.attributes import Attributes, Origin, OriginKind, Section
from tests.harness.registries import Registry

PROGRAM = Path("/usr/bin/registry")


@pytest.mark.parametrize(
    ("text", "kind", "version"),
    [
        ("docker-registry github.com/docker/distribution 2.8.2+ds1", Distribution2, "2.8.2+ds1"),
        ("registry github.com/docker/distribution v2.8.3", Distribution2, "2.8.3"),
        ("/bin/registry github.com/distribution/distribution/v3 3.1.1", Distribution3, "3.1.1"),
        (
            "./r github.com/distribution/distribution/v3 v3.0.0+unknown",
            Distribution3,
            "3.0.0+unknown",
        ),
        (
            "registry gitlab.com/gitlab-org/container-registry v4.9.0-gitlab",
            GitlabRegistry,
            "4.9.0-gitlab",
        ),
        ("registry github.com/docker/distribution v4.15.2-gitlab", GitlabRegistry, "4.15.2-gitlab"),
        ("registry-tags github.com/docker/distribution v2.13.1-gitlab", GitlabRegistry, "2.13.1-gitlab"),
        ("registry-tags github.com/docker/distribution v3.86.0-gitlab", GitlabRegistry, "3.86.0-gitlab"),
        ("registry example.com/fork v1.0", RegistryProgram, "1.0"),
    ],
)
def test_version_names_the_program(text: str, kind: type[RegistryProgram], version: str) -> None:
    program = parse_version(PROGRAM, text + "\n")
    assert (type(program), program.version) == (kind, version)


HELP = """Usage:
  registry [flags]
  registry [command]

Available Commands:
  garbage-collect
  serve           `serve` stores and distributes Docker images
"""


@pytest.mark.parametrize(
    ("printed", "commands", "kind"),
    [
        (
            "registry-tags github.com/docker/distribution unknown",
            HELP + "  database  manages it",
            GitlabRegistry,
        ),
        ("registry github.com/docker/distribution unknown", HELP, Distribution2),
        ("registry github.com/distribution/distribution/v3 (devel)", HELP, Distribution3),
        ("registry github.com/distribution/distribution/v3", HELP, Distribution3),
        ("registry gitlab.com/gitlab-org/container-registry unknown", "", GitlabRegistry),
    ],
)
def test_a_build_without_a_version_is_asked_for_its_commands(
    tmp_path: Path, printed: str, commands: str, kind: type[RegistryProgram]
) -> None:
    (tmp_path / "help").write_text(commands, encoding="utf-8")
    path = script(tmp_path, f'[ "$1" = --version ] && exec echo "{printed}"', f"exec cat {tmp_path}/help")
    found = identify(path)
    assert (type(found), found.version) == (kind, "unknown")


@pytest.mark.parametrize("text", ["", "usage: something", "hello"])
def test_other_programs_are_refused(text: str) -> None:
    with pytest.raises(PreflightError, match="does not look like a registry program"):
        parse_version(PROGRAM, text)


def script(folder: Path, *lines: str) -> Path:
    path = folder / "registry"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    path.chmod(0o755)
    return path


def test_version_is_asked_once(tmp_path: Path) -> None:
    path = script(
        tmp_path, f"echo x >> {tmp_path}/runs", "echo registry github.com/docker/distribution 2.8.2"
    )
    assert isinstance(identify(path), Distribution2)
    assert identify(path) is identify(path)
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "x\n"


def test_program_sees_nothing_of_the_callers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "bad")
    path = script(tmp_path, 'echo "registry github.com/docker/distribution 2.8$REGISTRY_LOG_LEVEL"')
    assert identify(path).version == "2.8"


def test_program_that_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="No such file"):
        identify(tmp_path / "nowhere")


DEFAULTS: Mapping[str, Any] = {
    "compatibility_schema1_enabled": False,
    "database": None,
    "gc": None,
    "redis": None,
    "reporting": None,
    "storage": {"filesystem": {"rootdirectory": "/images"}},
}


def attributes(*, given: bool = True, **registry: Any) -> Attributes:  # noqa: ANN401
    place = Location(Path("gitlab.py"), 3)
    origin = Origin(OriginKind.FILE, place) if given else Origin(OriginKind.DEFAULT)
    origins = {
        f"registry.{name}": origin if name in registry else Origin(OriginKind.DEFAULT) for name in DEFAULTS
    }
    return Attributes({"registry": Section({**DEFAULTS, **registry})}, origins=origins)


def debian(folder: Path, *drivers: str) -> Path:
    """A program that has these drivers, and says of others what the real ones say."""
    return script(
        folder,
        '[ "$1" = --version ] && exec echo docker-registry github.com/docker/distribution 2.8.2+ds1',
        f"for driver in {' '.join(drivers)}; do grep -q $driver $3 && exit 1; done",
        "echo failed to construct driver: StorageDriver not registered: it >&2",
        "exit 1",
    )


IN_FORCE: list[tuple[str, dict[str, Any]]] = [
    ("database", {"database": {"enabled": True}}),
    ("database", {"database": {"enabled": "prefer"}}),
    ("gc", {"gc": {"interval": "24h"}}),
    ('redis"]["cache', {"redis": {"cache": {"enabled": True}}}),
    ('redis"]["loadbalancing', {"redis": {"loadbalancing": {"enabled": True}}}),
    ('reporting"]["sentry', {"reporting": {"sentry": {"dsn": "https://secret@x"}}}),
]
HARMLESS: list[dict[str, Any]] = [
    {"database": {"enabled": "false"}},
    {"database": {"enabled": False}},
    {"gc": {"disabled": True}},
    {"redis": {"addr": "127.0.0.1:6379", "cache": {"enabled": False}}},
    {"reporting": {"bugsnag": {"apikey": "x"}}},
    {"reporting": {"sentry": {"enabled": False}}},
    {"storage": {"filesystem": {}, "delete": {"enabled": True}}},
]


@pytest.mark.parametrize(("name", "registry"), IN_FORCE)
def test_settings_that_are_ignored_are_refused(tmp_path: Path, name: str, registry: dict[str, Any]) -> None:
    (output,) = unsupported_settings(attributes(**registry), identify(debian(tmp_path)))
    assert output.startswith(f'gitlab.py:3:1: registry["{name}"] needs GitLab\'s registry')
    assert "2.8.2+ds1" in output
    assert "secret" not in output


@pytest.mark.parametrize("registry", [registry for _, registry in IN_FORCE])
def test_settings_that_nobody_gave_are_not_refused(tmp_path: Path, registry: dict[str, Any]) -> None:
    assert unsupported_settings(attributes(given=False, **registry), identify(debian(tmp_path))) == []


@pytest.mark.parametrize("registry", [registry for _, registry in IN_FORCE])
def test_gitlabs_registry_serves_them(registry: dict[str, Any]) -> None:
    program = parse_version(PROGRAM, "registry gitlab.com/gitlab-org/container-registry v4.9.0")
    assert unsupported_settings(attributes(**registry), program) == []


NEWER_REDIS: list[tuple[str, dict[str, Any]]] = [
    ("tls", {"addr": "a:1", "tls": {"enabled": True}}),
    ("tls", {"addr": "a:1", "tls": {"rootcas": ["/ca.crt"]}}),
    ("username", {"addr": "a:1", "username": "me"}),
    ("mainname", {"addr": "a:1", "mainname": "main"}),
    ("addr", {"addr": "a:1,b:2"}),
    ("addrs", {"addrs": ["a:1", "b:2"]}),
]


@pytest.mark.parametrize(("name", "redis"), NEWER_REDIS)
def test_ways_to_redis_that_distribution_2_does_not_go(
    tmp_path: Path, name: str, redis: dict[str, Any]
) -> None:
    (output,) = unsupported_settings(attributes(redis=redis), identify(debian(tmp_path)))
    assert f'registry["redis"]["{name}"] needs Distribution 3 or GitLab' in output
    for version in ("github.com/distribution/distribution/v3 v3.1.1", "gitlab.com/container-registry v4.9.0"):
        assert (
            unsupported_settings(attributes(redis=redis), parse_version(PROGRAM, f"registry {version}")) == []
        )


def test_certificates_that_distribution_3_would_check_all_the_same() -> None:
    settings = attributes(redis={"addr": "a:1", "tls": {"enabled": True, "insecure": True}})
    program = parse_version(PROGRAM, "registry github.com/distribution/distribution/v3 v3.1.1")
    (output,) = unsupported_settings(settings, program)
    assert 'registry["redis"]["tls"]["insecure"] needs GitLab' in output


GIVEN_UP: list[tuple[str, dict[str, Any]]] = [
    ("compatibility_schema1_enabled", {"compatibility_schema1_enabled": True}),
    ('reporting"]["bugsnag', {"reporting": {"bugsnag": {"apikey": "secret"}}}),
    ('reporting"]["newrelic', {"reporting": {"newrelic": {"licensekey": "secret"}}}),
]


@pytest.mark.parametrize(("name", "registry"), GIVEN_UP)
def test_settings_that_distribution_3_gave_up_are_refused(name: str, registry: dict[str, Any]) -> None:
    settings = attributes(**registry)
    version = "github.com/distribution/distribution/v3 v3.1.1"
    (output,) = unsupported_settings(settings, parse_version(PROGRAM, f"registry {version}"))
    assert output.startswith(f'gitlab.py:3:1: registry["{name}"] needs Distribution 2: ')
    assert output.endswith("(version 3.1.1, Distribution 3) ignores it")
    assert (
        unsupported_settings(
            settings, parse_version(PROGRAM, "registry github.com/docker/distribution v2.8.3")
        )
        == []
    )


@pytest.mark.parametrize("registry", HARMLESS)
def test_settings_without_effect_are_not_refused(tmp_path: Path, registry: dict[str, Any]) -> None:
    assert unsupported_settings(attributes(**registry), identify(debian(tmp_path))) == []


def test_missing_driver_is_refused_and_says_who_has_it(tmp_path: Path) -> None:
    program = identify(debian(tmp_path, "s3"))
    (output,) = unsupported_settings(attributes(storage={"gcs": {"bucket": "b"}, "delete": {}}), program)
    assert 'registry["storage"]["gcs"] needs Distribution 3 or GitLab' in output
    assert unsupported_settings(attributes(storage={"s3": {"bucket": "b"}}), program) == []


def test_all_that_is_refused_is_reported_at_once(tmp_path: Path) -> None:
    settings = attributes(storage={"azure": {}}, gc={"interval": "1h"}, database={"enabled": True})
    assert len(unsupported_settings(settings, identify(debian(tmp_path)))) == 3


DRIVERS = ("azure", "filesystem", "gcs", "inmemory", "oss", "s3", "s3_v2", "s3aws", "swift")
HAVE = {
    2: {"filesystem", "inmemory", "s3", "s3aws", "swift"},
    3: {"azure", "filesystem", "gcs", "inmemory", "s3", "s3aws"},
}


@pytest.mark.real
def test_programs_report_what_they_are_and_have(registry_program: Registry) -> None:
    found = identify(registry_program.program)
    assert type(found) is {2: Distribution2, 3: Distribution3}[registry_program.major]
    assert found.version.startswith({2: "2.8", 3: "3.1.1"}[registry_program.major])
    have = {driver for driver in DRIVERS if has_driver(found.path, driver)}
    assert have == HAVE[registry_program.major]
