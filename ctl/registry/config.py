"""What a garbage collection must know of the registry's config.yml."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.errors import CtlError, no_right_to_read
from ctl.registry.drivers import driver_of
from ctl.registry.reason import secrets_in

DEFAULT_ROOT = "/var/lib/registry"
"""rootdirectory of the filesystem driver where none is given (Distribution, driver/filesystem)."""
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")


@dataclass(frozen=True)
class RegistryConfig:
    """A registry's configuration.

    Args:
        path: the file.
        document: its content, as the file has it.
        environment: the registry's own environment, whose REGISTRY_* variables win over the file.
    """

    path: Path
    document: Mapping[str, Any]
    environment: Mapping[str, str]

    def section(self, *names: str) -> Mapping[str, Any]:
        """A section of the file by its path; empty where there is none."""
        found: object = self.document
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def driver(self) -> str:
        """The storage driver; "" where the file names none."""
        return driver_of(self.document.get("storage")) or ""

    @property
    def root(self) -> Path | None:
        """The folder of the images, if they are on this machine's disk."""
        if self.driver != "filesystem":
            return None
        given = self.environment.get("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY")
        return Path(given or self.section("storage", "filesystem").get("rootdirectory") or DEFAULT_ROOT)

    @property
    def cache(self) -> str:
        """The kind of descriptor cache, or ""; `layerinfo` is its older name."""
        section = self.section("storage", "cache")
        given = self.environment.get("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR")
        return str(given or section.get("blobdescriptor") or section.get("layerinfo") or "")

    @property
    def address(self) -> str | None:
        """Where it listens: "HOST:PORT", "unix:/path", or None where that is not known."""
        http = self.section("http")
        address = self.environment.get("REGISTRY_HTTP_ADDR") or http.get("addr")
        network = self.environment.get("REGISTRY_HTTP_NET") or http.get("net")
        if network == "unix" and address:
            return f"unix:{address}"
        # the registry itself refuses an address without a port
        return str(address) if str(address).rpartition(":")[2].isdecimal() else None

    @property
    def readonly(self) -> bool:
        """Whether it takes no pushes (storage.maintenance.readonly)."""
        given = self.environment.get("REGISTRY_STORAGE_MAINTENANCE_READONLY")
        section = self.section("storage", "maintenance", "readonly")
        if given is not None:
            return re.search(r"enabled:\s*true", given) is not None
        return section.get("enabled") is True

    @property
    def drain(self) -> float:
        """Seconds for which it finishes requests after TERM (http.draintimeout)."""
        given = self.environment.get("REGISTRY_HTTP_DRAINTIMEOUT") or self.section("http").get("draintimeout")
        return go_seconds(str(given or "0"))

    @property
    def database(self) -> bool:
        """Whether it keeps metadata in a database; `prefer` uses one wherever it can."""
        return uses_database(self._database)

    @property
    def database_required(self) -> bool:
        """Whether it keeps metadata in a database and nowhere else."""
        return self.database and str(self._database).strip().lower() != "prefer"

    @property
    def _database(self) -> object:
        return self.environment.get("REGISTRY_DATABASE_ENABLED", self.section("database").get("enabled"))

    @property
    def secrets(self) -> frozenset[str]:
        """Values that must never be shown."""
        return frozenset([*secrets_in(self.document), *secrets_in(dict(self.environment))])


def uses_database(enabled: object) -> bool:
    """Whether a value of `database.enabled` switches the metadata database on."""
    return str(enabled).strip().lower() in ("true", "prefer", "1", "t")


class ConfigMissing(CtlError):
    """There is no config.yml."""


def read_config(path: Path, environment: Mapping[str, str]) -> RegistryConfig:
    """Read a registry's configuration.

    Args:
        path: the file.
        environment: the registry's own environment.

    Raises:
        ConfigMissing: it does not exist.
        CtlError: it cannot be read or is no configuration of a registry; names the file.
    """
    try:
        raw = read_regular(path)
    except FileNotFoundError:
        raise ConfigMissing(f"{path} does not exist", hint="`ctl reconfigure` writes it.") from None
    except PermissionError:
        raise no_right_to_read(path) from None
    except OSError as error:
        raise CtlError(f"{path} cannot be read: {error.strerror}") from error
    document = _parsed(path, raw)
    if not isinstance(document, Mapping) or not driver_of(document.get("storage")):
        raise CtlError(f"{path} is no configuration of a registry: it has no storage section with a driver")
    return RegistryConfig(path, document, environment)


def read_regular(path: Path) -> bytes:
    """The content of a file. A FIFO or a device, which could let ctl wait for ever, is refused.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return file.read()


def _parsed(path: Path, raw: bytes) -> object:
    import yaml

    try:
        return yaml.safe_load(raw)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        # not `error` itself: it shows the line, which may hold a secret
        raise CtlError(
            f"{path}{where} is not valid YAML: {getattr(error, 'problem', 'unreadable')}"
        ) from None


def go_seconds(text: str) -> float:
    """A duration as Go writes it ("1m30s"), in seconds; a bare number is nanoseconds, anything else 0.

    A drain time without a unit is one of the registry's traps: "30" is accepted, and is next to nothing.
    """
    if re.fullmatch(r"\d+", text):
        return int(text) * 1e-9
    if not re.fullmatch(rf"(?:{_PART.pattern})+", text):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def read_environment(folder: Path) -> dict[str, str]:
    """The variables in a folder for `chpst -e`: one file a variable, its first line the value (chpst(8)).

    Raises:
        CtlError: a file may not be read. A missing folder holds no variables.
    """
    found = {}
    try:
        for path in sorted(folder.iterdir()):
            line = read_regular(path).partition(b"\n")[0]
            found[path.name] = line.rstrip(b" \t").replace(b"\0", b"\n").decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise no_right_to_read(error.filename) from None
    except OSError as error:
        raise CtlError(f"{error.filename} cannot be read: {error.strerror}") from error
    return found
