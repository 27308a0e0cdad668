"""Settings that the registry program of this machine does not support, or ignores: programs do so without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ctl.language.source import Diagnostic, Severity
from ctl.registry.drivers import driver_of
from ctl.registry.programs import RegistryProgram, installed
from ctl.registry.programs.identify import KNOWN
from ctl.registry.programs.run import has_driver
from ctl.settings.attributes import Attributes, OriginKind

_PATH_STYLES = ("pathstyle", "forcepathstyle")
"""Distribution 2 has paths of the form host/bucket/object wherever an endpoint is given, and nowhere else."""


def unsupported_settings(attributes: Attributes, program: RegistryProgram | None = None) -> list[str]:
    """What the settings file gave, is in force, and this machine's program cannot do: reconfigure refuses it.

    Args:
        attributes: of a node; without a registry nothing is unsupported.
        program: asked instead of the one that is installed.

    Returns:
        One sentence a setting, which names the program that it needs; empty where all is well.

    Raises:
        PreflightError: the program cannot be run.
    """
    program = program or _program(attributes)
    if program is None:
        return []
    found = [
        f"{place}{one.setting} needs {one.needs}: {program} ignores it"
        for one in program.unsupported(attributes.registry)
        if (place := _given(attributes, one.option)) is not None
    ]
    place, driver = _given(attributes, "registry.storage"), driver_of(attributes.registry.storage)
    if place is not None and driver and not has_driver(program.path, driver):
        needs = f'{place}registry["storage"]["{driver}"] needs {_with_driver(driver)}'
        found.append(f"{needs}: {program} has no such driver")
    return found


def ignored_settings(attributes: Attributes, program: RegistryProgram | None = None) -> list[Diagnostic]:
    """A warning for each parameter of storage and notifications that was given and has no effect here.

    Args:
        attributes: of a node; without a registry nothing is ignored.
        program: asked instead of the one that is installed.

    Raises:
        PreflightError: the program cannot be run.
    """
    program = program or _program(attributes)
    if program is None:
        return []
    found = [
        _warning(attributes, one.option, one.message, hint=one.hint)
        for one in program.ignored_notifications(attributes)
    ]
    if attributes.origin("registry.storage").kind is OriginKind.FILE:
        found += [
            _warning(
                attributes,
                "registry.storage",
                f"has no effect: {program} does not know it{more}",
                below=setting,
            )
            for setting, more in _ignored(attributes.registry.storage, program.storage_parameters)
        ]
    return found


def _warning(
    attributes: Attributes, option: str, message: str, *, below: str = "", hint: str = ""
) -> Diagnostic:
    setting = f"{option}.{below}" if below else option
    return Diagnostic(message, attributes.origin(option).location, setting, hint, Severity.WARNING)


def _program(attributes: Attributes) -> RegistryProgram | None:
    return installed(attributes) if attributes.registry.enable else None


def _given(attributes: Attributes, option: str) -> str | None:
    """Where the settings file gave an option, as "file:1:1: "; None where it did not."""
    origin = attributes.origin(option)
    if origin.kind is not OriginKind.FILE:
        return None
    return f"{origin.location}: " if origin.location else ""


def _with_driver(driver: str) -> str:
    """The programs that usually have a driver: which ones a build has is chosen when it is compiled."""
    return " or ".join(kind.title for kind in KNOWN if driver in kind.drivers) or "another registry program"


def _ignored(storage: Mapping[str, Any], read: Mapping[str, Set[str]]) -> Iterator[tuple[str, str]]:
    for part, known in read.items():
        given: Mapping[str, Any] = storage.get(part) or {}
        style = bool(given.get("regionendpoint"))
        for name, value in given.items():
            if name not in known and not (name in _PATH_STYLES and value is style):
                yield f"{part}.{name}", ""
    if "azure" in read and isinstance(storage.get("azure"), Mapping):
        yield from _legacy_root(storage["azure"])


def _legacy_root(azure: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Distribution 3 always has the standard root folder, as `trimlegacyrootprefix` gives it elsewhere."""
    for name, wanted in (("trimlegacyrootprefix", False), ("legacyrootprefix", True)):
        if azure.get(name) is wanted:
            yield f"azure.{name}", ", and does not find images whose paths begin with //"
