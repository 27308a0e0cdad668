"""Looks up the programs that a node's services run, and the account that writes their logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctl.converge.inspect import user_id
from ctl.errors import PreflightError
from ctl.machine.search import find_program
from ctl.nginx import modules
from ctl.nginx.build import DISTRIBUTION, NginxBuild, nginx_build
from ctl.node.node import Programs
from ctl.settings.attributes import Attributes
from ctl.settings.source import Diagnostic, Severity

if TYPE_CHECKING:
    from ctl.registry.program import RegistryProgram

PACKAGES = {"registry": "docker-registry", "nginx": "nginx", "logrotate": "logrotate"}
"""Debian and Ubuntu package of each program; the others come with runit."""
REGISTRY_NAMES = ("/opt/gitlab/embedded/bin/registry", "registry", "docker-registry")
LOG_ACCOUNTS = ("_runit-log", "runit-log")
"""The account for svlogd that Debian's and Ubuntu's runit packages make, newest name first."""


def locate(attributes: Attributes, *, required: bool) -> Programs:
    """Find every program that the node's services need.

    Args:
        attributes: registry.executable and nginx.executable name programs elsewhere.
        required: whether a missing program is an error; else the distribution's usual path stands in.

    Raises:
        PreflightError: programs are missing; names each with its package.
    """
    names = {
        "registry": _wanted(attributes.registry.executable, REGISTRY_NAMES),
        "nginx": _wanted(attributes.nginx.executable, ("nginx",)),
        **{name: (name,) for name in ("runsvdir", "chpst", "svlogd", "logrotate")},
    }
    found = {name: find_program(*candidates) for name, candidates in names.items()}
    if required:
        _refuse_missing(found, names, attributes)
    paths = {name: path or _usual(name) for name, path in found.items()}
    return Programs(**paths, nginx_build=_nginx_build(found["nginx"]))


def _wanted(given: str | None, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if given else usual


def _usual(name: str) -> Path:
    folder = "/usr/sbin" if name in {"nginx", "logrotate"} else "/usr/bin"
    return Path(folder) / ("docker-registry" if name == "registry" else name)


def _refuse_missing(
    found: dict[str, Path | None], names: dict[str, tuple[str, ...]], attributes: Attributes
) -> None:
    nginx = attributes.nginx.enable
    needed = {"registry": attributes.registry.enable, "nginx": nginx, "logrotate": nginx}
    unneeded = {name for name, wanted in needed.items() if not wanted}
    missing = [name for name, path in found.items() if path is None and name not in unneeded]
    if not missing:
        return
    packages = sorted({PACKAGES.get(name, "runit") for name in missing})
    lines = [f"{' or '.join(names[name])} is not installed" for name in missing]
    raise PreflightError("; ".join(lines), hint=f"apt-get install {' '.join(packages)}")


def unserved(attributes: Attributes) -> list[str]:
    """What the administrator set that the registry program of this machine cannot serve, a sentence each.

    Raises:
        PreflightError: the program cannot be run.
    """
    from ctl.registry.program import refusals

    program = _registry_program(attributes)
    return refusals(attributes, program) if program else []


def passed_over(attributes: Attributes) -> list[Diagnostic]:
    """What was set for storage and the registry program of this machine does not know, a warning each.

    Raises:
        PreflightError: the program cannot be run.
    """
    from ctl.registry.parameters import passed_over as parameters_passed_over

    program = _registry_program(attributes)
    return parameters_passed_over(attributes, program) if program else []


def _registry_program(attributes: Attributes) -> RegistryProgram | None:
    """The registry program of this machine; None where there is none, or no registry to run."""
    from ctl.registry.program import identify

    path = find_program(*_wanted(attributes.registry.executable, REGISTRY_NAMES))
    return identify(path) if path and attributes.registry.enable else None


def _nginx_build(program: Path | None) -> NginxBuild:
    return nginx_build(program) if program else DISTRIBUTION


def left_out(attributes: Attributes) -> list[Diagnostic]:
    """What was set for NGINX and its build here cannot do; reconfigure leaves it out, or refuses.

    Raises:
        PreflightError: the program cannot be run.
    """
    program = find_program(*_wanted(attributes.nginx.executable, ("nginx",)))
    if program is None or not attributes.nginx.enable:
        return []
    build = nginx_build(program)
    refused = [Diagnostic(one, severity=Severity.WARNING) for one in modules.refusals(attributes, build)]
    return refused + modules.left_out(attributes, build)


def log_account() -> str | None:
    """The account for svlogd, or None on a machine that has none."""
    return next((name for name in LOG_ACCOUNTS if user_id(name) is not None), None)
