"""What the storage held when it was measured last: numbers are asked for more often than a storage should be."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ctl.paths import Layout


class LastUsage(NamedTuple):
    """One measurement.

    Args:
        time: when it ended, in seconds since 1970.
        repositories: how many there were.
        totals: by name ("blobs", "quarantined", …) how many, and their bytes.
        collections: of earlier collections: "last" (seconds since 1970), "blobs" of that one, bytes "freed" by all,
            "runs" in quarantine, and the bytes "held" there that collections moved.
    """

    time: float
    repositories: int
    totals: Mapping[str, tuple[int, int]]
    collections: Mapping[str, float]


def collections(runs: list[dict[str, Any]], held: list[str]) -> dict[str, float]:
    """What the history of a storage comes to.

    Args:
        runs: earlier runs, oldest first.
        held: the names of those in quarantine.
    """
    last = runs[-1] if runs else {}
    return {
        "last": last.get("at", 0) / 10**9,
        "blobs": last.get("blobs_deleted", 0),
        "freed": sum(run.get("bytes_freed", 0) for run in runs),
        "runs": len(held),
        "held": sum(run.get("bytes_deleted", 0) for run in runs if run.get("run") in held),
    }


def note_usage(
    layout: Layout, repositories: int, totals: Mapping[str, tuple[int, int]], history: Mapping[str, float]
) -> None:
    """Keep it; nothing in a root that never had a run, or where this user may not write. Raises OSError."""
    from ctl.converge.atomic import write_atomic

    if os.access(layout.state, os.W_OK):
        found = LastUsage(time.time(), repositories, totals, history)
        write_atomic(_file(layout), (json.dumps(found._asdict(), indent=2) + "\n").encode(), mode=0o644)


def last_usage(layout: Layout) -> LastUsage | None:
    """The last one; None where there was none, or the record is damaged. Raises PermissionError."""
    try:
        return LastUsage(**json.loads(_file(layout).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _file(layout: Layout) -> Path:
    return layout.state / "last-usage.json"
