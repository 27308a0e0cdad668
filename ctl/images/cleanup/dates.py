"""Dates of images, remembered between runs: what has a digest for its name cannot change."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctl.collector.layout import QUARANTINE
from ctl.collector.objects import Objects
from ctl.images.facts import Images, Unknown

_TABLE = "CREATE TABLE IF NOT EXISTS image (digest TEXT PRIMARY KEY, created INTEGER) WITHOUT ROWID"
_NAME = "images.sqlite"
_LARGEST = 1 << 30
"""Bytes of the file in object storage: as of ten million images."""


class Dates:
    """When images were created. A file that cannot be used is done without.

    Args:
        images: of the storage.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
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
            self._file() as path,
            contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file,
        ):
            self._known = dict(file.execute("SELECT digest, created FROM image"))

    def remember(self) -> None:
        """Write what is new; who does holds the lock of the storage."""
        if not self._new:
            return
        with contextlib.suppress(sqlite3.Error, OSError), self._file() as path:
            with contextlib.closing(sqlite3.connect(path, timeout=0)) as file, file:
                file.execute(_TABLE)
                file.executemany("INSERT OR REPLACE INTO image VALUES (?, ?)", self._new.items())
            if isinstance(tree := self._images.storage, Objects):
                tree.store.write(f"{QUARANTINE}/{_NAME}", [path.read_bytes()])

    @contextmanager
    def _file(self) -> Iterator[Path]:
        """The file: on a disk itself, of object storage a copy."""
        tree = self._images.storage
        if not isinstance(tree, Objects):
            yield Path(tree.root, QUARANTINE, _NAME)
            return
        with tempfile.TemporaryDirectory(prefix="ctl-dates-") as folder:
            path = Path(folder, _NAME)
            with contextlib.suppress(FileNotFoundError):
                path.write_bytes(tree.read_file(f"{QUARANTINE}/{_NAME}", _LARGEST))
            yield path
