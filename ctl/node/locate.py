"""Finds the programs that a node's services run."""

from __future__ import annotations

from pathlib import Path

from ctl.distribution import distribution
from ctl.distribution.find import MACHINE
from ctl.errors import PreflightError
from ctl.machine.search import find_program
from ctl.nginx.build import USUAL, nginx_build
from ctl.node.node import Programs
from ctl.settings.attributes import Attributes
from ctl.settings.component import running
from ctl.settings.components import COMPONENTS
from ctl.settings.components.registry import USUAL_NAMES, names_of


def locate(attributes: Attributes, *, required: bool, root: Path = MACHINE) -> Programs:
    """Find every program that the node's services need.

    Args:
        attributes: registry.executable and nginx.executable name programs elsewhere.
        required: whether a missing program is an error; else the distribution's usual path is taken.
        root: whose distribution that is.

    Raises:
        PreflightError: programs are missing; names each with its package.
    """
    names = {
        "registry": names_of(attributes.registry.executable),
        "nginx": (attributes.nginx.executable or "nginx",),
        **{name: (name,) for name in ("runsvdir", "chpst", "setpriv", "svlogd", "logrotate")},
    }
    found = {name: find_program(*candidates) for name, candidates in names.items()}
    if required:
        _refuse_missing(found, names, attributes)
    paths = {name: path or distribution(root).usual_path(names[name][-1]) for name, path in found.items()}
    nginx = found["nginx"]
    return Programs(**paths, nginx_build=nginx_build(nginx) if nginx else USUAL)


def _refuse_missing(
    found: dict[str, Path | None], names: dict[str, tuple[str, ...]], attributes: Attributes
) -> None:
    unneeded = {name for one in COMPONENTS for name in one.programs}
    unneeded -= {name for one in running(COMPONENTS, attributes) for name in one.programs}
    missing = [name for name, path in found.items() if path is None and name not in unneeded]
    if not missing:
        return
    lines = [f"{' or '.join(names[name])} is not installed" for name in missing]
    programs = [USUAL_NAMES[-1] if name == "registry" else name for name in missing]
    raise PreflightError("; ".join(lines), hint=f"Run: {distribution().install_hint(*programs)}")
