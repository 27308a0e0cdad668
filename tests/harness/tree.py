"""Looks at a folder: everything below it with modes, owners, contents and times, and what differs later."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

VOLATILE = re.compile(
    r"(^|/)supervise(/|$)"  # runsv's own
    r"|^var/log/(?!.*/config$)"  # programs write there all the time, but for svlogd's settings
    r"|/nginx/run/taking-over$"  # of an NGINX that took over, as is its pid
    r"|/logrotate/status$"  # logrotate's, every minute
    r"|\.pid$|\.sock$|/(ok|control)$|_temp(/|$)"
    r"|^var/opt/gitlab/ctl/[^/]*lock$"  # a lock's content is of no interest
    r"|^var/opt/gitlab/(timer/outcomes/|logrotate/status$)"  # what the timer does each minute
)


@dataclass(frozen=True)
class Entry:
    """One file, folder or link as it is.

    Args:
        kind: "file", "dir", "link" or "other".
        mode: permission bits.
        uid, gid: owner.
        content: sha256 of a file, target of a link, else "".
        mtime: nanoseconds; 0 for folders, whose time changes with every temporary file in them.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    content: str
    mtime: int


Tree = Mapping[str, Entry]


def snapshot(top: Path, *, ignore: re.Pattern[str] = VOLATILE) -> Tree:
    """Everything below `top` by its path relative to it, without what programs change all the time."""
    return {name: _entry(path) for name, path in _walk(top) if not ignore.search(name)}


def timeless(found: Tree) -> Tree:
    """The same without times, which a file has of its own however often it is made anew."""
    return {name: replace(one, mtime=0) for name, one in found.items()}


def tree(top: Path, *, without: tuple[str, ...] = ("ctl",)) -> Tree:
    """Everything below `top` without times; folders of these names, `ctl`'s own state, not included."""
    names = "|".join(re.escape(name) for name in without)
    return timeless(snapshot(top, ignore=re.compile(rf"(^|/)({names})(/|$)" if without else r"(?!)")))


def changed(before: Tree, after: Tree) -> set[str]:
    """The paths whose entries differ, in either direction."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def texts(top: Path) -> Iterator[tuple[str, bytes]]:
    """Every regular file below `top` with its content."""
    for name, path in _walk(top):
        if path.is_file() and not path.is_symlink():
            yield name, path.read_bytes()


def _walk(top: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(top):
        for name in sorted(folders + files):
            path = Path(folder, name)
            yield str(path.relative_to(top)), path


def _entry(path: Path) -> Entry:
    info = path.lstat()
    kind = _kind(info.st_mode)
    content = ""
    if kind == "file":
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    elif kind == "link":
        content = str(path.readlink())
    mtime = info.st_mtime_ns if kind != "dir" else 0
    return Entry(kind, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, content, mtime)


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "dir"
    return "link" if stat.S_ISLNK(mode) else "other"
