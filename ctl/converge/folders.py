"""Opens folders without following symbolic links that other accounts made.

A privileged process that writes in a folder of a service's account must not be led elsewhere: a symbolic link on
the way is followed only where root or the caller made it, or where nobody else can write the folder that
holds it. What is then done in the folder goes through its descriptor, so that nothing can be swapped between
the look and the act.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.errors import CtlError, naming

MAX_LINKS = 40
"""Symbolic links on one path, as the kernel's own limit (path_resolution(7))."""

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def open_folder(path: Path) -> Iterator[int]:
    """A descriptor of a folder: later steps stay in this folder, whatever becomes of its path.

    Args:
        path: a folder that exists.

    Raises:
        FileNotFoundError, NotADirectoryError: it does not exist, or a part of it is no folder.
        CtlError: it leads through a symbolic link that another account controls.
    """
    there = walk(path)
    try:
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=there)
    finally:
        os.close(there)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def walk(path: Path) -> int:
    """Go to a folder; returns a descriptor (O_PATH) that the caller closes. Raises as `open_folder`."""
    rest, links = list(reversed(path.absolute().parts[1:])), 0
    passed = [os.open("/", _WALK)]
    try:
        while rest:
            name = rest.pop()
            target = _link_target(name, passed[-1], path)
            if target is None:
                passed.append(_descend(name, passed[-1], path))
                continue
            links += 1
            if links > MAX_LINKS:
                raise CtlError(f"{path}: too many symbolic links on the way")
            rest.extend(part for part in reversed(target.parts) if part != "/")
            if target.is_absolute():
                passed.append(os.open("/", _WALK))
        return passed.pop()
    finally:
        for descriptor in passed:
            os.close(descriptor)


def _descend(name: str, folder: int, path: Path) -> int:
    with naming(path):
        return os.open(name, _WALK, dir_fd=folder)


def _link_target(name: str, folder: int, path: Path) -> Path | None:
    """Where a symbolic link points; None for what is none."""
    with naming(path):
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISLNK(facts.st_mode):
        return None
    if not (_trusted(facts.st_uid) or _controlled(os.fstat(folder))):
        raise CtlError(
            f"{path}: {name} on the way is a symbolic link that another account made",
            hint="Remove the link, or give it to root (chown -h) if it is right.",
        )
    return Path(os.readlink(name, dir_fd=folder))


def _trusted(uid: int) -> bool:
    return uid in (0, os.geteuid())


def _controlled(folder: os.stat_result) -> bool:
    return _trusted(folder.st_uid) and not folder.st_mode & _OTHERS_WRITE
