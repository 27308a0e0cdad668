"""A few values in a YAML file that belongs to somebody else."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.atomic import write_atomic
from ctl.converge.diff import Mask
from ctl.converge.inspect import Found, look, read_file
from ctl.converge.model import Backups, Change, DesiredFile, Machine, Notification, Step, UndoRecord
from ctl.converge.steps import undo_for_path
from ctl.errors import CtlError

BACKUP_SUFFIX = ".ctl-backup"


@dataclass(frozen=True)
class WriteAs:
    """Write a whole file with the rights of another, by number: its accounts need no names here."""

    path: Path
    content: bytes = field(repr=False)
    rights: Found

    def undo(self, backups: Backups) -> UndoRecord:
        """Put back what was there."""
        return undo_for_path(self.path, backups)

    def apply(self) -> None:
        """Replace it in one step."""
        rights = self.rights
        write_atomic(self.path, self.content, mode=rights.mode, uid=rights.uid, gid=rights.gid)


@dataclass(frozen=True, kw_only=True)
class YamlPart:
    """Single values in an existing YAML file; every other byte of it stays, and so do its rights.

    The first version is kept beside it as NAME.ctl-backup, for ever. A symbolic link is followed: the file
    that it names is edited.

    Args:
        path: absolute; may be given as the first, positional argument.
        values: for each path of keys to a mapping, the scalars in it.
        mask: hides secrets wherever the content is shown; None where there are none.
        notifies: services to restart or reload when it changes.
    """

    path: Path = field(kw_only=False)
    values: Sequence[tuple[tuple[str, ...], Mapping[str, object]]] = field(repr=False)
    mask: Mask | None = None
    notifies: tuple[Notification, ...] = ()
    _done: dict[bytes, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Identity."""
        return f"yaml[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Change the values that differ.

        Raises:
            CtlError: the file is missing, is not YAML, or cannot be changed without touching other things.
        """
        target, found = self._target()
        old = read_file(target)
        new = self._edited(target, old)
        if new == old:
            return None
        steps: list[Step] = []
        backup = target.with_name(target.name + BACKUP_SUFFIX)
        summary = "values"
        if look(backup) is None:
            steps.append(WriteAs(backup, old, found))
            summary += f", first version kept as {backup.name}"
        steps.append(WriteAs(target, new, found))
        return Change(self.name, summary, tuple(steps), self._diff(target, old, new), target, self.notifies)

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """The file as it must be; nothing on a blank machine that has no such file."""
        if machine.blank and look(self.path, follow=True) is None:
            return ()
        target, found = self._target()
        return (DesiredFile(target, self._edited(target, read_file(target)), found.mode),)

    def _target(self) -> tuple[Path, Found]:
        target = self.path.resolve()
        found = look(target)
        if found is None:
            raise CtlError(
                f"{self.path}: there is no such file, and it is not made here",
                hint="Give the path of the gitlab.yml that your GitLab reads, or install GitLab first.",
            )
        if not found.is_file:
            raise CtlError(f"{self.path}: is not a regular file", hint="Give the path of a YAML file.")
        return target, found

    def _edited(self, target: Path, content: bytes) -> bytes:
        if content not in self._done:
            self._done[content] = self._edit(target, content)
        return self._done[content]

    def _edit(self, target: Path, content: bytes) -> bytes:
        from ctl.converge.yaml_text import Document

        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise CtlError(f"{target}:{line}: is not UTF-8 text", hint="Nothing was changed.") from None
        for place, values in self.values:
            text = Document(text, str(target)).set(place, values)
        return text.encode()

    def _diff(self, target: Path, old: bytes, new: bytes) -> str:
        """Only the changed lines: the others are not ours to show."""
        show = self.mask or str
        before, after = (show(text.decode()).splitlines(keepends=True) for text in (old, new))
        return "".join(difflib.unified_diff(before, after, str(target), str(target), n=0))
