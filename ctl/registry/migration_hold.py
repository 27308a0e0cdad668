"""Notes that a migration of the storage holds pushes back, so that it is known where the migration is killed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ctl.errors import CtlError
from ctl.paths import Layout
from ctl.registry.config import read_config
from ctl.registry.read_only import hold_file, takes_lock

KILLED = "a migration of the storage was killed, and the registry takes no pushes"
UNDER_WAY = "a migration of the storage is under way: the registry takes no pushes until its end"


@dataclass(frozen=True)
class Note:
    """What a migration notes before it lets the registry refuse pushes.

    Args:
        to: the file that names the new storage.
        settings: the settings file that it changes.
        state: the migration's own notes.
        config: the registry's config.yml.
        before, held, after: sums of that file's texts, by which it is known how far the migration has come.
    """

    to: str
    settings: str
    state: str
    config: str
    before: str
    held: str
    after: str

    @property
    def command(self) -> str:
        """By which the migration goes on."""
        return f"ctl registry-migrate-storage --to {shlex.quote(self.to)}"

    @property
    def can_be_undone(self) -> bool:
        """Whether only the settings were changed so far, and nobody has changed them since."""
        return self._now == self.held

    @property
    def problem(self) -> str:
        """What is wrong, and what to do."""
        if self._now == self.before:
            return f"{KILLED}: `ctl reconfigure` lets it take them again"
        undo = ", `ctl recover` undoes it" if self.can_be_undone else ""
        return f"{KILLED}: `{self.command}` goes on{undo}"

    @property
    def _now(self) -> str:
        try:
            return text_sum(Path(self.settings).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return ""


class Hold:
    """The note, held: whoever finds its lock free knows that the migration was killed.

    Args:
        layout: the root.
    """

    def __init__(self, layout: Layout) -> None:
        self._path = hold_file(layout)
        self._descriptor = -1

    def begin(self, note: Note) -> None:
        """Write it; it takes the place of an earlier one with its lock held already."""
        new = self._path.with_suffix(".new")
        flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(new, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, json.dumps(vars(note)).encode())
        os.fsync(self._descriptor)
        new.rename(self._path)

    def end(self) -> None:
        """The registry takes pushes again."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def migration_holds(layout: Layout) -> bool:
    """Whether a migration under way lets the registry refuse pushes."""
    return _look(layout)[1]


def left_by_migration(layout: Layout) -> Note | None:
    """The note of a migration that was killed while the registry refuses pushes; None where there is none."""
    note, held = _look(layout)
    if note is None or held:
        return None
    return note if note.can_be_undone or _is_read_only(Path(note.config)) else None


def text_sum(text: str) -> str:
    """By which a text is recognized."""
    return hashlib.sha256(text.encode()).hexdigest()


def _look(layout: Layout) -> tuple[Note | None, bool]:
    try:
        descriptor = os.open(hold_file(layout), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None, False
    with os.fdopen(descriptor, encoding="utf-8") as file, suppress(ValueError, TypeError):
        held = not takes_lock(descriptor, fcntl.LOCK_SH)
        return Note(**json.load(file)), held
    return None, False


def _is_read_only(config: Path) -> bool:
    try:
        return read_config(config, {}).readonly
    except CtlError:
        return False
