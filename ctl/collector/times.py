"""When what is in a folder was written, and links of it read."""

from __future__ import annotations

import contextlib
import os


def blob_state(path: str) -> tuple[int, int] | None:
    """Bytes of a blob and the time since when it is there, in nanoseconds; None where it has no content.

    The file has the time of its last write; its folder has that of the end of the upload.
    """
    try:
        data, folder = os.stat(f"{path}/data"), os.stat(path)  # noqa: PTH116 - of many
    except FileNotFoundError:
        return None
    return data.st_size, max(data.st_mtime_ns, folder.st_mtime_ns)


def touched(path: str) -> tuple[int, int]:
    """When a link was last written and, where the file system notes that, read; 0 where it is gone."""
    try:
        info = os.stat(path)  # noqa: PTH116
    except OSError:
        return 0, 0
    return info.st_mtime_ns, info.st_atime_ns


def newest(path: str) -> int:
    """The latest time of a folder and of all in it, in nanoseconds."""
    found = 0
    for folder, _, files in os.walk(path):
        for one in (folder, *(f"{folder}/{name}" for name in files)):
            with contextlib.suppress(FileNotFoundError):
                found = max(found, os.lstat(one).st_mtime_ns)
    return found
