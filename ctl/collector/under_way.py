"""Whether a collection of a storage is under way, or was interrupted, for who only asks."""

from __future__ import annotations

import time
from pathlib import Path

from ctl.collector.files import read_own
from ctl.collector.layout import QUARANTINE


def under_way(root: Path) -> str | None:
    """Since when a collection of a storage is under way on this machine, and by whom; None where there is none.

    Seen without taking its lock, which would stop one that just begins.

    Returns:
        As " since 10:40:12 (process 17 on host)".
    """
    found = _lock(root)
    return f" since {found[1]} ({found[2]})" if found is not None and found[0] else None


def interrupted(root: Path) -> str | None:
    """When the last collection of a storage had begun, and by whom, if it was killed; else None.

    Returns:
        As " of 10:40:12 (process 17 on host)".
    """
    found = _lock(root)
    return f" of {found[1]} ({found[2]})" if found is not None and found[2] and not found[0] else None


def _lock(root: Path) -> tuple[bool, str, str] | None:
    """Whether the lock is held, since when, and by whom; None where there is none, or this user may not look."""
    lock = root / QUARANTINE / "lock"
    try:
        facts = lock.stat()
        with open("/proc/locks", encoding="utf-8") as locks:  # noqa: PTH123
            held = any(f":{facts.st_ino} " in line and " FLOCK " in line for line in locks)
        since = time.strftime("%H:%M:%S", time.localtime(facts.st_mtime))
        return held, since, read_own(lock).strip()
    except OSError:
        return None
