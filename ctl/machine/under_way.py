"""Whether a run changes the root at this moment."""

from __future__ import annotations

from ctl.paths import Layout


def run_under_way(layout: Layout) -> bool:
    """Whether a run is under way; seen without taking its lock, which might stop a run that just begins."""
    try:
        marker = f":{layout.run_lock.stat().st_ino} "
        with open("/proc/locks", encoding="ascii") as locks:  # noqa: PTH123
            return any(marker in line and " FLOCK " in line for line in locks)
    except OSError:  # there is no lock, or no way to see it
        return False
