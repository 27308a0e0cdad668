"""The quarantine: what a collection takes out of the storage is moved there whole, and can be brought back.

    <root>/ctl-quarantine/
        lock                one collection at a time, on whatever machine
        clock               a probe: its time is the storage's time
        manifests.sqlite    what manifests refer to
        20261129T104500Z-1f/        a run: everything below has the path that it had in the storage
            run.json                when it began, what it did; `closed` when the last thing was moved
            docker/registry/v2/blobs/sha256/ab/abcd…/data

It is the journal, too: a collection that is killed leaves nothing else to be finished or undone.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ctl.collector.files import open_own, read_own
from ctl.collector.folder_run import Run
from ctl.collector.history import history_in, interruption, is_interrupt, parsed
from ctl.collector.holding import HeldRun
from ctl.collector.layout import DATABASE_LOCK, QUARANTINE
from ctl.collector.lock_owner import this_process
from ctl.collector.managed import refuse_managed
from ctl.errors import CtlError, LockHeld, RunFailed

RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_REPORT = "run.json"
_OWNER = 400
"""Bytes that name who holds the lock."""
_NANO = 10**9
_NOT_OURS = "Move it away: ctl makes it anew."
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Quarantine:
    """The quarantine of a storage, held: `with Quarantine(root) as quarantine: …`.

    Args:
        root: of the storage.

    Raises:
        LockHeld: another collection of this storage is under way.
        PreflightError: a metadata database manages it.
        CtlError: it cannot be made.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self.folder = self._root / QUARANTINE
        self.cache, self._history = self.folder / "manifests.sqlite", self.folder / "history.jsonl"
        self.interrupted = ""
        self._locks: list[int] = []
        self._named = False

    def __enter__(self) -> Quarantine:
        refuse_managed(str(self._root), os.path.lexists(self._root / DATABASE_LOCK))
        try:
            # of the folder itself too: on a full disk there may be no room for a file
            self._take_lock(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            if self.folder.is_symlink():  # whoever made it could lead root anywhere
                raise CtlError(f"{self.folder} is a symbolic link", hint="Put a folder in its place.")
            _folder(self.folder)
            self._take_lock(open_own(self.folder / "lock", os.O_RDWR | os.O_CREAT))
            self._note_interrupted(self._locks[-1])
            os.ftruncate(self._locks[-1], 0)
            os.pwrite(self._locks[-1], this_process().encode(), 0)
            self._named = True
        except CtlError:
            self.__exit__()
            raise
        except OSError as error:
            if error.errno not in _FULL:
                self.__exit__()
                where = error.filename or self.folder
                raise CtlError(f"{where} cannot be used: {error.strerror}", hint=_hint(error)) from error
        return self

    def _note_interrupted(self, lock: int) -> None:
        """Who ends on its own account leaves the lock file empty: what it says is who was killed."""
        who = os.pread(lock, _OWNER, 0).decode("utf-8", "replace").strip()
        if who:
            self.interrupted = who
            self.note(interruption(who, os.fstat(lock).st_mtime_ns))

    def _take_lock(self, descriptor: int) -> None:
        self._locks.append(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"a garbage collection of {self._root} is under way{self._holder()}") from None
        except OSError as error:
            # NFS has no lock for a folder
            if error.errno not in (errno.EBADF, errno.ENOTSUP, errno.EINVAL) or len(self._locks) > 1:
                raise

    def _holder(self) -> str:
        with contextlib.suppress(OSError):
            return f" ({read_own(self.folder / 'lock').strip()})"
        return ""

    def __exit__(self, *raised: object) -> None:
        if self._named and not is_interrupt(raised):
            with contextlib.suppress(OSError):
                os.ftruncate(self._locks[-1], 0)
        self._named = False
        for descriptor in self._locks:
            os.close(descriptor)
        self._locks.clear()

    def now(self) -> int:
        """The time of the storage in nanoseconds: this machine's may be another.

        Raises:
            RunFailed: nothing can be written there.
        """
        probe = self.folder / "clock"
        try:
            descriptor = open_own(probe, os.O_WRONLY | os.O_CREAT)
            try:
                os.utime(descriptor)
                return os.fstat(descriptor).st_mtime_ns
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in _FULL or not self.folder.is_dir():
                os.utime(self._root)
                return self._root.stat().st_mtime_ns
            raise RunFailed(f"{probe} cannot be written: {error.strerror}", hint=_hint(error)) from error

    # --- runs

    def runs(self) -> list[HeldRun]:
        """What earlier collections have moved, oldest first."""
        found: list[HeldRun] = []
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            if RUN.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                report = _read_report(path / _REPORT)
                closed = report.get("closed")
                found.append(Run(path.name, path, closed if isinstance(closed, int) else None, report))
        return found

    def begin(self, now: int) -> Run:
        """Make the folder of a new run.

        Raises:
            RunFailed: it cannot be made.
        """
        stamp = datetime.fromtimestamp(now / _NANO, UTC).strftime("%Y%m%dT%H%M%SZ")
        run = Run(f"{stamp}-{secrets.token_hex(2)}", self.folder, None, {})
        run = Run(run.name, self.folder / run.name, None, {})
        try:
            _folder(run.folder)
        except OSError as error:
            raise RunFailed(f"{run.folder} cannot be made: {error.strerror}", hint=_hint(error)) from error
        return run

    def label(self, run: HeldRun, report: Mapping[str, Any]) -> None:
        """Note what a run is going to do. On a full disk it is done without."""
        with contextlib.suppress(OSError):
            _write_report(self._folder(run) / _REPORT, dict(report))

    def close(self, run: HeldRun, report: Mapping[str, Any]) -> bool:
        """Note that a run has moved its last: from now on the time until its purge counts.

        Returns:
            False where it has moved nothing, and is gone.
        """
        folder = self._folder(run)
        if not any(folder.iterdir()):
            folder.rmdir()
            return False
        _write_report(folder / _REPORT, {**report, "closed": self.now()})
        return True

    def _folder(self, run: HeldRun) -> Path:
        return self.folder / run.name

    def note(self, report: dict[str, Any]) -> None:
        """Add a line to the history. On a full disk it is done without."""
        with contextlib.suppress(OSError):
            descriptor = open_own(self._history, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with open(descriptor, "a", encoding="utf-8") as file:  # noqa: PTH123
                file.write(json.dumps(report) + "\n")

    def history(self) -> list[dict[str, Any]]:
        """What earlier collections did, oldest first."""
        try:
            return history_in(read_own(self._history))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return []
            raise CtlError(f"{self._history} cannot be read: {error.strerror}", hint=_hint(error)) from error

    # --- moving

    def take(self, run: HeldRun, path: str) -> bool:
        """Move a folder of the storage into a run, by one rename.

        Returns:
            False where it is no longer there.

        Raises:
            RunFailed: it cannot be moved.
        """
        target = self._folder(run) / path
        try:
            _folders(target.parent, self.folder)
            (self._root / path).rename(target)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise RunFailed(
                f"{self._root / path} cannot be moved to {target}: {error.strerror}", hint=_hint(error)
            ) from error
        return True

    def bring_back(self, run: HeldRun, path: str) -> bool:
        """Move a folder back to where it was. An empty one there is replaced, by the same rename.

        A registry that has just made the empty one, to move an upload into it, must never find it missing.

        Returns:
            False where something is there again: the same content, or a newer link.

        Raises:
            RunFailed: it cannot be moved.
        """
        source, target = self._folder(run) / path, self._root / path
        try:
            _folders(target.parent, self._root)
            source.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            if isinstance(error, FileNotFoundError) and not source.exists():
                return False
            raise RunFailed(
                f"{source} cannot be moved back to {target}: {error.strerror}", hint=_hint(error)
            ) from error
        return True

    def renew(self, path: str) -> None:
        """Let something that came back count as new, so that the next collection does not take it at once."""
        folder = self._root / path
        os.utime(folder)
        if (folder / "link").exists():
            os.utime(folder / "link")

    def delete(self, path: str) -> int:
        """Delete a folder of the storage for good, while nobody writes. Returns its bytes."""
        folder = self._root / path
        size = _size(folder)
        shutil.rmtree(folder)
        return size

    def purge(self, run: HeldRun, path: str) -> int:
        """Delete something in a run for good. Returns its bytes."""
        folder = self._folder(run) / path
        size = _size(folder)
        shutil.rmtree(folder)
        return size

    def drop(self, run: HeldRun) -> None:
        """Remove what is left of a run: folders and its report, never content."""
        top = self._folder(run)
        for folder, _, files in os.walk(top, topdown=False):
            if Path(folder) == top and files == [_REPORT]:
                (top / _REPORT).unlink()
            with contextlib.suppress(OSError):  # not empty: something is still in it
                Path(folder).rmdir()


def _folder(path: Path) -> None:
    """Make a folder, with the owner of the one above: the registry's account must be able to use it."""
    try:
        path.mkdir(mode=0o750)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.chown(path, above.st_uid, above.st_gid)


def _folders(path: Path, top: Path) -> None:
    """Make folders below a top that is there."""
    if path != top and not path.is_dir():
        _folders(path.parent, top)
        _folder(path)


def _size(folder: Path) -> int:
    files = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in files)


def _read_report(path: Path) -> dict[str, Any]:
    try:
        return parsed(read_own(path))
    except OSError:
        return {}


def _write_report(path: Path, report: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report), encoding="utf-8")
    part.rename(path)


def _hint(error: OSError) -> str | None:
    return {
        errno.ENOSPC: "The disk is full: --now collects without the quarantine.",
        errno.EDQUOT: "The quota is used up: --now collects without the quarantine.",
        errno.EACCES: "Run it as root, or as the account that owns the storage.",
        errno.EPERM: "Run it as root, or as the account that owns the storage.",
        errno.EINVAL: _NOT_OURS,
        errno.EISDIR: _NOT_OURS,
        errno.EXDEV: f"Blobs are on another disk than {QUARANTINE}: use --stop.",
    }.get(error.errno or 0)
