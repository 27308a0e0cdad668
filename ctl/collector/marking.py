"""The mark: what every repository needs, while a registry serves and others push."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice

from ctl.collector.damage import Damage
from ctl.collector.filesystem import Filesystem, Link, RepositoryScan
from ctl.collector.keeping import Kept, keep
from ctl.collector.manifests import Manifests
from ctl.collector.marks import Marks
from ctl.collector.objects import ObjectScan
from ctl.collector.reading import Reader, Repository
from ctl.collector.remembered import Needs, Remembered
from ctl.collector.second_process import in_two
from ctl.collector.tree import Tree
from ctl.collector.usual import Usual, usual_needs
from ctl.cycles import no_cycles_sought

Advance = Callable[[], None]
Away = Mapping[str, Mapping[str, Link]]
"""Manifests in quarantine: of each repository, by digest."""
_LISTED, _SHARE = 4_000, 8
"""Repositories that are known before they are read, and that one process reads before another one's are added."""


@dataclass
class Mark:
    """What a mark has found.

    Args:
        marks: digests of blobs that are needed.
        untagged: the manifests that may go, of each repository.
        wanted: the manifests in quarantine that something leads to, of each repository.
        fingerprints: of each repository, by which a later look finds what has changed.
        damages: what is broken.
        kept: how many manifests stay.
        has_more: whether there are uploads, or links to layers that their repository does not need: in object storage,
            where each listing counts.
    """

    marks: Marks = field(default_factory=Marks)
    untagged: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, list[str]] = field(default_factory=dict)
    fingerprints: dict[str, bytes] = field(default_factory=dict)
    damages: list[Damage] = field(default_factory=list)
    kept: int = 0
    has_more: bool = False

    def add(self, name: str, fingerprint: bytes, blobs: bytes, kept: int) -> None:
        """Add a sound repository, all of whose manifests stay."""
        self.fingerprints[name] = fingerprint
        self.marks.update_raw(blobs)
        self.kept += kept


class Marker:
    """Marks a storage.

    Args:
        storage: to read.
        manifests: of it.
        untagged: whether manifests that no tag leads to may go.
        young_after: nanoseconds of the storage's clock; manifests that were pushed later stay.
        settled: nanoseconds; repositories that have not changed since are remembered. 0 for none.
        deleted: manifests in quarantine that somebody has deleted, of each repository.
    """

    def __init__(
        self,
        storage: Tree,
        manifests: Manifests,
        *,
        untagged: bool,
        young_after: int,
        settled: int = 0,
        deleted: Mapping[str, set[str]] | None = None,
    ) -> None:
        self._storage = storage
        self._reader = Reader(storage, manifests, young_after)
        self._untagged = untagged
        self._manifests = manifests
        self._young_after = young_after
        self._may_go_until = young_after if untagged else None
        self._settled = settled
        self._deleted = {} if deleted is None else deleted
        self._remembered = Remembered(manifests.connection, untagged=untagged)

    @no_cycles_sought()
    def mark(self, away: Away, advance: Advance) -> Mark:
        """Read everything.

        Args:
            away: manifests in quarantine.
            advance: called with each repository.
        """
        found = Mark()
        if isinstance(self._storage, Filesystem) and self._remembered.is_empty:
            self._read_all(found, self._storage, away, advance)
        else:
            for scan in self._storage.repositories():
                absent = away.get(scan.name, {})
                if scan.damages or absent or not self._add_unchanged(found, scan):
                    self._add(found, scan, absent)
                advance()
        self._remembered.flush()
        return found

    def _read_all(self, found: Mark, storage: Filesystem, away: Away, advance: Advance) -> None:
        """Read all repositories, since nothing is remembered of them, in two processes."""
        repositories = storage.found()
        while some := list(islice(repositories, _LISTED)):
            with closing(in_two(self._usual, some, _SHARE)) as usual:
                for one, facts in zip(some, usual, strict=True):
                    if facts is None or one.name in away:
                        self._add(found, storage.scanned(one), away.get(one.name, {}))
                    else:
                        self._add_usual(found, one.name, facts)
                    advance()

    def _usual(self, found: RepositoryScan) -> Usual | None:
        """What a repository needs in which everything is as usual; None where anything is not."""
        return None if found.damages else usual_needs(found, self._storage.root, self._may_go_until)

    def _add_usual(self, found: Mark, name: str, usual: Usual) -> None:
        fingerprint, facts, untagged, more = usual
        needs = Needs(*facts)
        if untagged:
            found.untagged[name] = untagged
        elif not more:
            self._remember(name, fingerprint, needs)
        found.add(name, fingerprint, needs.blobs, len(needs.sizes) - len(untagged))

    def look_again(self, mark: Mark, away: Away) -> tuple[set[str], dict[str, list[str]]]:
        """Read what has changed since the mark, or since the last look.

        Returns:
            Digests of blobs that are needed now, and the manifests in quarantine that something now leads to.
        """
        needed: set[str] = set()
        wanted: dict[str, list[str]] = {}
        for scan in self._storage.repositories():
            fingerprint = scan.fingerprint
            if mark.fingerprints.get(scan.name) == fingerprint:
                continue
            kept, damages = self.keep(scan, away.get(scan.name, {}))
            needed |= kept.blobs
            back = _away(kept, away.get(scan.name, {}))
            if back:
                wanted[scan.name] = back
            mark.damages += damages
            mark.fingerprints[scan.name] = fingerprint
        mark.marks.update(needed)
        return needed, wanted

    def keep(self, scan: RepositoryScan, away: Mapping[str, Link]) -> tuple[Kept, list[Damage]]:
        """Read one repository, as if its manifests in quarantine were there."""
        repository, names = self._read(scan, away)
        return self._keep(repository, names), repository.damages

    def _read(self, scan: RepositoryScan, away: Mapping[str, Link]) -> tuple[Repository, list[str]]:
        here = {link.name for link in scan.revisions}
        absent = [link for digest, link in away.items() if digest not in here]
        whole = replace(scan, revisions=[*scan.revisions, *absent])
        return self._reader.read(whole), [link.name for link in absent]

    def _keep(self, repository: Repository, absent: list[str]) -> Kept:
        deleted = self._deleted.get(repository.name, ())
        return keep(repository, untagged=self._untagged, absent=absent, deleted=deleted)

    def _add_unchanged(self, found: Mark, scan: RepositoryScan) -> bool:
        """Add a repository that has not changed; False where it has."""
        fingerprint = scan.fingerprint
        needs = self._unchanged(scan.name, fingerprint)
        if needs is None:
            return False
        found.add(scan.name, fingerprint, needs.blobs, len(scan.revisions))
        found.has_more = found.has_more or _has_more(scan, needs.digests)
        return True

    def _unchanged(self, name: str, fingerprint: bytes) -> Needs | None:
        """What it needs, without opening its links; None where it has changed, or a manifest is not as it was."""
        needs = self._remembered.get(name, fingerprint)
        if needs is None or (self._untagged and needs.newest > self._young_after):
            return None
        return needs if self._manifests.are_there(needs.sizes) else None

    def _remember(self, name: str, fingerprint: bytes, needs: Needs | None) -> bool:
        if needs is None or needs.newest >= self._settled:
            return False
        self._remembered.add(name, fingerprint, needs)
        return True

    def _add(self, found: Mark, scan: RepositoryScan, away: Mapping[str, Link]) -> None:
        pending = self._manifests.pending
        fingerprint = found.fingerprints[scan.name] = scan.fingerprint
        repository, names = self._read(scan, away)
        kept = self._keep(repository, names)
        young = self._untagged and repository.young
        sound = not (repository.damages or repository.whole or young or kept.untagged or names)
        if sound and self._remember(scan.name, fingerprint, Needs.of(repository, kept.blobs)):
            self._manifests.do_without(pending)
        found.marks.update(kept.blobs)
        found.has_more = found.has_more or _has_more(scan, lambda: kept.blobs)
        found.damages += repository.damages
        found.kept += len(scan.revisions) - len(kept.untagged)
        if kept.untagged:
            found.untagged[scan.name] = kept.untagged
        if back := _away(kept, away):
            found.wanted[scan.name] = back


def _has_more(scan: RepositoryScan, needed: Callable[[], Iterable[str]]) -> bool:
    if not isinstance(scan, ObjectScan):
        return False
    links = {":".join(folder.split("/")[-2:]) for folder in scan.links}
    return bool(scan.uploading or not links.issubset(needed()))


def _away(kept: Kept, away: Iterable[str]) -> list[str]:
    return [digest for digest in away if digest in kept.blobs]
