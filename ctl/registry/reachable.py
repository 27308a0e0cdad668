"""Whether the cache in Redis that settings newly name can be used: the registry would go without it in silence."""

from __future__ import annotations

from pathlib import Path

from ctl.errors import CtlError, PreflightError
from ctl.node import Node
from ctl.registry.config import RegistryConfig, read_config, read_environment
from ctl.registry.dialect import sections
from ctl.registry.program import flavour_of
from ctl.settings.source import Diagnostic, Severity

_VARIABLES = "REGISTRY_REDIS_"


def cache_warnings(node: Node) -> list[Diagnostic]:
    """A warning where Redis does not do what the cache needs of it; none where nothing about it changes.

    No error: images are served without it too, and it may be started later.

    Args:
        node: with the settings that shall be.
    """
    attributes = node.attributes
    registry, flavour = attributes.registry, flavour_of(node.programs.registry)
    config = Path(registry.dir) / "config.yml"
    planned = RegistryConfig(
        config, sections(registry, flavour), {name: str(value) for name, value in registry.env.items()}
    )
    if not registry.enable or planned.cache != "redis" or not _differs(planned, Path(registry.env_directory)):
        return []
    from ctl.registry.collect.cache import Cache
    from ctl.registry.redis import redis_server

    server = redis_server(planned, flavour)
    try:
        if server is not None:
            Cache(server, planned.secrets).check()
    except PreflightError as error:
        why = error.__cause__.message if isinstance(error.__cause__, CtlError) else error.message
        return [
            Diagnostic(
                f"{why}; the registry serves without its cache until that is mended, and its garbage cannot be "
                "collected",
                attributes.origin("registry.redis").location,
                "registry.redis",
                severity=Severity.WARNING,
            )
        ]
    return []


def _differs(planned: RegistryConfig, environment: Path) -> bool:
    try:
        current = read_config(planned.path, read_environment(environment))
    except CtlError:  # there is none yet, or none that can be read
        return True
    return _to_redis(current) != _to_redis(planned)


def _to_redis(config: RegistryConfig) -> tuple[object, ...]:
    variables = {name: value for name, value in config.environment.items() if name.startswith(_VARIABLES)}
    return config.cache, config.section("redis"), variables
