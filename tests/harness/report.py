"""The report of a run, as `reconfigure --json` prints it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunReport:
    """What a run says it did.

    Args:
        paths: changed paths, relative to the root.
        restarted, reloaded, started, stopped: names of services.
        changes: all changes, as printed.
        raw: the whole report.
    """

    paths: frozenset[str]
    restarted: frozenset[str]
    reloaded: frozenset[str]
    started: frozenset[str]
    stopped: frozenset[str]
    changes: tuple[dict[str, Any], ...]
    raw: dict[str, Any]

    @property
    def nothing(self) -> bool:
        """Whether it says that nothing was to be done."""
        return not (self.changes or self.restarted or self.reloaded or self.started or self.stopped)


def read_report(raw: dict[str, Any], root: Path) -> RunReport:
    """Read the printed report of a run in `root`."""
    paths = [Path(one["path"]) for one in raw["changes"] if one.get("path")]
    notified = raw["notifications"]
    return RunReport(
        paths=frozenset(str(path.relative_to(root)) for path in paths),
        restarted=frozenset(one["service"] for one in notified if one["action"] == "restart"),
        reloaded=frozenset(one["service"] for one in notified if one["action"] == "reload"),
        started=frozenset(raw["started"]),
        stopped=frozenset(raw["stopped"]),
        changes=tuple(raw["changes"]),
        raw=raw,
    )
