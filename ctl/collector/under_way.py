"""Whether a collection of a storage is under way, for who only asks."""

from __future__ import annotations

import time
from pathlib import Path

from ctl.collector.layout import QUARANTINE


def under_way(root: Path) -> str | None:
    """Since when a collection of a storage is under way on this machine, and by whom; None where there is none.

    Seen without taking its lock, which would stop one that just begins.

    Returns:
        As " since 10:40:12 (process 17 on host)".
    """
    lock = root / QUARANTINE / "lock"
    try:
        facts = lock.stat()
        with open("/proc/locks", encoding="ascii") as locks:  # noqa: PTH123
            held = any(f":{facts.st_ino} " in line and " FLOCK " in line for line in locks)
        if not held:
            return None
        since = time.strftime("%H:%M:%S", time.localtime(facts.st_mtime))
        return f" since {since} ({lock.read_text(encoding='utf-8').strip()})"
    except OSError:  # there is none, or this user may not look
        return None
