"""Shows a run while it goes on, and keeps a log of it below /var/log/gitlab/reconfigure."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ctl.cli.framework import Context
from ctl.converge.model import Action, Change, Notification, Report
from ctl.errors import OutputFailed
from ctl.output import Console, Style, silence

KEPT_LOGS = 50
"""How many logs of runs stay."""


@dataclass
class Progress:
    """The observer of a run.

    Args:
        console: where people read.
        diff: whether to print changes of files as diffs.
        dry_run: whether nothing is changed.
        silent: whether standard output belongs to JSON.
        lines: what goes into the log of the run.
        eventful: whether anything happened; a run without changes leaves no log.
    """

    console: Console
    diff: bool = False
    dry_run: bool = False
    silent: bool = False
    lines: list[str] = field(default_factory=list)
    eventful: bool = False

    @classmethod
    @contextmanager
    def to(cls, ctx: Context, *, diff: bool, dry_run: bool, as_json: bool) -> Iterator[Progress]:
        """An observer whose log is written when the run ends, however it ends; a dry run leaves none."""
        progress = cls(ctx.console, diff, dry_run, as_json)
        started = time.time()
        try:
            yield progress
        except BaseException as error:
            progress.lines.append(f"failed: {error}")
            progress.eventful = True
            raise
        finally:
            if not dry_run and progress.eventful:
                write_log(ctx, started, progress.lines)

    def change(self, change: Change) -> None:
        """A change that is made now, or would be."""
        self._line(f"{change.resource}: {change.summary}", Style.WARN)
        if self.diff and change.diff:
            for line in change.diff.splitlines():
                self._line(line, _DIFF_STYLES.get(line[:1]))
        elif change.diff:
            self.lines += change.diff.splitlines()

    def notify(self, notification: Notification) -> None:
        """A service that is restarted or reloaded now, or would be."""
        self._line(f"service[{notification.service}]: {notification.action}", Style.WARN)

    def note(self, text: str) -> None:
        """Anything else worth a line."""
        self._line(text, None)

    def rollback(self, text: str) -> None:
        """A step on the way back after a failure."""
        self._line(text, Style.BAD)

    def finish(self, report: Report) -> None:
        """The last line: counts and seconds."""
        eventful = self.eventful
        self._line(summary(report), Style.GOOD)
        self.eventful = eventful

    def _line(self, text: str, style: Style | None) -> None:
        self.eventful = True
        self.lines.append(text)
        if self.silent:
            return
        try:
            self.console.say(self.console.paint(text, style) if style else text)
        except (BrokenPipeError, OutputFailed):
            # `| head`, a terminal that is gone: the run is worth more than its reader, and its log has it all.
            self.silent = True
            silence(sys.stdout)


_DIFF_STYLES = {"+": Style.GOOD, "-": Style.BAD, "@": Style.PLACE}


_DONE = {Action.RESTART: "restarted", Action.RELOAD: "reloaded", Action.CONTINUE: "continued"}


def summary(report: Report) -> str:
    """ "3 changed, 21 unchanged, registry restarted, 0.4 seconds"."""
    would = "would be " if report.dry_run else ""
    parts = [f"{len(report.changes)} {would}changed", f"{report.unchanged} unchanged"]
    parts += [f"{name} {would}started" for name in report.started]
    parts += [f"{name} {would}stopped" for name in report.stopped]
    parts += [f"{item.service} {would}{_DONE[item.action]}" for item in report.notifications]
    parts += [f"{name} stays stopped" for name in report.kept_stopped]
    return f"{', '.join(parts)}, {report.seconds:.1f} seconds"


def stamp_of(moment: float) -> str:
    """A moment as the name of a file, which sorts by time: 2026-11-29T10-15-00.123."""
    whole = time.strftime("%Y-%m-%dT%H-%M-%S", time.localtime(moment))
    return f"{whole}.{int(moment * 1000) % 1000:03}"


def write_log(ctx: Context, started: float, lines: list[str]) -> None:
    """Write the log of a run, readable by its owner only, and drop the oldest beyond KEPT_LOGS."""
    from ctl.converge.atomic import write_atomic

    folder = ctx.layout.logs / "reconfigure"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(started))
        text = "\n".join([f"# ctl reconfigure {stamp}", *lines, ""])
        write_atomic(folder / f"{stamp_of(time.time())}.log", text.encode(), mode=0o600)
        for old in sorted(folder.glob("*.log"))[:-KEPT_LOGS]:
            old.unlink()
    except OSError as error:
        ctx.console.note(f"warning: no log of this run: {error.filename or folder}: {error.strerror}")
