"""The files of an earlier run's settings, put back; what was edited meanwhile and never applied is kept beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ctl.converge import File, mask_all
from ctl.converge.diff import Mask
from ctl.converge.inspect import group_id, group_name, look, owner_name, read_file, user_id
from ctl.node.history import SECRETS, History, Run
from ctl.paths import Layout
from ctl.settings.editing.masked_diff import masked

_LANGUAGES = (".py", ".rb")


def former_settings(back: Run) -> Iterator[File]:
    """The files of the settings as they were in an earlier run, with the rights that they have now."""
    for path, copy in back.copies.items():
        yield _with_rights_of(path, path, copy.read_bytes(), _mask(path))


def unapplied(history: History, back: Run) -> list[tuple[Path, File]]:
    """What going back would lose: files that are not as any run that is kept has read or left them.

    Args:
        history: of the node.
        back: the run to go back to.

    Returns:
        Each such file, and the copy to make of it.
    """
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
    found, runs = [], history.runs()
    for path in (*back.copies, history.layout.secrets_file):
        present = look(path)
        content = read_file(path) if present and present.is_file else None
        if content is not None and not _kept(history.layout, runs, path, content):
            place = path.with_name(f"{path.name}.unapplied-{stamp}")
            found.append((path, _with_rights_of(path, place, content, mask_all)))
    return found


def _kept(layout: Layout, runs: list[Run], path: Path, content: bytes) -> bool:
    copies = (
        run.folder / SECRETS if path == layout.secrets_file else run.copies.get(path, run.folder)
        for run in runs
    )
    return any(copy.is_file() and read_file(copy) == content for copy in copies)


def _with_rights_of(path: Path, place: Path, content: bytes, mask: Mask) -> File:
    present = look(path)
    owner = owner_name(present.uid) if present else ""
    group = group_name(present.gid) if present else ""
    return File(
        place,
        content=content,
        mode=present.mode if present else 0o600,
        owner=owner if user_id(owner) is not None else None,
        group=group if group_id(group) is not None else None,
        mask=mask,
        remembered=False,
    )


def _mask(path: Path) -> Mask:
    """A file of another language is what read_file takes in: a password, maybe."""
    return partial(_masked, path) if path.suffix in _LANGUAGES else mask_all


def _masked(path: Path, text: str) -> str:
    return "".join(f"{line}\n" for line in masked(path, text))
