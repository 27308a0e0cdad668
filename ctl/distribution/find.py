"""Which distribution a root holds, by its os-release(5)."""

from __future__ import annotations

import functools
from pathlib import Path

from ctl.distribution.alpine import Alpine
from ctl.distribution.base import Distribution
from ctl.distribution.debian import Debian

KNOWN: tuple[type[Distribution], ...] = (Debian, Alpine)
MACHINE = Path("/")
_FILES = ("etc/os-release", "usr/lib/os-release")


@functools.cache
def distribution(root: Path = MACHINE) -> Distribution:
    """The distribution of a root; that of the machine where the root says nothing of its own.

    Args:
        root: the folder in which `etc/os-release` is looked for.
    """
    text = _os_release(root)
    if text is None and root != MACHINE:
        return distribution()
    ids = _ids(text or "")
    return next((kind() for one in ids for kind in KNOWN if one in kind.ids), Distribution())


def _os_release(root: Path) -> str | None:
    for name in _FILES:
        try:
            return (root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return None


def _ids(text: str) -> list[str]:
    """ID first, then what it is like, the nearest kin first."""
    values = dict(
        line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")
    )
    return [one for name in ("ID", "ID_LIKE") for one in values.get(name, "").strip("\"' ").split()]
