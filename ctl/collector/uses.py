"""Which repositories link to some blobs, and whether a registry has used one of these links lately.

In two ways: a folder says in microseconds when one link was written or read, and so is asked right before and after
each move; object storage says of all links at once when they were written, and never when they were read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ctl.collector.damage import Damage
from ctl.collector.filesystem import RepositoryScan
from ctl.collector.layout import HEX_LENGTH, LAYERS
from ctl.collector.objects import Objects, ObjectScan
from ctl.collector.times import touched
from ctl.collector.tree import Tree

_CHUNK = 5
_FEW = 20
"""Links that may have been read lately without a backup being the reason."""


@dataclass
class _Use:
    """One blob.

    Args:
        repositories: that link to it.
        links: paths of these links, each with the times of its last write and, where that is noted, reading.
    """

    repositories: list[str] = field(default_factory=list)
    links: dict[str, tuple[int, int]] = field(default_factory=dict)


class Uses(Protocol):
    """The links to some blobs."""

    def find(self) -> None:
        """Note them as they are now."""
        ...

    @property
    def chunk(self) -> int:
        """How many blobs to move before it is asked for new links."""
        ...

    def repositories(self, digest: str) -> list[str]:
        """Those that link to a blob."""
        ...

    def recent(self, limit: int) -> list[str]:
        """The blobs that registries have used after that time."""
        ...

    def used(self, digest: str) -> bool:
        """Whether a registry has used a link to this blob since it was found; new links do not count."""
        ...

    def newly_linked(self) -> set[str]:
        """The blobs that repositories have come to link to since."""
        ...

    def since(self, digests: Iterable[str]) -> Iterator[str]:
        """Those of the blobs that registries have used since, as far as that can be known."""
        ...


def uses_of(storage: Tree, digests: Iterable[str]) -> Uses:
    """The uses of some blobs of a storage; they are looked for by `find`."""
    return ObjectUses(storage, digests) if isinstance(storage, Objects) else FileUses(storage, digests)


class ObjectUses:
    """The links to some blobs in object storage: seen whenever repositories are listed, for whatever reason.

    A storage does not say when an object was read.

    Args:
        storage: that they are in.
        digests: of the blobs.
    """

    def __init__(self, storage: Objects, digests: Iterable[str]) -> None:
        self._storage = storage
        self._wanted = set(digests)
        self._repositories: dict[str, list[str]] = {}
        self._first: dict[str, int] = {}
        self._latest: dict[str, int] = {}
        self._found = False
        storage.watch = self._see

    def _see(self, scan: ObjectScan) -> None:
        for folder, written in scan.links.items():
            digest = ":".join(folder.rsplit("/", 2)[1:])
            if digest not in self._wanted:
                continue
            self._latest[digest] = max(written, self._latest.get(digest, 0))
            if not self._found:
                self._repositories.setdefault(digest, []).append(scan.name)

    def find(self) -> None:
        """What the look before has seen; else look."""
        if not self._latest:
            for _ in self._storage.repositories():
                pass
        self._first, self._found = dict(self._latest), True

    @property
    def chunk(self) -> int:
        """All at once."""
        return max(1, len(self._wanted))

    def repositories(self, digest: str) -> list[str]:
        """Those that link to a blob."""
        return self._repositories.get(digest, [])

    def recent(self, limit: int) -> list[str]:
        """The blobs whose links were written after that time."""
        return [digest for digest, written in self._first.items() if written > limit]

    def used(self, digest: str) -> bool:
        """Whether a link was written since."""
        return self._latest.get(digest, 0) > self._first.get(digest, 0)

    def newly_linked(self) -> set[str]:
        """As `used`."""
        return set()

    def since(self, digests: Iterable[str]) -> Iterator[str]:
        """Those whose links were written since, by the last listing."""
        return (digest for digest in digests if self.used(digest))


class FileUses:
    """The links to some blobs in files, as they were at one moment.

    Args:
        storage: that they are in.
        digests: of the blobs.
    """

    def __init__(self, storage: Tree, digests: Iterable[str]) -> None:
        self._storage = storage
        self._wanted = set(digests)
        self._found: dict[str, _Use] = {}
        self._folders: dict[str, int] = {}
        self._fresh: set[str] = set()

    def find(self) -> None:
        """List all links."""
        ignored: list[Damage] = []
        for scan in self._storage.repositories():
            self._folders |= {path: _changed(path) for path in _folders(scan)}
            for digest, folder in self._storage.layers(scan, ignored):
                if digest in self._wanted:
                    self._note(scan.name, digest, f"{folder}/link")

    def _note(self, repository: str, digest: str, link: str) -> None:
        use = self._found.setdefault(digest, _Use())
        use.repositories.append(repository)
        use.links[link] = touched(link)

    def repositories(self, digest: str) -> list[str]:
        """Those that link to a blob."""
        return self._found[digest].repositories if digest in self._found else []

    def recent(self, limit: int) -> list[str]:
        """The blobs whose links were written or read after that time.

        Where most of them were read, a backup was at work, which says nothing.
        """
        written, used = [], []
        for digest, use in self._found.items():
            if any(when > limit for when, _ in use.links.values()):
                written.append(digest)
            if any(max(one) > limit for one in use.links.values()):
                used.append(digest)
        by_all = len(used) > _FEW and len(used) > len(self._found) / 2
        return written if by_all else used

    @property
    def chunk(self) -> int:
        """How many blobs to move before it is asked for new links: that looks at each repository."""
        return max(_CHUNK, len(self._folders) // 4)

    def since(self, digests: Iterable[str]) -> Iterator[str]:
        """Those of the blobs whose links a registry has used since they were found, or that have new links."""
        fresh = self.newly_linked()
        yield from (digest for digest in digests if digest in fresh or self.used(digest))

    def used(self, digest: str) -> bool:
        """Whether a registry has used a link to this blob since it was found; new links do not count."""
        use = self._found.get(digest)
        return use is not None and any(max(touched(link)) > max(times) for link, times in use.links.items())

    def newly_linked(self) -> set[str]:
        """The blobs that repositories have come to link to: their folder of links has changed."""
        for path, before in self._folders.items():
            changed = _changed(path)
            if changed == before:
                continue
            self._folders[path] = changed
            algorithm = path.rpartition("/")[2]
            for digest in self._wanted.intersection(f"{algorithm}:{name}" for name in _names(path)):
                link = f"{path}/{digest.partition(':')[2]}/link"
                if digest not in self._found or link not in self._found[digest].links:
                    self._fresh.add(digest)
        return self._fresh


def _folders(scan: RepositoryScan) -> Iterator[str]:
    for algorithm in HEX_LENGTH:
        yield f"{scan.path}/{LAYERS}/{algorithm}"


def _changed(path: str) -> int:
    """When a folder was changed last; 0 where there is none."""
    return touched(path)[0]


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)  # noqa: PTH208 - there may be a million
    except OSError:  # it has just gone
        return []
