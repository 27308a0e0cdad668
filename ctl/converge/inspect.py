"""How the machine is: what is at a path, read without following symbolic links."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ctl.errors import CtlError

STAND_IN_ID = 65_520
"""In the place of an account that this very run will create. Not nobody's number: other programs run under that
one, and would see what is meant for the account. systemd's table of UIDs lists this one as unused."""


@dataclass(frozen=True)
class Found:
    """What is at a path: its kind, rights and number."""

    mode: int
    uid: int
    gid: int
    kind: int
    inode: int

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.kind)

    @property
    def is_folder(self) -> bool:
        """A folder."""
        return stat.S_ISDIR(self.kind)

    @property
    def is_link(self) -> bool:
        """A symbolic link."""
        return stat.S_ISLNK(self.kind)


def look(path: Path, *, follow: bool = False) -> Found | None:
    """What is at a path, or None where nothing does."""
    try:
        facts = path.stat() if follow else path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Found(
        stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid, stat.S_IFMT(facts.st_mode), facts.st_ino
    )


def read_file(path: Path, most: int = -1) -> bytes:
    """Content of a regular file, never through a symbolic link.

    Args:
        most: bytes to read; -1 for all.

    Raises:
        CtlError: it is something else than a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CtlError(f"{path} is not a regular file", hint="Move it away and run again.")
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)


def user_ids(name: str) -> tuple[int, int] | None:
    """The uid and primary gid of an account, or None where it does not exist."""
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        return None
    return account.pw_uid, account.pw_gid


def user_id(name: str) -> int | None:
    """The uid of an account, or None where it does not exist."""
    ids = user_ids(name)
    return ids[0] if ids else None


def group_id(name: str) -> int | None:
    """The gid of a group, or None where it does not exist."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


@dataclass(frozen=True)
class Rights:
    """Wanted mode, owner and group of a path; None leaves that one as it is (or as the caller makes it)."""

    mode: int | None
    owner: str | None = None
    group: str | None = None

    def differences(self, found: Found) -> list[str]:
        """Each difference in words, as "mode 0644 → 0640"; empty where nothing differs."""
        words = []
        if self.mode is not None and self.mode != found.mode:
            words.append(f"mode {found.mode:04o} → {self.mode:04o}")
        if self.owner is not None and user_id(self.owner) != found.uid:
            words.append(f"owner {owner_name(found.uid)} → {self.owner}")
        if self.group is not None and group_id(self.group) != found.gid:
            words.append(f"group {group_name(found.gid)} → {self.group}")
        return words

    def __str__(self) -> str:
        words = [f"mode {self.mode:04o}"] if self.mode is not None else []
        if self.owner or self.group:
            words.append(f"owner {self.owner or ''}:{self.group or ''}".rstrip(":"))
        return ", ".join(words)

    def ids(self) -> tuple[int | None, int | None]:
        """The uid and gid to set.

        Raises:
            CtlError: an account does not exist.
        """
        return _existing("user", self.owner, user_id), _existing("group", self.group, group_id)


def _existing(kind: str, name: str | None, find: Callable[[str], int | None]) -> int | None:
    if name is None:
        return None
    number = find(name)
    if number is None:
        raise CtlError(f"{kind} {name!r} does not exist", hint='Create it, or set manage_accounts["enable"].')
    return number


def owner_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The name of a group, or its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
