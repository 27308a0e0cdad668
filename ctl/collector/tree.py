"""What a collection, and whoever lists images, reads of a storage: of a file system (`Filesystem`) or `Objects`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ctl.collector.damage import Damage
from ctl.collector.filesystem import Blob, Filesystem, Link, RepositoryScan
from ctl.collector.holding import Holding
from ctl.collector.object_quarantine import ObjectQuarantine
from ctl.collector.objects import Objects
from ctl.collector.quarantine import Quarantine
from ctl.storage.filesystem import FilesystemStore
from ctl.storage.store import Store


class Tree(Protocol):
    """The names in a storage, and its small files. What cannot be read is an OSError with an errno."""

    @property
    def cheap(self) -> bool:
        """Whether to look at one file costs next to nothing; else a listing must do."""
        ...

    @property
    def root(self) -> str:
        """Where it is: a folder, or bucket and address."""
        ...

    def path(self, relative: str) -> str:
        """How the methods below know what is at a path of the layout."""
        ...

    def repositories(self) -> Iterator[RepositoryScan]:
        """Every repository, in no order."""
        ...

    def repository(self, name: str) -> RepositoryScan | None:
        """One repository by its name; None where it is gone."""
        ...

    def layers(self, scan: RepositoryScan, damages: list[Damage]) -> Iterator[tuple[str, str]]:
        """The digests that a repository links to, each with the folder of its link."""
        ...

    def former(self, tag: Link, name: str, damages: list[Damage]) -> list[str]:
        """The digests that a tag of a repository ever had."""
        ...

    def uploads(self, scan: RepositoryScan) -> Iterator[tuple[str, int]]:
        """The folders of uploads in a repository, each with the time of its last change in nanoseconds."""
        ...

    def shards(self, damages: list[Damage]) -> Iterator[tuple[str, str, str]]:
        """The folders that blobs are in: algorithm, the first two characters, path."""
        ...

    def blobs(self, algorithm: str, shard: str, path: str, damages: list[Damage]) -> Iterator[Blob]:
        """The blobs in one of them, before the next one is asked for."""
        ...

    def state(self, blob: Blob) -> tuple[int, int] | None:
        """Bytes of a blob, and the time since when it is there; None where it has no content."""
        ...

    def read_link(self, link: Link, limit: int) -> bytes:
        """What a link holds; a request only where the listing does not say it."""
        ...

    def read_file(self, path: str, limit: int) -> bytes:
        """The content of a small file."""
        ...

    def size(self, path: str) -> int:
        """Bytes of a file."""
        ...

    def bytes_below(self, folder: str) -> int:
        """Bytes of all files below a folder."""
        ...

    def has(self, path: str) -> bool:
        """Whether a file is there."""
        ...

    def linked(self, scan: RepositoryScan, folder: str) -> int:
        """When the link in a folder of `layers` was last written, in nanoseconds."""
        ...


def tree_of(place: str | Store) -> Tree:
    """The tree of a storage: of a folder, or of what a client leads to."""
    if isinstance(place, str):
        return Filesystem(place)
    return Filesystem(place.name) if isinstance(place, FilesystemStore) else Objects(place)


def quarantine_of(tree: Tree) -> Holding:
    """The quarantine of a storage."""
    return (
        ObjectQuarantine(tree.store, tree.looked, tree.kept)
        if isinstance(tree, Objects)
        else Quarantine(tree.root)
    )
