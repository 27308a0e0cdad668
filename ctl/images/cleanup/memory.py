"""What is remembered between clean-ups: when images were created, and what tags name.

What has a digest for its name cannot change, and neither can what a link holds without another identity. But a link
that was written within the same tick of the clock as it was read looks the same afterwards: so only those are
remembered that were written some time before, by the storage's clock.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import QUARANTINE
from ctl.collector.objects import Objects
from ctl.collector.tree import quarantine_of
from ctl.errors import CtlError
from ctl.images.catalogue import link_digest
from ctl.images.facts import Images, Unknown

_TABLES = (
    "CREATE TABLE IF NOT EXISTS image (digest TEXT PRIMARY KEY, created INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS tag (repository TEXT, name TEXT, print BLOB, digest TEXT, "
    "PRIMARY KEY (repository, name)) WITHOUT ROWID",
)
_NAME = "images.sqlite"
_LARGEST = 1 << 30
"""Bytes of the file in object storage: as of ten million images."""
_SETTLED = 10 * 10**9
"""Nanoseconds after which what was written has another time than what is written now."""
_FAILED = (sqlite3.Error, OSError, OverflowError)
_print = struct.Struct("<QQqq").pack


@dataclass
class _Changes:
    """What is new of the tags of a repository: those that were read, and those that are gone."""

    read: list[tuple[str, bytes, int, str]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)


class Memory:
    """It is in a file in the quarantine. One that cannot be used is done without.

    Args:
        images: of the storage.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self._dates: dict[str, int | None] = {}
        self._new: dict[str, int | None] = {}
        self._tags: dict[str, _Changes] = {}
        self._began = time.monotonic()
        self._file: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Use the file for as long as the context lasts."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(*_FAILED):
                self._file = stack.enter_context(contextlib.closing(self._open()))
                self._dates = dict(self._file.execute("SELECT digest, created FROM image"))
            yield
            self._file = None

    def date(self, digest: str) -> int | None:
        """When an image was created; None where it does not say.

        Raises:
            Unknown: it cannot be read.
        """
        if digest not in self._dates:
            self._dates[digest] = self._new[digest] = self._images.date(digest)
        elif not self._images.is_there(digest):
            raise Unknown(f"{digest} is missing")
        return self._dates[digest]

    def reader(self, scan: RepositoryScan) -> Callable[[Link], str]:
        """What finds the digest in a link of a tag of a repository, as `link_digest`; it reads only what is new."""
        known, storage = self._known(scan.name), self._images.storage
        changes = self._tags[scan.name] = _Changes()
        changes.gone.update(known.keys() - {link.name for link in scan.tags})

        def digest(link: Link) -> str:
            own = _print(*link.identity)
            row = known.get(link.name)
            if row is not None and row[0] == own:
                return row[1]
            found = link_digest(storage, link)
            if found and not link.target:
                changes.read.append((link.name, own, max(link.mtime, *link.identity[2:]), found))
            return found

        return digest

    def _known(self, repository: str) -> dict[str, tuple[bytes, str]]:
        query = "SELECT name, print, digest FROM tag WHERE repository = ?"
        with contextlib.suppress(*_FAILED):
            if self._file is not None:
                return {name: (own, digest) for name, own, digest in self._file.execute(query, (repository,))}
        return {}

    def remember(self) -> None:
        """Write what is new, unless a collection is under way, or nothing can be written there."""
        if not self._new and not any(one.read or one.gone for one in self._tags.values()):
            return
        with contextlib.suppress(CtlError), quarantine_of(self._images.storage) as quarantine:
            elapsed = int((time.monotonic() - self._began) * 10**9)
            with contextlib.suppress(*_FAILED):
                self._write(quarantine.now() - elapsed - _SETTLED)

    # --- the file

    def _open(self, mode: str = "ro") -> sqlite3.Connection:
        """The file: on a disk itself, of object storage a copy in memory."""
        tree = self._images.storage
        if not isinstance(tree, Objects):
            path = Path(tree.root, QUARANTINE, _NAME).absolute()
            return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=0)
        file = sqlite3.connect(":memory:")
        with contextlib.suppress(FileNotFoundError):
            file.deserialize(tree.read_file(f"{QUARANTINE}/{_NAME}", _LARGEST))
        return file

    def _write(self, settled: int) -> None:
        with contextlib.closing(self._open("rwc")) as file:
            with file:
                for table in _TABLES:
                    file.execute(table)
                file.executemany("INSERT OR REPLACE INTO image VALUES (?, ?)", self._new.items())
                for repository, changes in self._tags.items():
                    gone = ((repository, name) for name in changes.gone)
                    file.executemany("DELETE FROM tag WHERE repository = ? AND name = ?", gone)
                    old = (
                        (repository, name, own, digest)
                        for name, own, at, digest in changes.read
                        if at < settled
                    )
                    file.executemany("INSERT OR REPLACE INTO tag VALUES (?, ?, ?, ?)", old)
            if isinstance(tree := self._images.storage, Objects):
                tree.store.write(f"{QUARANTINE}/{_NAME}", [file.serialize()])
