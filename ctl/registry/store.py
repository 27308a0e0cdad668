"""The client of a registry's storage, with the registry's own parameters, credentials and environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

from ctl.registry.config import RegistryConfig
from ctl.storage.made import open_store
from ctl.storage.store import Store


class _Setup(Protocol):
    @property
    def config(self) -> RegistryConfig: ...

    @property
    def storage(self) -> Path | None: ...


def store_of(setup: _Setup) -> Store:
    """The client of the storage of a registry.

    Raises:
        PreflightError: there is no client for its driver.
        StorageError: a parameter is refused.
    """
    config, given = setup.config, parameters(setup.config)
    if setup.storage is not None:
        given["rootdirectory"] = str(setup.storage)
    return open_store(config.driver, given, config.environment)


def parameters(config: RegistryConfig) -> dict[str, Any]:
    """The parameters of the storage driver: those of the file, and REGISTRY_STORAGE_* which win."""
    prefix = f"REGISTRY_STORAGE_{config.driver.upper()}_"
    more = {
        name.removeprefix(prefix).lower(): yaml.safe_load(value)
        for name, value in config.environment.items()
        if name.startswith(prefix)
    }
    given = dict(config.section("storage", config.driver)) | more
    key_file = given.get("keyfile")
    if isinstance(key_file, str):
        given["keyfile"] = str(config.path.parent / Path(key_file))
    return given


def same_place(one: tuple[str, Mapping[str, Any]], other: tuple[str, Mapping[str, Any]]) -> bool:
    """Whether two storages, each as (driver, parameters), keep their images in one place."""
    return _place(*one) == _place(*other)


def _place(driver: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    if driver == "filesystem":
        return ("filesystem", str(Path(str(given.get("rootdirectory"))).resolve()))
    names = ("bucket", "container", "accountname", "regionendpoint", "serviceurl")
    root = str(given.get("rootdirectory") or "").strip("/")
    return (
        driver.removesuffix("_v2").removesuffix("aws"),
        *(str(given.get(name) or "") for name in names),
        root,
    )
