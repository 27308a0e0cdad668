"""What sound repositories need, by their links: where no link has changed, none is opened again.

A link that was written within the same tick of the clock as it was read looks the same afterwards: so a repository is
remembered only when its last change is some time ago, by the storage's clock.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from ctl.collector.marks import RAW, raw_of
from ctl.collector.reading import Repository

_TABLE = (
    "CREATE TABLE IF NOT EXISTS repository "
    "(name TEXT PRIMARY KEY, print BLOB, newest INTEGER, sizes TEXT, blobs BLOB, sum INTEGER) WITHOUT ROWID"
)
_BATCH = 500


@dataclass(frozen=True)
class Needs:
    """What a repository needs.

    Args:
        newest: nanoseconds when a link was last written.
        sizes: bytes of each of its manifests, by digest.
        blobs: all that it needs, as the bytes of their SHA-256 after each other.
    """

    newest: int
    sizes: dict[str, int]
    blobs: bytes

    @classmethod
    def of(cls, read: Repository, blobs: set[str]) -> Needs | None:
        """What a repository needs, as it was read; None where there are digests of other kinds."""
        raw, links = b"".join(raw_of(blobs)), (*read.scan.revisions, *read.scan.tags)
        sizes = {digest: one.size for digest, one in read.manifests.items()}
        return (
            cls(newest(one.identity for one in links), sizes, raw) if len(raw) == RAW * len(blobs) else None
        )

    def digests(self) -> list[str]:
        """All that it needs."""
        text = self.blobs.hex()
        return [f"sha256:{text[at : at + 2 * RAW]}" for at in range(0, len(text), 2 * RAW)]


class Remembered:
    """The repositories, in the file that remembers manifests.

    Args:
        connection: to that file, or None for none.
        untagged: whether manifests that no tag leads to may go: another answer, another row.
    """

    def __init__(self, connection: sqlite3.Connection | None, *, untagged: bool) -> None:
        self._connection = connection
        self._mode = "-m " if untagged else ""
        self._pending: list[tuple[str, bytes, int, str, bytes, int]] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                return self._connection.execute("SELECT 1 FROM repository LIMIT 1").fetchone() is None
        return True

    def get(self, name: str, fingerprint: bytes) -> Needs | None:
        """What a repository needs; None where its links are others than then, or nothing is known."""
        if self._connection is None:
            return None
        query = "SELECT newest, sizes, blobs, sum FROM repository WHERE name = ? AND print = ?"
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError):  # then it is read again
            row = self._connection.execute(query, (self._mode + name, fingerprint)).fetchone()
            if row is not None and _sum(fingerprint, *row[:3]) == row[3]:
                return Needs(row[0], json.loads(row[1]), row[2])
        return None

    def add(self, name: str, fingerprint: bytes, needs: Needs) -> None:
        """Remember a repository that is sound, and all of whose manifests stay."""
        if self._connection is None:
            return
        facts = needs.newest, json.dumps(needs.sizes), needs.blobs
        self._pending.append((self._mode + name, fingerprint, *facts, _sum(fingerprint, *facts)))
        if len(self._pending) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is not yet written. On a full disk it is done without."""
        if self._connection is not None and self._pending:
            with contextlib.suppress(sqlite3.Error), self._connection:
                self._connection.execute(_TABLE)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO repository VALUES (?, ?, ?, ?, ?, ?)", self._pending
                )
        self._pending.clear()


def newest(identities: Iterable[tuple[int, ...]]) -> int:
    """When a link of a repository was last written or changed, in nanoseconds."""
    links = [one for one in identities if one]
    return max(max((one[2] for one in links), default=0), max((one[3] for one in links), default=0))


def _sum(fingerprint: bytes, changed: int, sizes: str, blobs: bytes) -> int:
    return zlib.crc32(b"\0".join((fingerprint, str(changed).encode(), sizes.encode(), blobs)))
