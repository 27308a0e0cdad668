"""What a recipe sees: attributes, layout, and the programs of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctl.paths import Layout
from ctl.settings.attributes import Attributes


@dataclass(frozen=True)
class Programs:
    """Where the programs lie that services run. In `render` without them, the distribution's usual paths.

    Args:
        registry, nginx, runsvdir, chpst, svlogd: absolute paths.
    """

    registry: Path
    nginx: Path
    runsvdir: Path
    chpst: Path
    svlogd: Path


@dataclass(frozen=True)
class Node:
    """One machine (or private root) with everything a recipe may depend on.

    Args:
        attributes: what the settings say.
        layout: where things lie.
        programs: where programs lie.
        privileged: whether services can run under accounts of their own (running as root).
        log_account: the account that writes logs (Debian's _runit-log), or None to write as the caller.
        facts: further facts by name, for a site's own recipes.
    """

    attributes: Attributes
    layout: Layout
    programs: Programs
    privileged: bool
    log_account: str | None
    facts: Mapping[str, str]
