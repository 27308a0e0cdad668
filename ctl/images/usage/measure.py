"""Measures a storage while a registry serves: one look at every folder, one at every blob."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import HEX_LENGTH, blob_folder, is_digest
from ctl.collector.manifests import Manifests, Unreadable
from ctl.collector.readable import readable
from ctl.collector.reading import Reader, Repository
from ctl.collector.remembered import Remembered
from ctl.collector.tree import Tree, quarantine_of, tree_of
from ctl.cycles import no_cycles_sought
from ctl.images.usage.usage import Heap, RepositoryUsage, Usage
from ctl.storage.store import Store

DAY = 86_400 * 10**9
"""Nanoseconds after which an upload that does not go on is dead, as for the collector."""
_NOBODY, _SEVERAL = -1, -2
_LENGTHS = frozenset(len(f"{algorithm}:") + length for algorithm, length in HEX_LENGTH.items())


def measure(place: str | Store, *, advance: Callable[[], None] = lambda: None) -> Usage:
    """Find out what fills a storage. Nothing is written.

    Args:
        place: its folder, or the client of object storage.
        advance: called with each repository.
    """
    storage = tree_of(place)
    quarantine = quarantine_of(storage)
    with no_cycles_sought(), closing(Manifests(storage, quarantine.cache, writable=False)) as manifests:
        work = _Measurement(storage, manifests)
        work.blobs()
        for scan in storage.repositories():
            if scan.name or not work.is_empty:
                work.repository(scan)
            advance()
    work.sum_up()
    for run in quarantine.runs():
        work.usage.quarantined.count += sum(1 for _ in run.blobs())
        work.usage.quarantined.bytes += storage.bytes_below(run.where)
    return work.usage


class _Measurement:
    """A measurement under way.

    Args:
        storage: to read.
        manifests: of it.
    """

    def __init__(self, storage: Tree, manifests: Manifests) -> None:
        self._storage = storage
        self._manifests = manifests
        self._reader = Reader(storage, manifests)
        self._known = [Remembered(manifests.connection, untagged=one) for one in (True, False)]
        self._sizes: dict[str, int] = {}
        self._owners: dict[str, int] = {}
        self._now = time.time_ns()
        self.usage = Usage()

    def blobs(self) -> None:
        """Note every blob with its size: manifests may give another one."""
        for shard in self._storage.shards(self.usage.damages):
            for blob in self._storage.blobs(*shard, self.usage.damages):
                try:
                    size = blob.listed[0] if blob.listed else self._storage.size(f"{blob.path}/data")
                except OSError:  # deleted meanwhile, or a folder without content
                    continue
                self._sizes[blob.digest] = size
        self._owners = dict.fromkeys(self._sizes, _NOBODY)

    @property
    def is_empty(self) -> bool:
        """Whether there is no blob at all: nothing was ever pushed."""
        return not self._sizes and not self.usage.damages

    def repository(self, scan: RepositoryScan) -> None:
        """Add one."""
        needs = self._remembered(scan) or self._needs(scan)
        complete = needs is not None
        if needs is None:
            read = self._reader.read(scan)
            self.usage.damages += read.damages
            needs, complete = _all_needs(read), not read.whole
        links = [*scan.revisions, *scan.tags]
        found = RepositoryUsage(
            readable(scan.name),
            tags=len(scan.tags),
            manifests=len(scan.revisions),
            last_push=max((link.mtime for link in links if link.identity), default=None),
            complete=complete,
        )
        number = len(self.usage.repositories)
        self.usage.repositories.append(found)
        for digest in needs:
            self._note(digest, number)
        for path, changed in self._storage.uploads(scan):
            found.uploads += 1
            dead = self._now - changed > DAY
            (self.usage.dead_uploads if dead else self.usage.uploads).add(self._storage.bytes_below(path))

    def _remembered(self, scan: RepositoryScan) -> list[str] | None:
        """What a repository needs that a collection has found sound, and that has not changed since; else None."""
        if scan.damages or self._known[0].is_empty:
            return None
        fingerprint = scan.fingerprint
        found = next(filter(None, (one.get(scan.name, fingerprint) for one in self._known)), None)
        if found is None or any(self._sizes.get(digest) != size for digest, size in found.sizes.items()):
            return None
        return found.digests()

    def _needs(self, scan: RepositoryScan) -> set[str] | None:
        """What a sound repository needs, by the names of its links alone: to open each takes half of the time.

        Returns:
            None where something is not as a registry writes it: then every link must be read.
        """
        links = [*scan.revisions, *scan.tags]
        if scan.damages or (scan.tags and not scan.revisions) or not all(map(_is_sound, links)):
            return None
        found = {link.name for link in scan.revisions}
        self._manifests.prefetch(list(found))
        children: set[str] = set()
        try:
            manifests = [self._manifests.get(link.name) for link in scan.revisions]
        except Unreadable:
            return None
        for manifest in manifests:
            children.update(manifest.children)
        if not children <= found:
            return None
        for manifest in manifests:
            found.update(manifest.references)
        return found

    def _note(self, digest: str, number: int) -> None:
        own = self.usage.repositories[number]
        owner = self._owners.get(digest) if digest in self._owners else self._late(digest)
        if owner is None:
            own.missing += 1
            return
        size = self._sizes[digest]
        if owner == _NOBODY:
            self._owners[digest] = number
            own.own += size
            return
        if owner != _SEVERAL:
            first = self.usage.repositories[owner]
            first.own -= size
            first.shared += size
            self._owners[digest] = _SEVERAL
        own.shared += size

    def _late(self, digest: str) -> int | None:
        """A blob that was not listed: pushed since, or not there, as layers that clients get elsewhere."""
        if not is_digest(digest):
            return None
        try:
            self._sizes[digest] = self._storage.size(self._storage.path(f"{blob_folder(digest)}/data"))
        except OSError:
            return None
        return _NOBODY

    def sum_up(self) -> None:
        """Fill the sums of the storage."""
        usage = self.usage
        usage.blobs = Heap(len(self._sizes), sum(self._sizes.values()))
        for digest, owner in self._owners.items():
            if owner == _SEVERAL:
                usage.shared.add(self._sizes[digest])
            elif owner == _NOBODY:
                usage.unreferenced.add(self._sizes[digest])


def _is_sound(link: Link) -> bool:
    """Whether a link has the length of a digest."""
    return bool(link.name and link.identity) and link.identity[1] in _LENGTHS


def _all_needs(read: Repository) -> set[str]:
    """The blobs of a repository: its manifests, what they refer to, what is kept in doubt."""
    found = {*read.revisions, *read.tagged, *read.more}
    for digest, manifest in read.manifests.items():
        found.add(digest)
        found.update(manifest.references)
    return found
