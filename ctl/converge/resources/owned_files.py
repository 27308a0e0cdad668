"""The files that a service keeps in a folder, when its account changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.inspect import Rights, look
from ctl.converge.model import Change, DesiredFile, Machine
from ctl.converge.steps import SetRights


@dataclass(frozen=True)
class OwnedFiles:
    """The regular files in a folder belong to an account, whatever their names: their number changes all the time.

    Args:
        folder: where they are.
        owner: the account; None leaves them as they are.
        keep: names of files that are somebody else's.
    """

    folder: Path
    owner: str | None = field(kw_only=True)
    keep: Sequence[str] = field(default=(), kw_only=True)

    @property
    def name(self) -> str:
        """Identity."""
        return f"files in[{self.folder}]"

    def plan(self, machine: Machine) -> Change | None:
        """Give away those that are not its own."""
        if machine.blank or not machine.privileged or self.owner is None or look(self.folder) is None:
            return None
        rights = Rights(None, self.owner)
        steps = tuple(SetRights(path, rights, missing_ok=True) for path in self._others(rights))
        return Change(self.name, f"owner {self.owner}: {len(steps)} files", steps) if steps else None

    def _others(self, rights: Rights) -> Iterator[Path]:
        for path in sorted(self.folder.iterdir()):
            found = look(path)
            if path.name not in self.keep and found and found.is_file and rights.differences(found):
                yield path

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file of its own."""
        return ()
