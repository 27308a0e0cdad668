"""The indivisible actions of a run; each says in advance what would undo it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctl.converge.atomic import link_atomic, write_atomic
from ctl.converge.folders import open_folder, walk
from ctl.converge.inspect import Found, Rights, group_id, look, user_id
from ctl.converge.lock import held_locks
from ctl.converge.model import Backups, ServiceManager, UndoRecord
from ctl.errors import CtlError, naming
from ctl.machine.child import ChildFailed, run_child

TIME_LIMIT = 300.0
"""Seconds for a program that changes the machine: an account in a directory service, every authority anew."""
ATTEMPTS = 20
SECONDS_BETWEEN = 0.25
LOCKED = (1, 10)
"""Exit codes of the shadow utilities while another process holds the account files (useradd(8), groupadd(8))."""


def undo_for_path(path: Path, backups: Backups) -> UndoRecord:
    """The record that puts back what is at a path now: a file, a link, or nothing."""
    found = look(path)
    if found is None:
        return {"kind": "remove", "path": str(path)}
    if found.is_link:
        return {"kind": "link", "path": str(path), "target": str(path.readlink())}
    kept = {"kept": backups.save(path), "inode": found.inode}
    return {"kind": "restore", "path": str(path), **kept, **_rights_record(found)}


def _rights_record(found: Found) -> dict[str, Any]:
    return {"mode": found.mode, "uid": found.uid, "gid": found.gid}


@dataclass(frozen=True)
class WriteFile:
    """Write a whole file with its rights."""

    path: Path
    content: bytes = field(repr=False)
    rights: Rights

    def undo(self, backups: Backups) -> UndoRecord:
        """Put back what was there."""
        return undo_for_path(self.path, backups)

    def apply(self) -> None:
        """Replace it in one step."""
        uid, gid = self.rights.ids()
        mode = self.rights.mode if self.rights.mode is not None else 0o644
        write_atomic(self.path, self.content, mode=mode, uid=uid, gid=gid)


@dataclass(frozen=True)
class RemoveFile:
    """Remove a file or symbolic link."""

    path: Path

    def undo(self, backups: Backups) -> UndoRecord:
        """Put back what was there."""
        return undo_for_path(self.path, backups)

    def apply(self) -> None:
        """Remove it."""
        # gone already: as wanted
        with open_folder(self.path.parent) as folder, suppress(FileNotFoundError), naming(self.path):
            os.unlink(self.path.name, dir_fd=folder)


@dataclass(frozen=True)
class MakeLink:
    """Make a symbolic link, or point it elsewhere."""

    path: Path
    target: str

    def undo(self, backups: Backups) -> UndoRecord:
        """Put back what was there."""
        return undo_for_path(self.path, backups)

    def apply(self) -> None:
        """Replace it in one step."""
        link_atomic(self.path, self.target)


@dataclass(frozen=True)
class MakeDirectory:
    """Make a folder in an existing one, with its rights.

    Args:
        parent: made only for what is below it: one that is there by now keeps its rights.
    """

    path: Path
    rights: Rights
    parent: bool = False

    def undo(self, backups: Backups) -> UndoRecord:
        """Remove it again, if it is empty; or give it back its rights, if the run has made it before."""
        found = look(self.path, follow=True)
        if found is None:
            return {"kind": "rmdir", "path": str(self.path)}
        return {"kind": "rights", "path": str(self.path), "follow": True, **_rights_record(found)}

    def apply(self) -> None:
        """Make it closed to others first, then give it its rights."""
        if look(self.path, follow=True) is None:
            with naming(self.path), open_folder(self.path.parent) as folder:
                os.mkdir(self.path.name, mode=0o700, dir_fd=folder)
        elif self.parent:
            return
        set_rights(self.path, self.rights, follow=True)


@dataclass(frozen=True)
class SetRights:
    """Set mode, owner and group of what is there.

    Args:
        follow: whether the path may be a symbolic link, whose target is meant.
        missing_ok: whether it may be gone by now.
    """

    path: Path
    rights: Rights
    follow: bool = False
    missing_ok: bool = False

    def undo(self, backups: Backups) -> UndoRecord | None:
        """Set them as they are."""
        found = look(self.path, follow=self.follow)
        if found is None:
            return None
        return {"kind": "rights", "path": str(self.path), "follow": self.follow, **_rights_record(found)}

    def apply(self) -> None:
        """Set them."""
        if not (self.missing_ok and look(self.path) is None):
            set_rights(self.path, self.rights, follow=self.follow)


def set_rights(path: Path, rights: Rights, *, follow: bool = False) -> None:
    """Set the rights that are wanted."""
    uid, gid = rights.ids()
    set_ids_and_mode(path, uid, gid, rights.mode, follow=follow)


def set_ids_and_mode(
    path: Path, uid: int | None, gid: int | None, mode: int | None, *, follow: bool = False
) -> None:
    """Set owner, group and mode by number, through one descriptor: the path cannot be swapped in between.

    The owner comes first, because a change of owner clears set-id bits.

    Raises:
        CtlError: the path is a symbolic link and `follow` is False, or another account made one on the way.
    """
    descriptor = walk(path) if follow else _open_itself(path)
    try:
        if stat.S_ISLNK(os.fstat(descriptor).st_mode):
            raise CtlError(f"{path} has become a symbolic link", hint="Look who put it there, and run again.")
        same = f"/proc/self/fd/{descriptor}"
        if uid is not None or gid is not None:
            os.chown(same, -1 if uid is None else uid, -1 if gid is None else gid)
        if mode is not None:
            os.chmod(same, mode)  # noqa: PTH101 - a descriptor's name, not a path
    finally:
        os.close(descriptor)


def _open_itself(path: Path) -> int:
    with open_folder(path.parent) as folder:
        return os.open(path.name, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)


@dataclass(frozen=True)
class RunCommand:
    """Run a program that changes the machine.

    Args:
        argv: program and arguments; never a secret among them.
        undo_argv: what undoes it, or None.
        undone: exit codes of `undo_argv` that mean "there is nothing to undo".
        retry: exit codes of both that mean "try again in a moment".
        guard: whether it must run, where that could not be asked when the run was planned.
    """

    argv: tuple[str, ...]
    undo_argv: tuple[str, ...] | None = None
    undone: tuple[int, ...] = ()
    retry: tuple[int, ...] = ()
    guard: Callable[[], bool] | None = field(default=None, repr=False)

    def undo(self, backups: Backups) -> UndoRecord | None:
        """Run the opposite, where there is one."""
        if self.undo_argv is None:
            return None
        return {"kind": "run", "argv": self.undo_argv, "done": self.undone, "retry": self.retry}

    def apply(self) -> None:
        """Run it to its end."""
        run(self.argv, retry=self.retry)

    def due(self) -> bool:
        """Whether it must run, asked now."""
        return self.guard is None or self.guard()


def run(argv: Sequence[str], *, done: Sequence[int] = (), retry: Sequence[int] = ()) -> None:
    """Run a program to its end.

    Args:
        done: exit codes other than 0 that are a success.
        retry: exit codes that mean "try again in a moment": of the tools for accounts, which go on when ctl is killed.
            The next run waits for them, or it might undo what is yet to be done.

    Raises:
        ChildFailed: it cannot be run, does not come to an end, or is still to be tried again.
        CtlError: it failed; with the last line of its output.
    """
    for _ in range(ATTEMPTS):
        ended = run_child(argv, seconds=TIME_LIMIT, pass_fds=held_locks() if retry else ())
        if ended.returncode == 0 or ended.returncode in done:
            return
        if ended.returncode not in retry:
            break
        time.sleep(SECONDS_BETWEEN)
    last = (ended.stderr.strip() or ended.stdout.strip() or f"exit {ended.returncode}").splitlines()[-1]
    kind = ChildFailed if ended.returncode in retry else CtlError
    raise kind(f"{' '.join(argv)}: {last}")


@dataclass(frozen=True)
class AddUser:
    """Create a user.

    Args:
        account: its name.
        argv: the useradd(8) that does it.
    """

    account: str
    argv: tuple[str, ...]

    def undo(self, backups: Backups) -> UndoRecord | None:
        """Delete it, unless somebody else has made it by now; keep the group of its name, if there is one.

        userdel(8) takes that group along where login.defs says USERGROUPS_ENAB, also one made long before.
        """
        if user_id(self.account) is not None:
            return None
        return {"kind": "user added", "account": self.account, "gid": group_id(self.account)}

    def apply(self) -> None:
        """Make the user."""
        run(self.argv, retry=LOCKED)


@dataclass(frozen=True)
class AddGroup:
    """Create a group.

    Args:
        account: its name.
        argv: the groupadd(8) that does it.
    """

    account: str
    argv: tuple[str, ...]

    def undo(self, backups: Backups) -> UndoRecord | None:
        """Delete it, unless somebody else has made it by now."""
        return (
            None if group_id(self.account) is not None else {"kind": "group added", "account": self.account}
        )

    def apply(self) -> None:
        """Make the group."""
        run(self.argv, retry=LOCKED)


@dataclass(frozen=True)
class SwitchService:
    """Give a service to the supervisor, or take it away."""

    services: ServiceManager = field(repr=False)
    service: str
    enabled: bool

    def undo(self, backups: Backups) -> UndoRecord:
        """The opposite."""
        return {"kind": "service", "service": self.service, "enabled": not self.enabled}

    def apply(self) -> None:
        """Do it through the supervisor."""
        if self.enabled:
            self.services.enable(self.service)
        else:
            self.services.disable(self.service)
