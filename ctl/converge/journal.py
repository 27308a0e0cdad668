"""The undo journal: what would put back everything that a run has changed so far.

It is written ahead of each step and exists only while a run is under way; if it is there when a run begins,
an earlier one was cut off, and is undone first (ctl.converge.rollback).
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import zlib
from pathlib import Path
from types import TracebackType

from ctl.converge.atomic import TEMPORARY_PREFIX, write_atomic
from ctl.converge.folders import open_folder
from ctl.converge.inspect import look, read_file
from ctl.converge.model import UndoRecord
from ctl.converge.records import BACKUPS, RECORDS
from ctl.errors import naming
from ctl.paths import Layout


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
        self._backups = 0

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
        self._backups += 1
        name = str(self._backups)
        backup = self.folder / BACKUPS / name
        try:
            with open_folder(path.parent) as folder:
                os.link(path.name, backup, src_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                raise
            write_atomic(backup, read_file(path), mode=0o600)
        _sync(backup.parent)
        return name

    def record(self, record: UndoRecord) -> None:
        """Note what would undo the next step; on disk, whole, before it returns."""
        body = json.dumps(record).encode()
        line = memoryview(b"%08x %b\n" % (zlib.crc32(body), body))
        with naming(self.folder / RECORDS):
            while line:  # a disk that becomes full takes a part, and refuses the rest
                line = line[os.write(self._records, line) :]
            os.fsync(self._records)

    def commit(self) -> None:
        """Everything is done: from now on there is nothing to undo."""
        discard(self.folder)


def discard(folder: Path) -> None:
    """Let a journal vanish in one step, then free its backups."""
    gone = folder.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    folder.rename(gone)
    _sync(gone.parent)
    shutil.rmtree(gone)


def sweep_discarded(state: Path) -> None:
    """Remove journals that were committed, but not yet freed when the machine stopped."""
    if look(state) is not None:
        for left in state.glob(f"{TEMPORARY_PREFIX}*"):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)


def interrupted(layout: Layout) -> bool:
    """Whether a run was cut off here; also true while one is under way, for who does not hold its lock."""
    return look(layout.journal) is not None


def _sync(folder: Path) -> None:
    with open_folder(folder) as descriptor:
        os.fsync(descriptor)
