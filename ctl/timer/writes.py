"""Whether something was written into folders: asked of their files, and noticed without polling."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from datetime import datetime

COARSE = 1.0
"""Seconds by which the time of a file may be behind the clock."""


def written_since(folders: Iterable[str], moment: datetime) -> bool:
    """Whether a file in one of the folders was written after a moment; no such folder, no such file.

    Raises:
        OSError: a folder may not be looked into.
    """
    since = moment.timestamp() - COARSE
    return any(_newest(folder) > since for folder in folders)


def _newest(folder: str) -> float:
    try:
        with os.scandir(folder) as entries:
            return max(
                (one.stat(follow_symlinks=False).st_mtime for one in entries if one.is_file()), default=0
            )
    except FileNotFoundError:  # the folder, or a log that is just being renamed
        return 0


class Watch:
    """Asks the kernel for SIGIO at the next write (fcntl(2), 'File and directory change notification')."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def arm(self, folders: Iterable[str]) -> bool:
        """Be notified once of the next write into each folder. Returns whether the kernel can do that."""
        return all(self._arm(folder) for folder in folders)

    def _arm(self, folder: str) -> bool:
        """Opened anew each time: another folder may have taken its place."""
        if folder in self._open:
            os.close(self._open.pop(folder))
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return True
        self._open[folder] = descriptor
        try:
            fcntl.fcntl(descriptor, fcntl.F_NOTIFY, fcntl.DN_MODIFY | fcntl.DN_CREATE)
        except OSError:
            return False
        return True
