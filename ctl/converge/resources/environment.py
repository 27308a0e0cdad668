"""The environment of a service: one file a variable, as chpst -e reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.diff import unified
from ctl.converge.inspect import Rights, look, read_file
from ctl.converge.model import Change, DesiredFile, Machine, Notification, Step
from ctl.converge.resources.entries import Directory, rights_on
from ctl.converge.steps import RemoveFile, SetRights, WriteFile
from ctl.errors import CtlError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class EnvDirectory:
    """A folder of variables for chpst(8) -e; other files in it are removed.

    Args:
        path: absolute; may be given as the first, positional argument.
        variables: name to value; values are masked wherever they are shown.
        owner, group: names of accounts.
        mode: of each file. directory_mode: of the folder.
        notifies: services to restart when it changes.
    """

    path: Path = field(kw_only=False)
    variables: Mapping[str, str] = field(repr=False)
    owner: str | None = None
    group: str | None = None
    mode: int = 0o640
    directory_mode: int = 0o750
    notifies: tuple[Notification, ...] = ()

    @property
    def name(self) -> str:
        """Identity."""
        return f"environment[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Compare variable by variable."""
        folder = self._folder().plan(machine)
        rights = rights_on(machine, self.mode, self.owner, self.group)
        steps: list[Step] = list(folder.steps) if folder else []
        words = [folder.summary] if folder else []
        for desired in self.desired(machine):
            self._plan_variable(desired, rights, machine, steps, words)
        for stray in self.strays(machine):
            steps.append(RemoveFile(stray))
            words.append(f"without {stray.name}")
        if not steps:
            return None
        return Change(
            self.name, ", ".join(words), tuple(steps), self._diff(machine), self.path, self.notifies
        )

    def _folder(self) -> Directory:
        return Directory(self.path, owner=self.owner, group=self.group, mode=self.directory_mode)

    def _plan_variable(
        self, desired: DesiredFile, rights: Rights, machine: Machine, steps: list[Step], words: list[str]
    ) -> None:
        found = None if machine.blank else look(desired.path)
        if found is None or not found.is_file or read_file(desired.path) != desired.content:
            steps.append(WriteFile(desired.path, desired.content, rights))
            words.append(desired.path.name)
        elif differences := rights.differences(found):
            steps.append(SetRights(desired.path, rights))
            words.append(f"{desired.path.name} {', '.join(differences)}")

    def _present(self, machine: Machine) -> list[Path]:
        if machine.blank or look(self.path, follow=True) is None:
            return []
        return sorted(self.path.iterdir())

    def strays(self, machine: Machine) -> list[Path]:
        """The files in it that are no variables of this environment, and are removed.

        Raises:
            CtlError: a folder is among them.
        """
        strays = [path for path in self._present(machine) if path.name not in self.variables]
        folders = [path for path in strays if path.is_dir() and not path.is_symlink()]
        if folders:
            raise CtlError(
                f"{folders[0]} is a folder; only variables may be here", hint="Move it away and run again."
            )
        return strays

    def _diff(self, machine: Machine) -> str:
        old = "".join(f"{path.name}=********\n" for path in self._present(machine))
        new = "".join(f"{name}=********\n" for name in sorted(self.variables))
        return unified(self.path, old.encode(), new.encode())

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """One file a variable.

        Raises:
            CtlError: a name that no environment can hold.
        """
        return [
            DesiredFile(self.path / self._checked(name), _encode(value), self.mode)
            for name, value in self._items()
        ]

    def _items(self) -> list[tuple[str, str]]:
        return sorted(self.variables.items())

    @staticmethod
    def _checked(name: str) -> str:
        if not _NAME.fullmatch(name):
            raise CtlError(f"{name!r} cannot be the name of an environment variable")
        return name


def _encode(value: str) -> bytes:
    """As chpst -e reads it: the first line only, in which NUL means a line break."""
    return value.encode().replace(b"\n", b"\0") + b"\n"
