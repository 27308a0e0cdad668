"""What one collection has moved into the quarantine of a file system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctl.collector.layout import BLOBS, LAYERS, REPOSITORIES, REVISIONS, TAGS, is_digest


@dataclass(frozen=True)
class Run:
    """What one collection has moved.

    Args:
        name: of the run.
        folder: that holds what was moved.
        closed: nanoseconds of the storage's clock when it ended; None where it was killed.
        report: what it did, as far as it was written.
    """

    name: str
    folder: Path
    closed: int | None
    report: dict[str, Any]

    @property
    def where(self) -> str:
        """Its folder."""
        return str(self.folder)

    def holds(self, path: str) -> bool:
        """Whether something of that path in the storage is in it."""
        return (self.folder / path).exists()

    def blobs(self) -> Iterator[tuple[str, str]]:
        """The digests of blobs in it, each with its path in the storage."""
        for path in sorted(self.folder.glob(f"{BLOBS}/*/*/*")):
            digest = f"{path.parts[-3]}:{path.name}"
            if is_digest(digest):
                yield digest, str(path.relative_to(self.folder))

    def revisions(self) -> Iterator[tuple[str, str, str]]:
        """The manifests in it: repository, digest, path in the storage."""
        yield from self._named_in(REVISIONS)

    def links(self) -> Iterator[tuple[str, str]]:
        """The links to layers in it: repository, digest."""
        yield from ((repository, digest) for repository, digest, _ in self._named_in(LAYERS))

    def _named_in(self, part: str) -> Iterator[tuple[str, str, str]]:
        """What is in one part of all repositories: repository, digest, path in the storage."""
        top = self.folder / REPOSITORIES
        for folder, folders, _ in os.walk(top):
            own = any(name.startswith("_") for name in folders)  # no part of a repository's name begins so
            for path in sorted(Path(folder, part).glob("*/*")) if own else ():
                digest = f"{path.parent.name}:{path.name}"
                if is_digest(digest):
                    yield str(Path(folder).relative_to(top)), digest, str(path.relative_to(self.folder))
            folders[:] = sorted(name for name in folders if not name.startswith("_"))

    def everything(self) -> Iterator[str]:
        """The paths in the storage of all that was moved, blobs first: what links to them comes after.

        A tag is one path: what it names now and what it named before belong together.
        """
        yield from (path for _, path in self.blobs())
        top = self.folder / REPOSITORIES
        for folder, folders, files in os.walk(top):
            if files or not folders or folder.rpartition("/")[0].endswith(f"/{TAGS}"):
                folders.clear()
                if Path(folder) != top:
                    yield str(Path(folder).relative_to(self.folder))
