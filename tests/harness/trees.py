"""Compares whole folders: content, rights, links."""

from __future__ import annotations

import os
from pathlib import Path


def tree(folder: Path, *, without: tuple[str, ...] = ("ctl",)) -> dict[str, tuple[object, ...]]:
    """Every path below a folder with its kind, mode, owner and content; `ctl`'s own state left out."""
    found: dict[str, tuple[object, ...]] = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in without]
        for name in [*folders, *files]:
            path = Path(place) / name
            facts = path.lstat()
            if path.is_symlink():
                content: object = str(path.readlink())
            else:
                content = path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(folder))] = (oct(facts.st_mode), facts.st_uid, facts.st_gid, content)
    return found
