"""What settings newly do to a cache in Redis or to storage, and the registry does not report: it goes on without the
cache, or with what that knows of other storage; it serves files though their tags are in a database, or a database
that knows none of the images."""

from __future__ import annotations

import os
from pathlib import Path

from ctl.collector.layout import DATABASE_LOCK, REPOSITORIES
from ctl.errors import CtlError, PreflightError
from ctl.language.source import Diagnostic, Severity
from ctl.node.node import Node
from ctl.registry.config import RegistryConfig, read_config, read_environment
from ctl.registry.programs import RegistryProgram, program_at

_VARIABLES = "REGISTRY_REDIS_"
_PLACE = ("rootdirectory", "bucket", "container", "accountname", "regionendpoint", "endpoint", "serviceurl")
"""Parameters of storage drivers that say where images are; the others say how they are reached."""


def cache_warnings(node: Node) -> list[Diagnostic]:
    """A warning where Redis does not do what the cache needs of it, or holds what is no longer so; none where nothing
    about it changes.

    No error: images are served without it too, and it may be started later.

    Args:
        node: with the new settings.
    """
    attributes = node.attributes
    registry, program = attributes.registry, program_at(node.programs.registry)
    planned = _planned(node, program)
    if not registry.enable or planned.cache != "redis":
        return []
    current = _current(planned.path, Path(registry.env_directory))
    if current is None or _to_redis(current) != _to_redis(planned):
        problem = _unusable(planned, program)
    else:
        problem = _OF_OTHER_STORAGE if _place(current) != _place(planned) else ""
    place = attributes.origin("registry.redis").location
    return [Diagnostic(problem, place, "registry.redis", severity=Severity.WARNING)] if problem else []


def _planned(node: Node, program: RegistryProgram) -> RegistryConfig:
    registry = node.attributes.registry
    return RegistryConfig(
        Path(registry.dir) / "config.yml",
        program.sections(registry),
        {name: str(value) for name, value in registry.env.items()},
    )


def refuse_other_metadata(node: Node) -> None:
    """Refuse to serve storage without the metadata database that manages it, or with one that was not imported into.

    GitLab's registry writes a file into the storage when it first serves with a database. With `prefer` it chooses
    by itself. Storage elsewhere than on this machine's disk is not looked at.

    Args:
        node: with the new settings.

    Raises:
        PreflightError: names that file, and the way on.
    """
    planned = _planned(node, program_at(node.programs.registry))
    if planned.root is None:
        return
    lock, place = planned.root / DATABASE_LOCK, node.attributes.origin("registry.database").location
    managed, at = os.path.lexists(lock), f"{place}: " if place else ""
    if managed and not planned.database:
        raise PreflightError(
            f"{at}the images of {planned.root} are recorded in a metadata database ({lock} exists), and "
            'registry["database"] does not enable it: they would not be found',
            hint='Give registry["database"] again; or, if the database was given up for good, remove that file.',
        )
    if planned.database_required and not managed and _has_repositories(planned.root):
        raise PreflightError(
            f'{at}registry["database"] is enabled, and the images of {planned.root} were not imported into it '
            f"({lock} does not exist): they would not be found, and what they share would be deleted",
            hint=f"Import them first: registry database import {planned.path}; then: touch {lock}",
        )


def _has_repositories(root: Path) -> bool:
    try:
        return any((root / REPOSITORIES).iterdir())
    except FileNotFoundError:
        return False


_OF_OTHER_STORAGE = (
    "this cache still knows the images of the storage that was in use until now: clients do not push what it says is "
    "there, and such images are broken. `ctl registry-garbage-collect` empties it: run it now"
)


def _current(path: Path, environment: Path) -> RegistryConfig | None:
    """The configuration that is in force; None where there is none yet, or none that can be read."""
    try:
        return read_config(path, read_environment(environment))
    except CtlError:
        return None


def _unusable(planned: RegistryConfig, program: RegistryProgram) -> str:
    """Why the cache cannot be used, or ""."""
    from ctl.registry.collect.cache import Cache
    from ctl.registry.redis import CHECK_SECONDS, redis_server

    server = redis_server(planned, program)
    try:
        if server is not None:
            Cache(server, planned.secrets).check(CHECK_SECONDS)
    except PreflightError as error:
        why = error.__cause__.message if isinstance(error.__cause__, CtlError) else error.message
        return f"{why}; until that is mended, the registry serves without its cache, and cannot be collected"
    return ""


def _to_redis(config: RegistryConfig) -> tuple[object, ...]:
    variables = {name: value for name, value in config.environment.items() if name.startswith(_VARIABLES)}
    return config.cache, config.section("redis"), variables


def _place(config: RegistryConfig) -> tuple[object, ...]:
    given = config.section("storage", config.driver)
    return config.driver, config.root, *(given.get(name) for name in _PLACE)
