"""Archives of the settings folder: taken whole, kept private, thrown away when they are old."""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.atomic import TEMPORARY_PREFIX, write_atomic
from ctl.converge.lock import run_lock
from ctl.errors import CtlError, LockHeld
from ctl.paths import Layout

NAME = re.compile(r"gitlab_config_(\d+)_\d{4}_\d\d_\d\d\.tar")
"""As gitlab-ctl names its archives: seconds since 1970, then the local date."""
PATIENCE = 60.0
"""Seconds to wait for a run under way: it leaves the folder whole, but not at every moment of itself."""
_ATTEMPTS = 5


@dataclass(frozen=True)
class EtcBackup:
    """Backups of one root's /etc/gitlab.

    Args:
        layout: the root.
        folder: where the archives are; None for /etc/gitlab/config_backup.
    """

    layout: Layout
    folder: Path | None = None

    @property
    def source(self) -> Path:
        """What is saved."""
        return self.layout.settings_file.parent

    @property
    def target(self) -> Path:
        """Where archives go."""
        return self.folder or self.source / "config_backup"

    def take(self, now: float) -> Path:
        """Write an archive, mode 0600, as one; its names begin with etc/gitlab, for `tar -xf FILE -C /`.

        Args:
            now: seconds since 1970.

        Returns:
            Its path.

        Raises:
            CtlError: there is nothing to save, or a file does not hold still.
            LockHeld: a run that changes the folder does not end.
        """
        if not self.source.is_dir():
            raise CtlError(f"{self.source} does not exist: there is nothing to back up")
        with _between_runs(self.layout):
            content = self._archive()
        path = self._free_name(now)
        self._make_target()
        write_atomic(path, content, mode=0o600)
        return path

    def _make_target(self) -> None:
        self.target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder is None:
            self.target.chmod(0o700)

    def _free_name(self, now: float) -> Path:
        second = int(now)
        while True:
            day = time.strftime("%Y_%m_%d", time.localtime(second))
            path = self.target / f"gitlab_config_{second}_{day}.tar"
            if not os.path.lexists(path):
                return path
            second += 1

    def _archive(self) -> bytes:
        top, prefix = self.source.resolve(), self.source.relative_to(self.layout.root)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in self.members(top):
                if member := member_of(archive, path, str(prefix / path.relative_to(top))):
                    archive.addfile(member[0], io.BytesIO(member[1]))
        return buffer.getvalue()

    def members(self, folder: Path) -> Iterator[Path]:
        """Everything to be saved, folders before what is in them; earlier archives are not."""
        yield folder
        for path in sorted(folder.iterdir()):
            if self.is_excluded(path):
                continue
            if path.is_dir() and not path.is_symlink():
                yield from self.members(path)
            else:
                yield path

    def is_excluded(self, path: Path) -> bool:
        """Whether it is an earlier archive, or a file that is being written."""
        if path == self.source.resolve() / "config_backup" or path.name.startswith(TEMPORARY_PREFIX):
            return True
        return NAME.fullmatch(path.name) is not None and path.parent == self.target.resolve()

    def old(self, now: float, keep_seconds: int) -> list[Path]:
        """Archives made longer ago than they should be kept, the oldest first; none if `keep_seconds` is 0.

        Only files with a name of ours count, by the time in that name.
        """
        if not keep_seconds or not self.target.is_dir():
            return []
        return [path for made, path in sorted(self._archives()) if made < now - keep_seconds]

    def _archives(self) -> Iterable[tuple[int, Path]]:
        for path in self.target.iterdir():
            match = NAME.fullmatch(path.name)
            if match and stat.S_ISREG(path.lstat().st_mode):
                yield int(match.group(1)), path


@contextmanager
def _between_runs(layout: Layout) -> Iterator[None]:
    """Keep runs from changing files meanwhile; a root that never had a run needs no lock."""
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        while layout.state.is_dir():
            try:
                stack.enter_context(run_lock(layout))
                break
            except LockHeld:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield


def member_of(archive: tarfile.TarFile, path: Path, name: str) -> tuple[tarfile.TarInfo, bytes] | None:
    """What an archive has to say of a file, folder or link, and the content of a file.

    Returns:
        None where it was removed since its folder was listed, and for sockets.

    Raises:
        CtlError: it does not hold still.
    """
    try:
        member = archive.gettarinfo(path, name)
        content = _steady(path) if member and member.isreg() else b""
    except FileNotFoundError:
        return None
    if member is None:
        return None
    member.size = len(content)
    return member, content


def _steady(path: Path) -> bytes:
    """The content of a file as it was at one moment.

    Raises:
        CtlError: it changes all the time.
    """
    for _ in range(_ATTEMPTS):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            content = file.read()
            after = os.fstat(descriptor)
        if (before.st_mtime_ns, len(content)) == (after.st_mtime_ns, after.st_size):
            return content
        time.sleep(0.05)
    raise CtlError(f"{path} changes while it is saved", hint="Let the program that writes it come to an end.")
