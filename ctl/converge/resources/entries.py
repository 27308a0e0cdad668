"""Folders, files, templates and symbolic links."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.diff import Mask, unified
from ctl.converge.inspect import Found, Rights, look, read_file
from ctl.converge.model import Change, DesiredFile, Machine, Notification, Step
from ctl.converge.steps import MakeDirectory, MakeLink, RemoveFile, SetRights, WriteFile
from ctl.errors import CtlError

PARENT = Rights(mode=0o755)
"""Rights of folders that are made only because something is below them."""


def rights_on(machine: Machine, mode: int | None, owner: str | None, group: str | None) -> Rights:
    """The wanted rights; without privileges everything stays the caller's."""
    return Rights(mode, owner, group) if machine.privileged else Rights(mode)


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """What every resource with a path has.

    Args:
        owner, group: names of accounts; None leaves them as they are.
        notifies: services to restart or reload when it changes.
    """

    owner: str | None = None
    group: str | None = None
    notifies: tuple[Notification, ...] = ()


@dataclass(frozen=True)
class Directory(_Placed):
    """A folder; missing parents are made with mode 0755.

    Args:
        path: absolute.
        mode: permission bits; None makes it with 0755 and leaves an existing one alone.
    """

    path: Path
    mode: int | None = field(default=0o755, kw_only=True)

    @property
    def name(self) -> str:
        """Identity."""
        return f"directory[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Make it, or correct its rights."""
        rights = rights_on(machine, self.mode, self.owner, self.group)
        found = None if machine.blank else look_at_folder(self.path)
        if found is None:
            made = rights if rights.mode is not None else Rights(PARENT.mode, rights.owner, rights.group)
            steps = (*missing_parents(self.path, machine), MakeDirectory(self.path, made))
            return self._change(f"create, {made}", steps)
        differences = rights.differences(found)
        if not differences:
            return None
        return self._change(", ".join(differences), (SetRights(self.path, rights, follow=True),))

    def _change(self, summary: str, steps: tuple[Step, ...]) -> Change:
        return Change(self.name, summary, steps, path=self.path, notifies=self.notifies)

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No files of its own."""
        return ()


def look_at_folder(path: Path) -> Found | None:
    """What is at the path of a folder; an administrator's link to a folder elsewhere counts as that folder.

    Raises:
        CtlError: something else is there, or a link that somebody else put there.
    """
    found = look(path)
    if found is None or found.is_folder:
        return found
    target = look(path, follow=True) if found.is_link and found.uid in {0, os.geteuid()} else None
    if target is None or not target.is_folder:
        raise CtlError(f"{path} must be a folder, but is something else", hint="Move it away and run again.")
    return target


def missing_parents(path: Path, machine: Machine) -> tuple[Step, ...]:
    """Steps that make the folders above a path which are not there, the outermost first."""
    missing = []
    for parent in path.parents:
        if not machine.blank and look(parent, follow=True) is not None:
            break
        missing.append(MakeDirectory(parent, PARENT, parent=True))
    return tuple(reversed(missing))


@dataclass(frozen=True, kw_only=True)
class _FileLike(_Placed):
    """What a file and a template share: `_content` gives what must be in it.

    Args:
        mode: permission bits.
        mask: hides secrets wherever the content is shown; None where there are none.
        after: services that must be up, with all other files, before it changes.
        before: services that take up something only afterwards.
    """

    path: Path
    mode: int = 0o644
    mask: Mask | None = None
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    def _content(self) -> bytes | None:
        raise AssertionError("each kind of file says what is in it")

    @property
    def name(self) -> str:
        """Identity."""
        return f"file[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Write it, or correct its rights; None content means that there is nothing to manage."""
        content = self._content()
        if content is None:
            return None
        rights = rights_on(machine, self.mode, self.owner, self.group)
        return plan_file(
            self.path,
            content,
            rights,
            machine=machine,
            name=self.name,
            mask=self.mask,
            notifies=self.notifies,
        )

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """Itself."""
        content = self._content()
        return () if content is None else (DesiredFile(self.path, content, self.mode),)


def plan_file(
    path: Path,
    content: bytes,
    rights: Rights,
    *,
    machine: Machine,
    name: str,
    mask: Mask | None = None,
    notifies: tuple[Notification, ...] = (),
) -> Change | None:
    """Compare a file with what it must be.

    Raises:
        CtlError: a folder or device is at the path.
    """
    found = None if machine.blank else look(path)
    old = read_file(path) if found is not None and not found.is_link else None
    if found is not None and old == content:
        differences = rights.differences(found)
        steps: tuple[Step, ...] = (SetRights(path, rights),)
        return Change(name, ", ".join(differences), steps, "", path, notifies) if differences else None
    steps = (*missing_parents(path, machine), WriteFile(path, content, rights))
    diff = unified(path, old, content, mask)
    return Change(name, _summary(found, old, diff, rights), steps, diff, path, notifies)


def _summary(found: Found | None, old: bytes | None, diff: str, rights: Rights) -> str:
    if found is None:
        return f"create, {rights}"
    what = ["replace a symbolic link by a file" if old is None else "content" if diff else "content (secret)"]
    return ", ".join(what + rights.differences(found))


@dataclass(frozen=True, kw_only=True)
class File(_FileLike):
    """A file with given content.

    Args:
        path: absolute; may be given as the first, positional argument.
        content: text, bytes, or a function that returns them (None: nothing to manage).
        remembered: whether it is ctl's own from then on (ctl.converge.written); not so a file of the administrator's.
    """

    path: Path = field(kw_only=False)
    content: str | bytes | Callable[[], str | bytes | None] = field(repr=False)
    remembered: bool = True

    def _content(self) -> bytes | None:
        content = self.content() if callable(self.content) else self.content
        return content.encode() if isinstance(content, str) else content


@dataclass(frozen=True)
class FileRights(_Placed):
    """Mode and owner of a file that others write, wherever it is there.

    Args:
        path: absolute; a symbolic link that root or the caller made is followed.
        mode: permission bits.
        known_by: whether content is what others write there, by which a file that was there before is known.
    """

    path: Path
    mode: int = field(default=0o640, kw_only=True)
    known_by: Callable[[bytes], bool] | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """Identity."""
        return f"rights[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Correct its rights; where there is no file, there is nothing to do.

        Raises:
            CtlError: it is no regular file.
        """
        path = self._target()
        found = None if machine.blank else look(path)
        if found is None:
            return None
        if not found.is_file:
            raise CtlError(f"{self.path} is not a regular file", hint="Move it away and run again.")
        rights = rights_on(machine, self.mode, self.owner, self.group)
        differences = rights.differences(found)
        if not differences:
            return None
        steps = (SetRights(path, rights),)
        return Change(self.name, ", ".join(differences), steps, path=path, notifies=self.notifies)

    def _target(self) -> Path:
        found = look(self.path)
        trusted = found is not None and found.is_link and found.uid in {0, os.geteuid()}
        return Path(os.path.realpath(self.path)) if trusted else self.path

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file of its own."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Template(_FileLike):
    """A file made from a template.

    Args:
        path: absolute; may be given as the first, positional argument.
        source: as `ctl.text.templating.render`.
        variables: what the template may use.
    """

    path: Path = field(kw_only=False)
    source: str
    variables: Mapping[str, object] = field(repr=False)
    _rendered: list[bytes] = field(default_factory=list, repr=False, compare=False)

    def _content(self) -> bytes:
        if not self._rendered:
            from ctl.text.templating import render

            self._rendered.append(render(self.source, self.variables).encode())
        return self._rendered[0]


@dataclass(frozen=True)
class Absent:
    """No file and no symbolic link at this path. A folder there is not touched, but an error.

    Args:
        path: absolute.
        notifies: services to restart or reload when it had to be removed.
    """

    path: Path
    notifies: tuple[Notification, ...] = ()

    @property
    def name(self) -> str:
        """Identity."""
        return f"absent[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Remove what is there."""
        found = None if machine.blank else look(self.path)
        if found is None:
            return None
        if found.is_folder:
            raise CtlError(
                f"{self.path} must not be there, but is a folder", hint="Move it away and run again."
            )
        return Change(self.name, "remove", (RemoveFile(self.path),), "", self.path, self.notifies)

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Symlink:
    """A symbolic link.

    Args:
        path: absolute; may be given as the first, positional argument.
        target: what it points at, as it must be written.
        notifies: services to restart or reload when it changes.
    """

    path: Path = field(kw_only=False)
    target: str
    notifies: tuple[Notification, ...] = ()

    @property
    def name(self) -> str:
        """Identity."""
        return f"link[{self.path}]"

    def plan(self, machine: Machine) -> Change | None:
        """Make it, or point it elsewhere."""
        found = None if machine.blank else look(self.path)
        if found is not None and found.is_folder:
            raise CtlError(f"{self.path} must be a link, but is a folder", hint="Move it away and run again.")
        former = str(self.path.readlink()) if found is not None and found.is_link else None
        if former == self.target:
            return None
        summary = f"{former} → {self.target}" if former else f"create, to {self.target}"
        steps = (*missing_parents(self.path, machine), MakeLink(self.path, self.target))
        return Change(self.name, summary, steps, "", self.path, self.notifies)

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file."""
        return ()
