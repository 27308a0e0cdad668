"""Writes what a run would write, into a folder of its own, and reports of runs for machines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ctl.converge.atomic import link_atomic, write_atomic
from ctl.converge.model import Machine, Report, Validation
from ctl.converge.plan import Item
from ctl.converge.resources.entries import Directory, Symlink
from ctl.errors import CtlError

OTHERS = 0o077
"""The rights of the group and of everybody."""


def render_to(items: Iterable[Item], output: Path, machine: Machine) -> int:
    """Write every managed file below a folder, under its absolute path.

    Args:
        items: what a run would converge.
        output: made if it is not there; closed to others, because there are secrets among the files.
        machine: a blank one.

    Returns:
        The number of files written.

    Raises:
        CtlError: the folder holds something and is open to others.
    """
    _make_private(output)
    count, links = 0, list[Symlink]()
    for item in items:
        if isinstance(item, Validation):
            continue
        if isinstance(item, Directory):
            below(output, item.path).mkdir(parents=True, exist_ok=True)
        elif isinstance(item, Symlink):
            links.append(item)
        for file in item.desired(machine):
            write_atomic(_ready(below(output, file.path)), file.content, mode=file.mode)
            count += 1
    for link in links:
        place = below(output, link.path)
        if (place.parent / link.target).exists():  # else it leads to what only a running service makes
            link_atomic(_ready(place), link.target)
    return count


def _make_private(output: Path) -> None:
    """An existing folder is closed only while it is empty: it may be anybody's, such as /tmp."""
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        output.mkdir(mode=0o700)
    except FileExistsError:
        if output.stat().st_mode & OTHERS == 0:
            return
        if any(output.iterdir()):
            raise CtlError(
                f"{output} holds other files and is open to others; there are secrets among what is written",
                hint=f"Name a new folder, or close this one: chmod go= {output}",
            ) from None
        output.chmod(0o700)


def below(output: Path, path: Path) -> Path:
    """The place of an absolute path below a folder."""
    return output / path.relative_to("/")


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def to_json(report: Report) -> dict[str, object]:
    """A report as plain data.

    Returns:
        changes (resource, summary, path, diff), notifications (service, action), started, stopped, kept_stopped,
        changed and unchanged (counts), seconds, dry_run, recovered.
    """
    return {
        "changed": len(report.changes),
        "unchanged": report.unchanged,
        "changes": [
            {
                "resource": change.resource,
                "summary": change.summary,
                "path": str(change.path) if change.path else None,
                "diff": change.diff,
            }
            for change in report.changes
        ],
        "notifications": [
            {"service": item.service, "action": str(item.action)} for item in report.notifications
        ],
        "started": report.started,
        "stopped": report.stopped,
        "kept_stopped": report.kept_stopped,
        "seconds": round(report.seconds, 3),
        "dry_run": report.dry_run,
        "recovered": report.recovered,
    }
