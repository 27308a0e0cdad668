"""The runs of a node: what each changed, who made it, and the settings and secrets with which it can be made again."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import Rights, group_name, look, owner_name, read_file
from ctl.converge.model import Report
from ctl.errors import CtlError
from ctl.paths import Layout

KEPT_RUNS = 50
"""How many runs stay."""
RUN, SETTINGS, SECRETS, TRIAL = "run.json", "settings", "secrets.json", "trial.json"


@dataclass(frozen=True)
class Run:
    """A successful run that changed something.

    Args:
        folder: where it is kept.
        time: when it ended, in seconds since 1970.
        user: who made it.
        changes: a line each.
        settings_file: where its settings were read.
        sources: the further files that these took in, each with the name of its copy.
    """

    folder: Path
    time: float
    user: str
    changes: tuple[str, ...]
    settings_file: Path
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def copies(self) -> dict[Path, Path]:
        """All files of its settings, each with its copy."""
        copies = {Path(path): self.folder / name for path, name in self.sources.items()}
        return {self.settings_file: self.settings, **copies}

    @property
    def settings(self) -> Path:
        """The copy of its settings file, with the suffix of its language."""
        return self.folder / f"{SETTINGS}{self.settings_file.suffix}"

    @property
    def when(self) -> str:
        """Its time in words."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.time))

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        return {"time": self.time, "user": self.user, "changes": list(self.changes)}


class FormerSecrets(Layout):
    """The root as it is, but with the secrets of an earlier run.

    Args:
        root: as of Layout.
        run: that run's folder.
    """

    run: Path

    def __new__(cls, root: Path, run: Path) -> FormerSecrets:
        """Make one."""
        self = super().__new__(cls, root)
        self.run = run
        return self

    @property
    def secrets_file(self) -> Path:
        """The copy of that run."""
        return self.run / SECRETS


@dataclass(frozen=True)
class History:
    """The runs of a root.

    Args:
        layout: the root.
    """

    layout: Layout

    @property
    def _folder(self) -> Path:
        return self.layout.state / "history"

    def runs(self) -> list[Run]:
        """The runs that are kept, the newest first.

        Raises:
            CtlError: one is damaged.
        """
        return [self._read(folder) for folder in self._folders() if look(folder / RUN) is not None]

    def run(self, name: str) -> Run:
        """The run of a folder, to go back to it. Raises CtlError where it is damaged, or not kept any more."""
        return _whole(self._read(self._folder / name))

    def _folders(self) -> list[Path]:
        """The newest first; one without RUN, which is written last, is of a run that was interrupted there."""
        if look(self._folder) is None:
            return []
        return sorted(self._folder.iterdir(), reverse=True)

    def _read(self, folder: Path) -> Run:
        try:
            found = json.loads(read_file(folder / RUN))
            settings, sources = Path(found["settings_file"]), dict(found.get("sources", {}))
            return Run(folder, found["time"], found["user"], tuple(found["changes"]), settings, sources)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CtlError(f"{folder} is damaged: {error}", hint=f"Remove it: rm -r {folder}") from error

    def earlier(self, number: int) -> Run:
        """The run before the last one (1), or still earlier ones.

        Raises:
            CtlError: there is none.
        """
        runs = self.runs()
        if number >= len(runs):
            there = f"there are {len(runs)}" if runs else "there is none yet"
            raise CtlError(f"run {number} is not known: {there}", hint="See `ctl history`.")
        return _whole(runs[number])

    def record(self, report: Report, settings_file: Path, sources: Sequence[Path]) -> None:
        """Keep a run that changed something, and drop the oldest beyond KEPT_RUNS.

        Args:
            report: of the run.
            settings_file, sources: the files from which its settings came.

        Also the first of a node, and one after a run that changed something and was interrupted when it was recorded.
        """
        folders = self._folders()
        complete = [folder for folder in folders if look(folder / RUN) is not None]
        if report.changes or not complete or len(complete) < len(folders):
            self._write(report, settings_file, sources)
            for old in [*complete[KEPT_RUNS - 1 :], *(set(folders) - set(complete))]:
                shutil.rmtree(old)

    def _write(self, report: Report, settings_file: Path, sources: Sequence[Path]) -> None:
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(now))
        folder = self._folder / f"{stamp}.{int(now * 1_000_000) % 1_000_000:06}"
        folder.mkdir(mode=0o700, parents=True)
        self._folder.chmod(0o700)
        changes = tuple(f"{change.resource}: {change.summary}" for change in report.changes)
        names = {str(path): f"source-{number}" for number, path in enumerate(sources)}
        run = Run(folder, now, _who(), changes, settings_file.absolute(), names)
        for path, copy in run.copies.items():
            write_atomic(copy, path.read_bytes(), mode=0o600)
        if look(self.layout.secrets_file) is not None:
            write_atomic(folder / SECRETS, read_file(self.layout.secrets_file), mode=0o600)
        plain = asdict(run) | {"folder": str(folder), "settings_file": str(run.settings_file)}
        write_atomic(folder / RUN, json.dumps(plain).encode(), mode=0o600)


def _whole(run: Run) -> Run:
    """It, with all its files. Raises CtlError where one is missing."""
    missing = next((copy for copy in run.copies.values() if look(copy) is None), None)
    if missing is not None:
        raise CtlError(f"{missing} is missing: nobody can go back to that run", hint="See `ctl history`.")
    return run


def _who() -> str:
    """The person behind sudo, else the caller."""
    name = os.environ.get("SUDO_USER")
    try:
        return name or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def changed_by_hand(layout: Layout) -> Iterator[tuple[Path, str]]:
    """What is not as the last run left it: each path with what differs, in words.

    Raises:
        CtlError: the record of what ctl wrote is damaged.
    """
    from ctl.converge.written import Written, digest

    for path, entry in sorted(Written.read(layout).entries.items()):
        if not entry.managed:
            continue
        found = look(path, follow=not entry.digest)
        if found is None:
            yield path, "removed"
            continue
        words = []
        if found.is_file and entry.digest != digest(read_file(path)):
            words.append("content")
        elif found.is_link and entry.digest != f"-> {path.readlink()}":
            words.append(f"link to {path.readlink()}")
        if not found.is_link:
            wanted = Rights(entry.mode, owner_name(entry.uid), group_name(entry.gid))
            words += wanted.differences(found)
        if words:
            yield path, ", ".join(words)
