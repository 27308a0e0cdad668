"""The undo journal: what would put back everything that a run has changed so far.

It is written ahead of each step and exists only while a run is under way; if it is there when a run begins,
an earlier one was cut off, and is undone first.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ctl.converge.atomic import TEMPORARY_PREFIX, write_atomic
from ctl.converge.folders import open_folder
from ctl.converge.inspect import look, read_file
from ctl.converge.model import Machine, UndoRecord
from ctl.converge.undo import undo
from ctl.errors import CtlError, naming
from ctl.paths import Layout

RECORDS = "records"
BACKUPS = "vault"
"""Folder of the backups; a journal of an earlier version has it under this name."""
Report = Callable[[str], None]
"""Receives a line for each step of a rollback."""


class Journal:
    """The undo records of the run under way, and the backups of the files that it changes.

    Args:
        folder: its folder, private to its owner.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = os.open(
            folder / RECORDS, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        self._kept = 0

    @classmethod
    def begin(cls, layout: Layout) -> Journal:
        """Open the journal of a new run."""
        layout.journal.mkdir(mode=0o700)
        (layout.journal / BACKUPS).mkdir(mode=0o700)
        journal = cls(layout.journal)
        for folder in (layout.journal, layout.state):
            _sync(folder)
        return journal

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._records)

    def save(self, path: Path) -> str:
        """Back up the present file: its inode by a second name, or a copy on another file system."""
        self._kept += 1
        name = str(self._kept)
        kept = self.folder / BACKUPS / name
        try:
            with open_folder(path.parent) as folder:
                os.link(path.name, kept, src_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                raise
            write_atomic(kept, read_file(path), mode=0o600)
        _sync(kept.parent)
        return name

    def record(self, record: UndoRecord) -> None:
        """Note what would undo the next step; on disk, whole, before it returns."""
        line = memoryview(json.dumps(record).encode() + b"\n")
        with naming(self.folder / RECORDS):
            while line:  # a disk that becomes full takes a part, and refuses the rest
                line = line[os.write(self._records, line) :]
            os.fsync(self._records)

    def commit(self) -> None:
        """Everything is done: from now on there is nothing to undo."""
        discard(self.folder)


def discard(folder: Path) -> None:
    """Let a journal vanish in one step, then free what it kept."""
    gone = folder.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    folder.rename(gone)
    _sync(gone.parent)
    shutil.rmtree(gone)


def interrupted(layout: Layout) -> bool:
    """Whether a run was cut off here (or is under way, for who does not hold its lock)."""
    return layout.journal.exists()


def read_records(folder: Path) -> list[UndoRecord]:
    """The records in their order; a last line torn by a power cut belongs to a step never begun."""
    path = folder / RECORDS
    if look(path) is None:
        return []
    lines = read_file(path).split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def roll_back(folder: Path, machine: Machine, report: Report) -> tuple[str, ...]:
    """Undo everything that a journal records, the last first; then let services take up the former files.

    Returns:
        What could not be put back though every file was: a service that does not answer with its former
        files either, an account in use. Nothing of this may keep the next run from being made.

    Raises:
        CtlError: a file could not be put back; the journal stays, and the next run tries again.
    """
    records, report = read_records(folder), quietly(report)
    notified = [record for record in records if record["kind"] == "notified"]
    steps = [record for record in reversed(records) if record["kind"] != "notified"]
    folders = {Path(record["path"]).parent for record in records if "path" in record}
    # first, because a folder that holds one could not be removed
    failures = _sweep_temporary_files(folders)
    left: list[str] = []
    for record in [*steps, *notified]:
        problem = _undone(record, folder / BACKUPS, machine, report)
        if problem:
            (failures if "path" in record else left).append(problem)
    if failures:
        raise CtlError(
            "not everything could be put back: " + "; ".join([*failures, *left]),
            hint="repair that, then run `ctl reconfigure`: it finishes what is left",
        )
    discard(folder)
    return tuple(left)


def _undone(record: UndoRecord, backups: Path, machine: Machine, report: Report) -> str:
    """Carry out one record; returns why it could not be, or ""."""
    subject = _subject(record)
    try:
        undo(record, backups=backups, machine=machine)
    except (OSError, CtlError) as error:
        problem = f"{subject}: {error}"
        report(f"not put back: {problem}")
        return problem
    report(f"put back: {subject}")
    return ""


def _subject(record: UndoRecord) -> str:
    named = [str(record[key]) for key in ("path", "service", "account") if key in record]
    return named[0] if named else " ".join(record["argv"])


def quietly(report: Report) -> Report:
    """Report if somebody listens: a terminal that is gone must not end the way back half-way."""

    def attempt(text: str) -> None:
        with suppress(Exception):
            report(text)

    return attempt


def recover(layout: Layout, machine: Machine, report: Report) -> bool:
    """Undo a run that was cut off. Returns whether there was one.

    Raises:
        CtlError: some file of it could not be put back.
    """
    _sweep(layout.state)
    if not interrupted(layout):
        return False
    roll_back(layout.journal, machine, report)
    return True


def _sweep(state: Path) -> None:
    """Journals that were committed, but not yet freed when the machine stopped."""
    if look(state) is not None:
        for left in state.glob(f"{TEMPORARY_PREFIX}*"):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)


def _sweep_temporary_files(folders: Iterable[Path]) -> list[str]:
    """Remove half-written files of the run that was cut off; they may hold secrets. Returns what stays."""
    stays = []
    for left in (left for folder in folders for left in folder.glob(f"{TEMPORARY_PREFIX}*")):
        try:
            if not left.is_dir():
                left.unlink(missing_ok=True)
        except OSError as error:
            stays.append(f"{left}: {error.strerror}")
    return stays


def _sync(folder: Path) -> None:
    with open_folder(folder) as descriptor:
        os.fsync(descriptor)
