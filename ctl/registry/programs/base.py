"""What ctl must know of a registry program; this class is one that it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ctl.registry import token
from ctl.registry.config import RegistryConfig
from ctl.settings.attributes import Attributes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from ctl.settings.named import Registry

RETRIES = ("threshold", "maxretries")
_SHOWN = 3
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
class Ignored:
    """A setting without the effect that it was given for.

    Args:
        option: "registry.notifications".
        message: what about it.
        hint: what to write instead.
    """

    option: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class RegistryProgram:
    """A registry program.

    Args:
        path: absolute.
        version: as it prints it, "2.8.2+ds1".

    Attributes:
        title: how people call it; "" for one that is not known.
        drivers: storage drivers that not every program has, and this one usually has.
        storage_parameters: what it reads of a driver and of what is beside it; other parts are not known.
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
        if "database" in found:
            found["database"] = {**found["database"], "enabled": _switch(found["database"].get("enabled"))}
        return found

    def notifications(self, attributes: Attributes) -> list[dict[str, Any]]:
        """The section `notifications.endpoints`.

        Args:
            attributes: of the node; endpoints have what the settings give them, but for retries.
        """
        return [
            endpoint(one, self.retries(one, attributes)) for one in attributes.registry.notifications or []
        ]

    def retries(self, given: Mapping[str, Any], attributes: Attributes) -> dict[str, int]:
        """What an endpoint has of `threshold` and `maxretries`.

        Args:
            given: the endpoint.
            attributes: whose defaults are for endpoints without any.
        """
        if "maxretries" not in given and "threshold" in given:
            return {"threshold": given["threshold"]}
        return {"maxretries": given.get("maxretries", attributes.registry.default_notifications_maxretries)}

    def ignored_notifications(self, attributes: Attributes) -> Iterator[Ignored]:
        """Settings of notifications that it does not know, or has given up."""
        yield from ()

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

    def trial_environment(self, config: RegistryConfig) -> dict[str, str]:
        """Variables with which a trial run of a configuration leaves nothing behind."""
        return {}

    def pardons(self, config: RegistryConfig, reason: str) -> bool:
        """Whether a trial run may end for a reason that comes from these variables alone."""
        return False

    def check_database(self, config: RegistryConfig, *, user: str | None, migrates: bool) -> None:
        """Ask whether the database of a configuration can be used, where there is one.

        Args:
            config: planned, readable by the user.
            user: whose rights the program gets, or None for the caller's.
            migrates: whether pending migrations will be applied before the program starts.

        Raises:
            ValidationError: it cannot; with the program's reason.
        """


def endpoint(given: Mapping[str, Any], retries: Mapping[str, int]) -> dict[str, Any]:
    """A notification endpoint with these retries after its timeout, and no others."""
    named = {name: value for name, value in given.items() if name not in RETRIES}
    first: dict[str, Any] = {name: named.pop(name) for name in ("name", "url", "timeout") if name in named}
    return {**first, **retries, **named}


def names_with(endpoints: Sequence[Mapping[str, Any]]) -> str:
    """The names of some endpoints, of many the first ones."""
    more = len(endpoints) - _SHOWN
    return ", ".join(str(one.get("name")) for one in endpoints[:_SHOWN]) + (
        f" and {more} more" if more > 0 else ""
    )


def _switch(enabled: object) -> object:
    """A boolean where the settings have it as text, which the program refuses; "prefer" is one of its words."""
    return {"true": True, "false": False}.get(str(enabled).lower(), enabled)


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
