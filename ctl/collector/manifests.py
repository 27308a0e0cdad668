"""The manifests of a storage, read once: what has a digest for its name cannot change."""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctl.collector.database import open_database
from ctl.collector.layout import blob_folder, digests_in
from ctl.collector.manifest import LARGEST, Manifest, skim, verify
from ctl.collector.tree import Tree

_TABLE = (
    "CREATE TABLE IF NOT EXISTS manifest (digest TEXT PRIMARY KEY, content TEXT, sum INTEGER) WITHOUT ROWID"
)
_BATCH = 1_000
"""Manifests that are written together."""
_encoded = json.JSONEncoder(separators=(",", ":")).encode
_QUERY = 500
"""Manifests that one query asks for."""


class Unreadable(Exception):
    """A manifest that cannot be read.

    Args:
        path: of its blob.
        reason: why.
        named: the digests that occur in what is left of it.
        missing: whether it is not there at all.
    """

    def __init__(self, path: str, reason: str, named: list[str], *, missing: bool = False) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
        self.named = named
        self.missing = missing


class Manifests:
    """Reads manifests, and remembers what they refer to.

    A file that cannot be used (a full disk, another version, a damage) is done without.

    Args:
        storage: that they are in.
        cache: the file to remember them in between runs, or None.
        writable: whether to make that file, and write to it.

    Attributes:
        connection: to that file, or None.
        empty: whether nothing was remembered when it was opened.
        elsewhere: further folders with the layout of the storage: of the quarantine.
    """

    def __init__(self, storage: Tree, cache: Path | None = None, *, writable: bool = True) -> None:
        self._storage = storage
        self.elsewhere: list[str] = []
        self._pending: list[Manifest] = []
        self._known: dict[str, Manifest] = {}
        self._fetched: dict[str, tuple[str, int] | None] = {}
        self.connection = _open(cache, writable=writable)
        self.empty = self.connection is not None and _is_empty(self.connection)

    def get(self, digest: str) -> Manifest:
        """A manifest by its digest.

        Raises:
            Unreadable: it is missing or damaged.
        """
        found = self._remembered(digest)
        if found is None:
            return self._fetch(digest)
        if not self._storage.cheap:
            return found  # at a request for each, whether it is still there is for a check of the storage
        path, size = self._find(digest)
        if found.size != size:
            found = self._read(digest, path)
            self._remember(found)
        return found

    def are_there(self, sizes: Mapping[str, int]) -> bool:
        """Whether some manifests are in the storage, with these sizes; that is not asked where it costs requests."""
        if not self._storage.cheap:
            return True
        path, size = self._storage.path, self._storage.size
        try:
            return all(size(path(f"{blob_folder(digest)}/data")) == sizes[digest] for digest in sizes)
        except OSError:
            return False

    def prefetch(self, digests: Sequence[str]) -> None:
        """Fetch what is remembered of some manifests at once; what was fetched before is forgotten."""
        self._fetched = dict.fromkeys(digests)
        known = self.connection is not None and not (self.empty and self._storage.cheap)
        for at in range(0, len(digests) if known else 0, _QUERY):
            some = digests[at : at + _QUERY]
            query = f"SELECT digest, content, sum FROM manifest WHERE digest IN ({','.join('?' * len(some))})"  # noqa: S608
            with contextlib.suppress(sqlite3.Error):  # then they are read again
                assert self.connection is not None  # noqa: S101 - else there is no round
                self._fetched |= {row[0]: row[1:] for row in self.connection.execute(query, some)}

    def _places(self, digest: str) -> list[str]:
        """Where its blob may be: in the storage, or set aside."""
        relative = f"{blob_folder(digest)}/data"
        return [self._storage.path(relative), *(f"{folder}/{relative}" for folder in self.elsewhere)]

    def _find(self, digest: str) -> tuple[str, int]:
        """Where its blob is, and of how many bytes."""
        first = None
        for path in self._places(digest):
            try:
                return path, self._storage.size(path)
            except OSError as error:
                first = first or _unreadable(path, error)
                first.__cause__ = first.__cause__ or error
        assert first is not None  # noqa: S101 - the storage itself was looked at
        raise first

    @property
    def pending(self) -> int:
        """How many manifests are not yet written to the file."""
        return len(self._pending)

    def do_without(self, pending: int) -> None:
        """Do not write what has come since there were so many: their repository is remembered as a whole.

        Where it costs a request to read one, each is written.
        """
        if self._storage.cheap:
            del self._pending[pending:]

    def close(self) -> None:
        """Write what is not yet written, and close the file."""
        self._flush()
        if self.connection is not None:
            self.connection.close()

    def _fetch(self, digest: str) -> Manifest:
        """Read it from wherever it is, without asking first."""
        first = None
        for path in self._places(digest):
            try:
                found = self._read(digest, path)
            except Unreadable as error:
                if not error.missing:
                    raise
                first = first or error
            else:
                self._remember(found)
                return found
        assert first is not None  # noqa: S101 - the storage itself was looked at
        raise first

    def _read(self, digest: str, path: str) -> Manifest:
        try:
            content = self._storage.read_file(path, LARGEST)
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            verify(digest, content)
            return skim(digest, content)
        except ValueError as error:
            reason = "it is empty" if not content else f"it is damaged ({error})"
            raise Unreadable(path, reason, digests_in(content)) from error

    def _remembered(self, digest: str) -> Manifest | None:
        if self.connection is None or digest in self._known:
            return self._known.get(digest)
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError):  # then it is read again
            if digest in self._fetched:
                row = self._fetched[digest]
            else:
                query = "SELECT content, sum FROM manifest WHERE digest = ?"
                row = self.connection.execute(query, (digest,)).fetchone()
            if row is not None and zlib.crc32(row[0].encode()) == row[1]:
                size, references, subject, children = json.loads(row[0])
                return Manifest(digest, size, tuple(references), subject, {}, tuple(children))
        return None

    def _remember(self, found: Manifest) -> None:
        if len(self._known) > _BATCH:  # without a file: memory is bounded
            self._known.clear()
        self._known[found.digest] = found
        if self.connection is None:
            return
        self._pending.append(found)
        if len(self._pending) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self.connection is not None and self._pending:
            with (
                contextlib.suppress(sqlite3.Error),
                self.connection,
            ):  # as on a full disk: read again next time
                self.connection.executemany(
                    "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?)", map(_row, self._pending)
                )
            self._known.clear()
        self._pending.clear()


def _unreadable(path: str, error: OSError) -> Unreadable:
    gone = error.errno in (errno.ENOENT, errno.ENOTDIR)
    return Unreadable(path, error.strerror or str(error), [], missing=gone)


def _row(one: Manifest) -> tuple[str, str, int]:
    text = _encoded((one.size, one.references, one.subject, one.children))
    return one.digest, text, zlib.crc32(text.encode())


def _is_empty(connection: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.Error):
        return connection.execute("SELECT 1 FROM manifest LIMIT 1").fetchone() is None
    return False


def _open(path: Path | None, *, writable: bool) -> sqlite3.Connection | None:
    if path is None:
        return None
    mode = "rwc" if writable else "ro"
    try:
        # isolation is not needed: whoever writes holds the lock of the storage
        connection = open_database(path, mode)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            if writable:
                connection.execute(_TABLE)
            connection.execute("SELECT 1 FROM manifest LIMIT 1")
        except sqlite3.Error:
            connection.close()
            raise
    except (sqlite3.Error, OSError):
        return None
    return connection
