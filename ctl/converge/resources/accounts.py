"""Users and groups."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Sequence
from dataclasses import dataclass

from ctl.converge.inspect import group_id
from ctl.converge.model import Change, DesiredFile, Machine
from ctl.converge.steps import LOCKED, AddGroup, AddUser, RunCommand
from ctl.distribution import distribution
from ctl.errors import CtlError


@dataclass(frozen=True, kw_only=True)
class _Account:
    """What users and groups share.

    Args:
        account: its name; may be given as the first, positional argument.
        system: whether its number is taken from the system's range.
    """

    account: str
    system: bool = True

    def desired(self, machine: Machine) -> Sequence[DesiredFile]:
        """No file of its own."""
        return ()


@dataclass(frozen=True)
class Group(_Account):
    """A group. Without privileges nothing is done.

    Args:
        gid: its number, or None for any.
    """

    account: str
    gid: int | None = None

    @property
    def name(self) -> str:
        """Identity."""
        return f"group[{self.account}]"

    def plan(self, machine: Machine) -> Change | None:
        """Create it.

        Raises:
            CtlError: it exists with another gid; files already bear that one, so it is not changed.
        """
        if not machine.privileged or machine.blank:
            return None
        try:
            present = grp.getgrnam(self.account)
        except KeyError:
            argv = distribution().add_group(self.account, gid=self.gid, system=self.system)
            return Change(self.name, "create", (AddGroup(self.account, argv),))
        if self.gid is not None and present.gr_gid != self.gid:
            command = " ".join(distribution().change_group(self.account, self.gid))
            raise CtlError(
                f"group {self.account!r} has gid {present.gr_gid}, not {self.gid} as the settings say",
                hint=f"Run: {command}, and chgrp its files; or change the setting.",
            )
        return None


@dataclass(frozen=True)
class User(_Account):
    """A user whose group exists or is created before. Without privileges nothing is done.

    Args:
        group: name of the primary group.
        uid: its number, or None for any.
        home: home directory; it is not made.
        shell: login shell.
        shared: whether others than this root use the account: then one that is there is left as it is.
    """

    account: str
    group: str = ""
    uid: int | None = None
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    shared: bool = False

    @property
    def name(self) -> str:
        """Identity."""
        return f"user[{self.account}]"

    def plan(self, machine: Machine) -> Change | None:
        """Create it, or correct its group, home and shell.

        Raises:
            CtlError: it is root; or it exists with another uid, which files already bear, so it is not changed.
        """
        if not machine.privileged or machine.blank:
            return None
        try:
            present = pwd.getpwnam(self.account)
        except KeyError:
            return Change(self.name, "create", (self._create(),))
        if self.uid is not None and present.pw_uid != self.uid:
            command = " ".join(distribution().change_user(self.account, {"uid": str(self.uid)}))
            raise CtlError(
                f"user {self.account!r} has uid {present.pw_uid}, not {self.uid} as the settings say",
                hint=f"Run: {command}, and chown its files; or change the setting.",
            )
        if present.pw_uid == 0:
            raise CtlError(f"user {self.account!r} is root, and cannot be the account of a service")
        return None if self.shared else self._correct(present)

    def _create(self) -> AddUser:
        number = {} if self.uid is None else {"uid": str(self.uid)}
        values = {**number, "gid": self.group, "home-dir": self.home, "shell": self.shell}
        return AddUser(self.account, distribution().add_user(self.account, values, system=self.system))

    def _correct(self, present: pwd.struct_passwd) -> Change | None:
        wanted = {"home": self.home, "shell": self.shell}
        former = {"home": present.pw_dir, "shell": present.pw_shell}
        if group_id(self.group) != present.pw_gid:
            wanted["gid"], former["gid"] = self.group, str(present.pw_gid)
        changed = [key for key, value in wanted.items() if former[key] != value]
        if not changed:
            return None
        argv, undo_argv = (
            distribution().change_user(self.account, {key: values[key] for key in changed})
            for values in (wanted, former)
        )
        step = RunCommand(argv, undo_argv=undo_argv, retry=LOCKED)
        words = [f"{key} {former[key]} → {wanted[key]}" for key in changed]
        return Change(self.name, ", ".join(words), (step,))
