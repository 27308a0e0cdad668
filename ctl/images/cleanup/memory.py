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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from ctl.collector.database import open_database
from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import BLOBS, QUARANTINE, REVISIONS
from ctl.collector.objects import Objects
from ctl.collector.tree import quarantine_of
from ctl.errors import CtlError
from ctl.images.catalogue import link_digest
from ctl.images.cleanup.tagged import TagTree
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
_NOTHING = b"", ""
_print = struct.Struct("<QQqq").pack
Look = tuple[tuple[int, ...], str, str, int | None, bool]
"""What was found at a tag: identity of its link, digest in it or "", why its image is not known or "", when that was
created, and whether the link was read. A tuple, as a second process must be able to send it."""


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
        self._stored: frozenset[str] = frozenset()
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
                self._stored = frozenset(self._dates)
            yield
            self._file = None

    def looker(self, scan: RepositoryScan) -> Callable[[Link], Look]:
        """What looks at tags of a repository; of links and images it reads only what is new.

        Args:
            scan: of the repository.
        """
        known, storage, dates = self._known(scan.name), self._images.storage, self._dates
        changes = self._tags[scan.name] = _Changes()
        changes.gone.update(known.keys() - {link.name for link in scan.tags})
        problem_of, problems = self._manifests_of(scan), dict[str, str]()
        identity_of = storage.identity if isinstance(storage, TagTree) else attrgetter("identity")

        def look(link: Link) -> Look:
            identity: tuple[int, ...] = ()
            try:
                identity = identity_of(link)
                if not identity:
                    return (), "", "it has no link to a manifest", None, False
                own, digest = known.get(link.name, _NOTHING)
                fresh = own != _print(*identity)
                if fresh:
                    digest = link_digest(storage, link)
            except OSError as error:
                return identity, "", error.strerror or str(error), None, False
            if not digest:
                return identity, "", "its link holds no digest", None, False
            if digest not in problems:
                problems[digest] = problem_of(digest)
            return identity, digest, problems[digest], dates.get(digest), fresh and not link.target

        return look

    def _manifests_of(self, scan: RepositoryScan) -> Callable[[str], str]:
        """What finds out why an image of a repository is not known, or ""."""
        storage, dates, images = self._images.storage, self._dates, self._images
        top, blobs = f"{scan.path}/{REVISIONS}", storage.path(BLOBS)
        has, cheap = storage.has, isinstance(storage, TagTree)
        listed = {link.name for link in scan.revisions}

        def problem(digest: str) -> str:
            algorithm, _, name = digest.partition(":")
            is_here = has(f"{top}/{algorithm}/{name}/link") if cheap else digest in listed
            if not is_here:
                return f"it names {digest}, which is no manifest of this repository"
            if digest in dates:
                is_here = has(f"{blobs}/{algorithm}/{name[:2]}/{name}/data")
                return "" if is_here else f"{digest} is missing"
            try:
                dates[digest] = images.date(digest)
            except Unknown as error:
                return str(error)
            return ""

        return problem

    def learn(self, scan: RepositoryScan, looks: Iterable[Look]) -> None:
        """Note what was found at the tags of a repository, in their order, to be remembered."""
        read, stored = self._tags[scan.name].read, self._stored
        for link, (identity, digest, problem, created, fresh) in zip(scan.tags, looks, strict=True):
            if fresh:
                read.append((link.name, _print(*identity), max(identity[2:]), digest))
            if digest not in stored and not problem:
                self._new[digest] = created

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
            return open_database(Path(tree.root, QUARANTINE, _NAME), mode)
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
