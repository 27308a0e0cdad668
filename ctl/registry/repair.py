"""Removes what a killed garbage collection left behind."""

from __future__ import annotations

from pathlib import Path

from ctl.errors import CtlError
from ctl.paths import Layout

PREFIX = ".ctl-collect-"
"""Begins the names of the private folders of collections, directly below the layout's data."""


def mark_file(layout: Layout) -> Path:
    """Its presence says that a private folder may have been left behind."""
    return layout.state / "collect.mark"


def repair(layout: Layout) -> bool:
    """Remove the private folders of a killed collection: their configuration holds secrets.

    Cheap where there is nothing to do, so that every command can begin with it. The service itself needs no
    repair: its gate opens by itself.

    Returns:
        Whether something was removed. False also while a collection is under way, or without the rights to.
    """
    try:
        if not mark_file(layout).exists():
            return False
    except PermissionError:
        return False
    from ctl.registry.gate import Gate

    try:
        with Gate(layout, patience=0):
            clean(layout)
    except (CtlError, PermissionError):
        return False
    return True


def clean(layout: Layout) -> None:
    """Remove what was left behind; the caller holds the gate."""
    import shutil

    for folder in _left_behind(layout):
        shutil.rmtree(folder)
    forget(layout)


def forget(layout: Layout) -> None:
    """Take the mark away, unless another private folder is there: that of a dry run, or one left behind."""
    if not _left_behind(layout):
        mark_file(layout).unlink(missing_ok=True)


def _left_behind(layout: Layout) -> list[Path]:
    found = layout.data.glob(f"{PREFIX}*")
    return sorted(path for path in found if path.is_dir() and not path.is_symlink())
