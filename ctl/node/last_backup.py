"""The last backup that succeeded: for `ctl status` and `ctl doctor`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

from ctl.paths import Layout


class LastBackup(NamedTuple):
    """What was saved last.

    Args:
        time: when it was complete, in seconds since 1970.
        archive: its file or URL.
        images: whether it has the images too.
        verified: whether it was restored and started, too.
    """

    time: float
    archive: str
    images: bool
    verified: bool

    @property
    def line(self) -> str:
        """For people."""
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.time))
        more = " with images" * self.images + ", verified" * self.verified
        return f"backup: last taken {when}{more}: {self.archive}"


def _file(layout: Layout) -> Path:
    return layout.state / "last-backup.json"


def note_backup(layout: Layout, last: LastBackup) -> None:
    """Keep it; nothing on a root that never had a run."""
    from ctl.converge.atomic import write_atomic  # `ctl status` does without the engine

    if layout.state.is_dir():
        write_atomic(_file(layout), (json.dumps(last._asdict(), indent=2) + "\n").encode(), mode=0o600)


def last_backup(layout: Layout) -> LastBackup | None:
    """The last one; None where there was none, or this user may not know, or the record is damaged."""
    try:
        return LastBackup(**json.loads(_file(layout).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
