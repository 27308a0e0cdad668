"""What ctl must know of a registry program; this class stands for one that it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ctl.registry import token

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from ctl.settings.named import Registry

_OPTIONAL = ("database", "gc", "redis", "reporting", "middleware")
_LOGS_ITS_FINDINGS = {"REGISTRY_LOG_LEVEL": "info", "REGISTRY_LOG_FORMATTER": "json"}


@dataclass(frozen=True)
class Unsupported:
    """A setting in force that a program does not support.

    Args:
        option: "registry.redis".
        setting: as it is spelled, 'registry["redis"]["cache"]'.
        needs: which programs support it.
    """

    option: str
    setting: str
    needs: str


@dataclass(frozen=True)
class RegistryProgram:
    """A registry program.

    Args:
        path: absolute.
        version: as it prints it, "2.8.2+ds1".

    Attributes:
        title: how people call it; "" for one that is not known.
        drivers: storage drivers that not every program has, and this one usually has.
        storage_parameters: what it reads of a driver and of what is beside it; nothing is said of other parts.
        takes_schema1: whether it takes manifests of schema 1 where it is asked to.
        key_file: name of the file with the keys of tokens, in the registry's folder, or None.
        service_environment: variables that it needs unless registry["env"] has some with the same prefix.
        collector_environment: what lets its collector report what it finds.
    """

    path: Path
    version: str
    title: ClassVar[str] = ""
    drivers: ClassVar[Set[str]] = frozenset()
    storage_parameters: ClassVar[Mapping[str, Set[str]]] = {}
    takes_schema1: ClassVar[bool] = True
    key_file: ClassVar[str | None] = None
    service_environment: ClassVar[Mapping[str, str]] = {}
    collector_environment: ClassVar[Mapping[str, str]] = _LOGS_ITS_FINDINGS

    def __str__(self) -> str:
        return f"{self.path} (version {self.version}{self.title and f', {self.title}'})"

    def key_set(self, folder: str) -> Path | None:
        """The file of the keys of tokens, or None where the program reads none.

        Args:
            folder: registry["dir"].
        """
        return Path(folder) / self.key_file if self.key_file else None

    def name_key(self, public: PublicKeyTypes) -> str:
        """The name by which it finds the key of a token, if all that it has is the certificate."""
        return token.key_id(public)

    def sections(self, registry: Registry) -> dict[str, Any]:
        """The sections of config.yml that settings hold whole, in the program's words.

        Args:
            registry: the settings, resolved.

        Returns:
            `storage`, and those of database, gc, redis, reporting and middleware that are there.
        """
        found = {name: registry[name] for name in ("storage", *_OPTIONAL) if registry[name]}
        found["storage"] = self.storage(found["storage"])
        if "redis" in found:
            found["redis"] = self.redis(found["redis"])
        return found

    def storage(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The section `storage`."""
        return dict(given)

    def redis(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The section `redis`: one text for all addresses, which GitLab's registry divides by commas."""
        if "addr" in given or "addrs" not in given:
            return dict(given)
        first = {"addr": ",".join(given["addrs"])}
        return first | {name: value for name, value in given.items() if name != "addrs"}

    def validation(self, *, enabled: bool) -> dict[str, Any]:
        """The section `validation`: whether layers may be at URLs elsewhere.

        Args:
            enabled: registry["validation_enabled"].
        """
        return {"disabled": not enabled}

    def redis_settings(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What it reads of a `redis` section."""
        return given

    def redis_addresses(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """The addresses in a `redis` section."""
        listed = given.get("addrs")
        return texts(listed) if listed else split_addresses(given)

    def unsupported(self, registry: Mapping[str, Any]) -> Iterator[Unsupported]:
        """Settings in force that it would ignore though they were set on purpose.

        Args:
            registry: the settings, resolved.
        """
        yield from ()

    def migrates(self, registry: Registry) -> bool:
        """Whether a run brings the schema of the program's database up to date."""
        return False


def texts(listed: object) -> tuple[str, ...]:
    """A list as texts; nothing where it is none."""
    return tuple(str(one) for one in listed) if isinstance(listed, list) else ()


def split_addresses(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of `addr`, which may name several servers parted by commas."""
    return tuple(part.strip() for part in str(given.get("addr") or "").split(",") if part.strip())


def is_on(block: object, *, default: bool) -> bool:
    """Whether a block with an `enabled` key is in force; "prefer" is."""
    if not isinstance(block, Mapping):
        return bool(block)
    enabled = block.get("enabled", default)
    return enabled == "prefer" or is_true(enabled)


def is_true(value: object) -> bool:
    """Whether a setting is true, also as text."""
    return value is True or str(value).lower() == "true"
