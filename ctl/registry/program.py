"""The registry program of this machine: its flavour, and which settings it cannot serve."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ctl.errors import PreflightError
from ctl.registry.launch import clean_environment
from ctl.settings.attributes import Attributes, OriginKind
from ctl.text.quoting import yaml as quoted

TIME_LIMIT = 20
"""Seconds that a program may take to answer; it takes some hundredths."""
_VERSION = re.compile(r"(?P<package>\S+) v?(?P<version>(?P<major>\d+)(?:\.\d+)*\S*)\s*")
NO_DRIVERS = frozenset({"cache", "delete", "redirect", "maintenance", "tag"})
"""Keys of `storage` that are no storage drivers."""
LOCAL_DRIVERS = ("filesystem", "inmemory")
"""Those that keep images on the registry's own machine."""


class Flavour(StrEnum):
    """The registries that ctl knows; the text is how people call them."""

    DISTRIBUTION_2 = "Distribution 2"
    DISTRIBUTION_3 = "Distribution 3"
    GITLAB = "GitLab's registry"
    UNKNOWN = "unknown registry"


@dataclass(frozen=True)
class RegistryProgram:
    """A registry program and what it says of itself.

    Args:
        path: absolute.
        flavour: of which project it is.
        version: as it prints it, "2.8.2+ds1".
    """

    path: Path
    flavour: Flavour
    version: str

    @property
    def knows_database(self) -> bool:
        """Whether it has a metadata database and all that belongs to it."""
        return self.flavour in (Flavour.GITLAB, Flavour.UNKNOWN)

    def __str__(self) -> str:
        kind = "" if self.flavour is Flavour.UNKNOWN else f", {self.flavour}"
        return f"{self.path} (version {self.version}{kind})"


@functools.cache
def identify(path: Path) -> RegistryProgram:
    """Ask a program for its version; it is run once a process.

    Raises:
        PreflightError: it cannot be run, or says nothing that a registry says.
    """
    done = _run(path, "--version")
    return parse_version(path, done.stdout or done.stderr)


def flavour_of(path: Path) -> Flavour:
    """Of which project a program is; where it cannot be told, as where there is none, the distribution's own."""
    try:
        return identify(path).flavour
    except PreflightError:
        return Flavour.DISTRIBUTION_2


def _run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end, in a clean environment. Raises PreflightError where that cannot be."""
    try:
        return subprocess.run(
            [str(path), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT,
            check=False,
            stdin=subprocess.DEVNULL,
            env=clean_environment({}),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"it did not end within {TIME_LIMIT} s"
        raise PreflightError(f"registry program {path}: {reason}", hint=_CHECK_EXECUTABLE) from error


_CHECK_EXECUTABLE = 'registry["executable"] must name a container registry: apt-get install docker-registry'


def parse_version(path: Path, text: str) -> RegistryProgram:
    """Read what `--version` prints.

    Args:
        path: the program.
        text: as "docker-registry github.com/docker/distribution 2.8.2+ds1".

    Raises:
        PreflightError: a registry says something else.
    """
    first = text.strip().partition("\n")[0]
    match = _VERSION.search(first)
    if match is None or len(first.split()) < 2:
        raise PreflightError(f"{path} does not look like a registry program", hint=_CHECK_EXECUTABLE)
    return RegistryProgram(path, _flavour(match["package"], int(match["major"])), match["version"])


def _flavour(package: str, major: int) -> Flavour:
    if "gitlab" in package:
        return Flavour.GITLAB
    if package.startswith("github.com/distribution/") and major >= 3:
        return Flavour.DISTRIBUTION_3
    if "/distribution" in package and major < 3:
        return Flavour.DISTRIBUTION_2
    # GitLab's registry kept the module path of Distribution 2 (go.mod of container-registry)
    return Flavour.GITLAB if package == "github.com/docker/distribution" else Flavour.UNKNOWN


_DRIVER_OWNERS: Mapping[str, str] = {
    "azure": "Distribution 3 or GitLab's registry",
    "gcs": "Distribution 3 or GitLab's registry",
    "oss": "a Distribution 2 that was built with it",
    "s3_v2": "GitLab's registry",
    "swift": "Distribution 2",
}
"""Which programs have the drivers that not every one has."""


def refusals(attributes: Attributes, program: RegistryProgram) -> list[str]:
    """What the administrator set that this program would silently ignore, or cannot do.

    Args:
        attributes: only settings that the settings file gave count.
        program: as `identify` found it.

    Returns:
        One sentence a setting, which says what program it needs; empty where all is well.

    Raises:
        PreflightError: the program cannot be run.
    """
    found = [
        f"{place}{setting} needs {owner}: {program} ignores it"
        for option, setting, owner in _ignored_keys(attributes.registry, program)
        if (place := _given(attributes, option)) is not None
    ]
    place, driver = _given(attributes, "registry.storage"), driver_of(attributes.registry.storage)
    if place is not None and driver and not has_driver(program.path, driver):
        owner = _DRIVER_OWNERS.get(driver, "another registry program")
        found.append(f'{place}registry["storage"]["{driver}"] needs {owner}: {program} has no such driver')
    return found


def driver_of(storage: object) -> str | None:
    """The storage driver that a `storage` section names, or None."""
    if isinstance(storage, str):
        return storage
    names = storage if isinstance(storage, Mapping) else {}
    return next((str(name) for name in names if name not in NO_DRIVERS), None)


def _given(attributes: Attributes, option: str) -> str | None:
    """Where the settings file gave an option, as "file:1:1: "; None where it did not."""
    origin = attributes.origin(option)
    if origin.kind is not OriginKind.FILE:
        return None
    return f"{origin.location}: " if origin.location else ""


def _ignored_keys(registry: Mapping[str, Any], program: RegistryProgram) -> Iterator[tuple[str, str, str]]:
    """Each setting that is in force and that the program passes over: its option, its spelling, who knows it."""
    if not program.knows_database:
        yield from (
            (option, setting, Flavour.GITLAB.value) for option, setting in _known_to_gitlab_only(registry)
        )
    if program.flavour is Flavour.DISTRIBUTION_3:
        yield from (
            (option, setting, Flavour.DISTRIBUTION_2.value) for option, setting in _given_up_in_3(registry)
        )
    for name, owner in _of_redis(registry["redis"] or {}, program.flavour):
        yield "registry.redis", f'registry["redis"]["{name}"]', owner


def _known_to_gitlab_only(registry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if _on(registry["database"], default=False):
        yield "registry.database", 'registry["database"]'
    if registry["gc"] and not _true(registry["gc"].get("disabled")):
        yield "registry.gc", 'registry["gc"]'
    for name in ("cache", "loadbalancing"):
        if _on((registry["redis"] or {}).get(name), default=False):
            yield "registry.redis", f'registry["redis"]["{name}"]'
    yield from _reporting(registry, lambda name: name not in _REPORTERS_OF_2)


def _of_redis(redis: Mapping[str, Any], flavour: Flavour) -> Iterator[tuple[str, str]]:
    """What the program would not do in its way to Redis, and go on without: each with who does it.

    Distribution 2 knows one server and a password (configuration.go, Redis): with `tls` it sends that password
    unencrypted all the same. Distribution 3 takes no certificate that it cannot check.
    """
    tls = redis.get("tls") or {}
    if flavour is Flavour.DISTRIBUTION_2:
        wanted = {name: redis.get(name) for name in _NEWER_REDIS}
        wanted["tls"] = _on(tls, default=bool(tls))
        wanted["addr"] = "," in str(redis.get("addr", ""))
        wanted["addrs"] = len(redis.get("addrs") or ()) > 1
        owner = f"{Flavour.DISTRIBUTION_3} or {Flavour.GITLAB}"
        yield from ((name, owner) for name, given in wanted.items() if given)
    if flavour is Flavour.DISTRIBUTION_3 and _true(tls.get("insecure")):
        yield 'tls"]["insecure', Flavour.GITLAB.value


_NEWER_REDIS = ("username", "mainname", "mastername")

_REPORTERS_OF_2 = ("bugsnag", "newrelic")


def _given_up_in_3(registry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What Distribution 2 serves and 3 does not (configuration.go of both)."""
    if registry["compatibility_schema1_enabled"]:
        name = "compatibility_schema1_enabled"
        yield f"registry.{name}", f'registry["{name}"]'
    yield from _reporting(registry, lambda name: name in _REPORTERS_OF_2)


def _reporting(registry: Mapping[str, Any], wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    for name, block in sorted((registry["reporting"] or {}).items()):
        if wanted(name) and _on(block, default=True):
            yield "registry.reporting", f'registry["reporting"]["{name}"]'


def _on(block: object, *, default: bool) -> bool:
    """Whether a block with an `enabled` key is in force; "prefer" is."""
    if not isinstance(block, Mapping):
        return bool(block)
    enabled = block.get("enabled", default)
    return enabled == "prefer" or _true(enabled)


def _true(value: object) -> bool:
    return value is True or str(value).lower() == "true"


@functools.cache
def has_driver(program: Path, driver: str) -> bool:
    """Whether a program was built with a storage driver: it says so itself, before it looks at any storage.

    A table would be wrong for the next build: drivers are chosen when the program is compiled.

    Raises:
        PreflightError: the program cannot be run.
    """
    if driver in LOCAL_DRIVERS:
        return True
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(f"version: 0.1\nstorage:{quoted({driver: {}})}\n")
        config.flush()
        done = _run(program, "garbage-collect", "--dry-run", config.name)
    return "StorageDriver not registered" not in done.stdout + done.stderr
