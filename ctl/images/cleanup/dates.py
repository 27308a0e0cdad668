"""Dates of images, remembered between runs: what has a digest for its name cannot change."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from ctl.collector.layout import QUARANTINE
from ctl.images.facts import Images, Unknown

_TABLE = "CREATE TABLE IF NOT EXISTS image (digest TEXT PRIMARY KEY, created INTEGER) WITHOUT ROWID"


class Dates:
    """When images were created. A file that cannot be used is done without.

    Args:
        images: of the storage.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self._file = Path(images.storage.root, QUARANTINE, "images.sqlite")
        self._known: dict[str, int | None] = {}
        self._new: dict[str, int | None] = {}
        self._read()

    def of(self, digest: str) -> int | None:
        """When an image was created; None where it does not say.

        Raises:
            Unknown: it cannot be read.
        """
        if digest not in self._known:
            self._known[digest] = self._new[digest] = self._images.date(digest)
        elif self._images.size(digest) is None:
            raise Unknown(f"{digest} is missing")
        return self._known[digest]

    def _read(self) -> None:
        with (
            contextlib.suppress(sqlite3.Error, OSError),
            contextlib.closing(
                sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True)
            ) as file,
        ):
            self._known = dict(file.execute("SELECT digest, created FROM image"))

    def remember(self) -> None:
        """Write what is new; who does holds the lock of the storage."""
        with (
            contextlib.suppress(sqlite3.Error, OSError),
            contextlib.closing(sqlite3.connect(self._file, timeout=0)) as file,
            file,
        ):
            file.execute(_TABLE)
            file.executemany("INSERT OR REPLACE INTO image VALUES (?, ?)", self._new.items())
