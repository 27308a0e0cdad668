"""The manifests of a storage, read once: what has a digest for its name cannot change."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import zlib
from pathlib import Path

from ctl.collector.filesystem import Filesystem
from ctl.collector.layout import blob_folder, digests_in
from ctl.collector.manifest import LARGEST, Manifest, parse_verified

_TABLE = (
    "CREATE TABLE IF NOT EXISTS manifest (digest TEXT PRIMARY KEY, content TEXT, sum INTEGER) WITHOUT ROWID"
)
_BATCH = 1_000
"""Manifests that are written together."""


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
    """

    def __init__(self, storage: Filesystem, cache: Path | None = None) -> None:
        self._storage = storage
        self._pending: list[tuple[str, str, int]] = []
        self._known: dict[str, Manifest] = {}
        self._connection = _open(cache)

    def get(self, digest: str) -> Manifest:
        """A manifest by its digest.

        Raises:
            Unreadable: it is missing or damaged.
        """
        path = f"{self._storage.root}/{blob_folder(digest)}/data"
        try:
            size = os.stat(path).st_size  # noqa: PTH116 - a Path takes longer than the call
        except OSError as error:
            gone = error.errno in (errno.ENOENT, errno.ENOTDIR)
            raise Unreadable(path, error.strerror or str(error), [], missing=gone) from error
        found = self._remembered(digest)
        if found is None or found.size != size:
            found = self._read(digest, path)
            self._remember(found)
        return found

    def close(self) -> None:
        """Write what is not yet written, and close the file."""
        self._flush()
        if self._connection is not None:
            self._connection.close()

    def _read(self, digest: str, path: str) -> Manifest:
        try:
            content = self._storage.read(f"{blob_folder(digest)}/data", LARGEST)
        except OSError as error:
            raise Unreadable(path, error.strerror or str(error), []) from error
        try:
            return parse_verified(digest, content)
        except ValueError as error:
            reason = "it is empty" if not content else f"it is damaged ({error})"
            raise Unreadable(path, reason, digests_in(content)) from error

    def _remembered(self, digest: str) -> Manifest | None:
        if self._connection is None:
            return self._known.get(digest)
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError):  # then it is read again
            query = "SELECT content, sum FROM manifest WHERE digest = ?"
            row = self._connection.execute(query, (digest,)).fetchone()
            if row is not None and zlib.crc32(row[0].encode()) == row[1]:
                size, references, subject, sizes, children = json.loads(row[0])
                return Manifest(digest, size, tuple(references), subject, sizes, tuple(children))
        return None

    def _remember(self, found: Manifest) -> None:
        if self._connection is None:
            self._known[found.digest] = found
            return
        fields = (found.size, found.references, found.subject, found.sizes, found.children)
        text = json.dumps(fields, separators=(",", ":"))
        self._pending.append((found.digest, text, zlib.crc32(text.encode())))
        if len(self._pending) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._connection is not None and self._pending:
            with (
                contextlib.suppress(sqlite3.Error),
                self._connection,
            ):  # as on a full disk: read again next time
                self._connection.executemany(
                    "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?)", self._pending
                )
        self._pending.clear()


def _open(path: Path | None) -> sqlite3.Connection | None:
    if path is None:
        return None
    try:
        # isolation is not needed: whoever writes holds the lock of the storage
        connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_TABLE)
        except sqlite3.Error:
            connection.close()
            raise
    except (sqlite3.Error, OSError):
        return None
    return connection
