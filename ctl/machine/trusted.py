"""One rule for all that ctl reads and runs with the rights of root: nobody else may be able to change it.

A file, and every folder and symbolic link on the way to it, is root's or the caller's, and others cannot write it.
A folder in which everybody may write but only owners may rename and remove (/tmp) protects what is in it.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

MAX_LINKS = 40
"""Symbolic links on one path, as the kernel's own limit (path_resolution(7))."""


class Unsafe(NamedTuple):
    """What lets another account change a file.

    Args:
        message: in words, to be put after the file's name.
        hint: the command that mends it.
    """

    message: str
    hint: str


def unsafe(path: Path) -> Unsafe | None:
    """Why a file is not to be read or run; None where it is safe, and where it or its folder does not exist."""
    for place, facts in _on_the_way(path):
        found = _fault(place, facts)
        if found:
            which = "it" if place == path else f"{place}, on the way to it,"
            return Unsafe(f"may be changed by other accounts: {which} {found.message}", found.hint)
    return None


def open_to_all(path: Path) -> str | None:
    """The mode of a file that every account of the machine can read, in octal digits; None for any other.

    A folder on the way to it that others may not enter protects it, as does one that this user may not look into.
    """
    try:
        place = path.resolve(strict=True)
        mode = place.stat().st_mode
        entered = all(above.stat().st_mode & stat.S_IXOTH for above in place.parents)
    except (OSError, ValueError, RuntimeError):
        return None
    return f"{stat.S_IMODE(mode):04o}" if entered and mode & stat.S_IROTH and stat.S_ISREG(mode) else None


def _fault(place: Path, facts: os.stat_result) -> Unsafe | None:
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode) or stat.S_ISLNK(facts.st_mode)):
        return None  # a device or the like: who reads it refuses that
    if facts.st_uid not in (0, os.geteuid()):
        return Unsafe(f"belongs to user {_user(facts.st_uid)}", f"chown root {place}")
    if stat.S_ISLNK(facts.st_mode) or (stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX):
        return None
    mode = stat.S_IMODE(facts.st_mode)
    if mode & stat.S_IWOTH:
        return Unsafe(f"is writable by everybody (mode {mode:04o})", f"chmod go-w {place}")
    roots = stat.S_ISREG(facts.st_mode) and os.geteuid() == 0
    if mode & stat.S_IWGRP and (roots or _has_others(facts.st_gid)):
        return Unsafe(f"is writable by group {_group(facts.st_gid)} (mode {mode:04o})", f"chmod go-w {place}")
    return None


def _on_the_way(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every folder, link and file from / to the file itself, as the kernel goes."""
    rest, here, links = list(reversed(path.absolute().parts[1:])), Path("/"), 0
    yield here, here.lstat()
    while rest:
        name = rest.pop()
        here = here.parent if name == ".." else here / name
        try:
            facts = here.lstat()
        except (OSError, ValueError):  # who reads it next says why it cannot be
            return
        yield here, facts
        if stat.S_ISLNK(facts.st_mode):
            links += 1
            if links > MAX_LINKS:
                return
            target = here.readlink()
            rest.extend(part for part in reversed(target.parts) if part != "/")
            here = Path("/") if target.is_absolute() else here.parent


@cache
def _has_others(gid: int) -> bool:
    """Whether accounts other than root and the caller are in a group; an own group of the caller's has none."""
    mine = {0, os.geteuid()}
    try:
        members = grp.getgrgid(gid).gr_mem
    except KeyError:
        return True
    return any(
        one.pw_uid not in mine and (one.pw_gid == gid or one.pw_name in members) for one in pwd.getpwall()
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
