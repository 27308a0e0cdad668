"""Room for images and logs, and how fast logs grow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ctl.doctor.check import Check, Finding, failure, ok, unknown, warning
from ctl.doctor.site import Site
from ctl.errors import USE_SUDO
from ctl.registry.collect.sizes import human as exact

LOW, EXHAUSTED = 0.10, 0.01
"""Free parts of a file system that are warned of, and that count as none."""
DAY = 86_400.0
DAYS_AHEAD = 7
"""Logs that would fill their disk within so many days are warned of."""
LARGE_LOG = 2 << 30
"""A log that nobody rotates: ctl's own are cut at a megabyte (svlogd), or each day (logrotate)."""


def human(size: int) -> str:
    """As "3.0 MB"."""
    return exact(size).partition(" (")[0]


@dataclass(frozen=True)
class Room:
    """What is free on the file system of a folder.

    Args:
        path: the folder.
        use: what for.
        device: the file system's number.
        free, size: bytes.
        inodes, all_inodes: free ones, and all; 0 where the file system has no fixed number.
    """

    path: Path
    use: str
    device: int
    free: int
    size: int
    inodes: int
    all_inodes: int

    @classmethod
    def of(cls, path: Path, use: str) -> Room:
        """Ask the file system of a folder, or of the first folder above it that there is. Raises OSError."""
        there = next(one for one in (path, *path.parents) if one.exists())
        found = os.statvfs(there)
        return cls(
            there,
            use,
            there.stat().st_dev,
            found.f_bavail * found.f_frsize,
            found.f_blocks * found.f_frsize,
            found.f_favail,
            found.f_files,
        )

    def finding(self) -> Finding:
        """Whether there is enough of both."""
        text = f"{self.path} ({self.use}): {human(self.free)} of {human(self.size)} free"
        if self.all_inodes:
            text += f", {100 * self.inodes // self.all_inodes} % of inodes"
        parts = [self.free / self.size] if self.size else []
        parts += [self.inodes / self.all_inodes] if self.all_inodes else []
        least = min(parts, default=1.0)
        if least < EXHAUSTED:
            return failure(f"{text}: pushes and logs fail")
        return warning(text) if least < LOW else ok(text)


def _space(site: Site) -> Iterator[Finding]:
    seen: set[int] = set()
    for path, use in _places(site):
        try:
            room = Room.of(path, use)
        except PermissionError:
            yield unknown(f"{path} may not be looked at by this user", USE_SUDO)
            continue
        if room.device not in seen:
            seen.add(room.device)
            yield room.finding()


def _places(site: Site) -> Iterator[tuple[Path, str]]:
    filesystem = site.attributes.registry.storage.get("filesystem")
    if filesystem is not None:
        yield Path(filesystem["rootdirectory"]), "images"
    yield from (
        (site.layout.logs, "logs"),
        (site.layout.data, "data"),
        (site.layout.path("/etc"), "settings"),
    )


SPACE = Check(
    "space",
    "there is room, and there are inodes, for images, logs and state",
    _space,
    needs=("settings",),
    remedy="see what uses it: ctl disk-usage; free it: ctl registry-garbage-collect",
)


def _logs(site: Site) -> Iterator[Finding]:
    folders = [site.layout.logs, *dict.fromkeys(_log_folders(site))]
    files = {path: path.stat() for folder in folders for path in _files(folder)}
    now = time.time()
    size = sum(one.st_size for one in files.values())
    lately = sum(one.st_size for one in files.values() if now - one.st_mtime < DAY)
    room = Room.of(site.layout.logs, "logs")
    text = f"{len(files)} files, {human(size)}; at most {human(lately)} of it written within a day"
    if lately and room.free / lately < DAYS_AHEAD:
        yield warning(f"{text}: at that rate {room.path} is full in {room.free / lately:.1f} days")
    else:
        yield ok(text)
    for path, found in files.items():
        if found.st_size > LARGE_LOG:
            yield warning(
                f"{path} has {human(found.st_size)}, and is not rotated",
                "if NGINX writes it: ctl doctor timers; else let what writes it rotate it",
            )


def _log_folders(site: Site) -> Iterable[Path]:
    return (log for name in site.runit.names() if (log := site.runit.definition(name).log) is not None)


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below a folder. Raises PermissionError where it may not be looked into."""
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


LOGS = Check(
    "logs",
    "logs are rotated, and do not fill their disk",
    _logs,
    remedy='fewer or smaller logs: logging["svlogd_size"], logging["svlogd_num"], logging["logrotate_rotate"]',
)
