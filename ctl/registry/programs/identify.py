"""Which registry program is on this machine, by its own words."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from ctl.errors import PreflightError
from ctl.machine.search import find_program
from ctl.registry.programs.base import RegistryProgram
from ctl.registry.programs.distribution2 import Distribution2
from ctl.registry.programs.distribution3 import Distribution3
from ctl.registry.programs.gitlab import GitlabRegistry
from ctl.registry.programs.run import executable_hint, run_program
from ctl.settings.attributes import Attributes
from ctl.settings.components.registry import names_of

KNOWN = (Distribution2, Distribution3, GitlabRegistry)
_VERSION = re.compile(r"\S+ (?P<package>\S+) v?(?P<version>(?P<major>\d+)(?:\.\d+)*\S*)\s*")
_NAMELESS = re.compile(r"\S+ (?P<package>\S*(?:distribution|container-registry)\S*)(?: +[^\d\s]*)?")
"""A build without a version: "registry github.com/docker/distribution unknown"."""


def installed(attributes: Attributes) -> RegistryProgram | None:
    """The program that the settings would run here; None where there is none.

    Raises:
        PreflightError: it cannot be run, or is no registry.
    """
    path = find_program(*names_of(attributes.registry.executable))
    return identify(path) if path else None


@functools.cache
def identify(path: Path) -> RegistryProgram:
    """Ask a program for its version; it is run once a process.

    Raises:
        PreflightError: it cannot be run, or prints nothing that a registry prints.
    """
    done = run_program(path, "--version")
    printed = done.stdout or done.stderr
    nameless = _NAMELESS.fullmatch(printed.strip().partition("\n")[0])
    return _by_commands(path, nameless["package"]) if nameless else parse_version(path, printed)


def _by_commands(path: Path, package: str) -> RegistryProgram:
    """A build that has no version: only GitLab's registry has a database."""
    done = run_program(path, "--help")
    commands = {line.split()[0] for line in (done.stdout + done.stderr).splitlines() if line.startswith("  ")}
    if "gitlab" in package or "database" in commands:
        kind: type[RegistryProgram] = GitlabRegistry
    else:
        kind = Distribution3 if package.rstrip("/").endswith("/v3") else Distribution2
    return kind(path, "unknown")


def program_at(path: Path) -> RegistryProgram:
    """The program at a path; where it cannot be asked, as where there is none, the distribution's own."""
    try:
        return identify(path)
    except PreflightError:
        return Distribution2(path, "unknown")


def parse_version(path: Path, text: str) -> RegistryProgram:
    """Read what `--version` prints.

    Args:
        path: the program.
        text: as "docker-registry github.com/docker/distribution 2.8.2+ds1".

    Raises:
        PreflightError: a registry prints something else.
    """
    first = text.strip().partition("\n")[0]
    match = _VERSION.match(first)
    if match is None:
        raise PreflightError(f"{path} does not look like a registry program", hint=executable_hint())
    return _kind(match["package"], match["version"], int(match["major"]))(path, match["version"])


def _kind(package: str, version: str, major: int) -> type[RegistryProgram]:
    if "gitlab" in package or version.endswith("-gitlab"):
        return GitlabRegistry
    if package.startswith("github.com/distribution/") and major >= 3:
        return Distribution3
    if "/distribution" in package and major < 3:
        return Distribution2
    # GitLab's registry kept the module path of Distribution 2 (go.mod of container-registry)
    return GitlabRegistry if package == "github.com/docker/distribution" else RegistryProgram
