"""A collection while the registry serves: mark, quarantine, look again; purge what nobody has needed since.

README.md beside this file says for each race which step saves it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from ctl.collector.away import bring_back, deleted_manifests, manifests_away, needed_links
from ctl.collector.damage import Damage, Kind
from ctl.collector.empty import all_blobs, is_known_empty
from ctl.collector.filesystem import Blob, Link
from ctl.collector.holding import HeldRun, Holding
from ctl.collector.layout import BLOBS, DATABASE_LOCK, blob_folder, is_digest, revision_folder
from ctl.collector.leftovers import Leftovers
from ctl.collector.managed import refuse_managed
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Mark, Marker
from ctl.collector.marks import Marks
from ctl.collector.options import HOUR as HOUR
from ctl.collector.options import Hooks as Hooks
from ctl.collector.options import Options as Options
from ctl.collector.progress import Reporter
from ctl.collector.removal import ForGood, IntoQuarantine, Nothing, Removal
from ctl.collector.report import LISTED, Report
from ctl.collector.restoring import undo
from ctl.collector.tree import Tree, quarantine_of, tree_of
from ctl.collector.uses import Uses, uses_of
from ctl.storage.store import Store

BATCH = 20_000
"""Blobs that are moved before what changed is looked at."""
_SETTLED = 10 * 10**9
"""Nanoseconds after which a repository is at rest."""


def collect(place: str | Store, options: Options, reporter: Reporter, hooks: Hooks | None = None) -> Report:
    """Collect the garbage of a storage.

    Args:
        place: `rootdirectory` of the driver `filesystem`, or the client of object storage.
        options: what to do.
        reporter: gets how it goes.
        hooks: of the registry.

    Raises:
        LockHeld: another collection is under way.
        PreflightError: a metadata database manages this storage.
        RunFailed: something cannot be moved or deleted; what was moved until then is in quarantine.
    """
    started = time.monotonic()
    tree = tree_of(place)
    refuse_managed(tree.root, tree.has(tree.path(DATABASE_LOCK)))
    report = Report(options.untagged, options.dry_run)
    if options.dry_run:
        _Collection(tree, options, reporter, hooks or Hooks(), report, quarantine_of(tree)).run()
    else:
        with quarantine_of(tree) as quarantine:
            if quarantine.interrupted:
                reporter.warn(
                    f"{quarantine.interrupted} was interrupted in this storage; this run goes on with it"
                )
            collection = _Collection(tree, options, reporter, hooks or Hooks(), report, quarantine)
            collection.run()
            report.seconds = time.monotonic() - started
            at = collection.now + int(report.seconds * 10**9)
            quarantine.note({"at": at, **report.as_json(), "damages": len(report.damages)})
    report.seconds = time.monotonic() - started
    return report


@dataclass
class _Collection:
    """A collection under way.

    Args:
        storage: to collect.
        away: manifests in quarantine, of each repository.
        listed: the blobs that are there, where to ask for each costs a request.
        runs: what is in quarantine.
    """

    storage: Tree
    options: Options
    reporter: Reporter
    hooks: Hooks
    report: Report
    quarantine: Holding
    runs: list[HeldRun] = field(default_factory=list)
    away: dict[str, dict[str, Link]] = field(default_factory=dict)
    listed: Marks = field(default_factory=Marks)

    def run(self) -> None:
        """Do it all."""
        dry_run = self.options.dry_run
        self.now = time.time_ns() if dry_run else self.quarantine.now()
        self.runs = self.quarantine.runs()
        if not dry_run and undo(self.storage, self.quarantine, self.runs, self.reporter.warn):
            self.runs = self.quarantine.runs()
        with closing(Manifests(self.storage, self.quarantine.cache, writable=not dry_run)) as manifests:
            self.manifests = manifests
            self._find_runs()
            self.marker = Marker(
                self.storage,
                manifests,
                untagged=self.options.untagged,
                young_after=self.now - self.options.older_than,
                settled=0 if dry_run else self.now - _SETTLED,
                deleted=deleted_manifests(self.runs),
            )
            self._mark()
            with closing(self.mark.marks):
                self._after_mark()

    def _find_runs(self) -> None:
        self.manifests.elsewhere = [run.where for run in self.runs]
        self.away = manifests_away(self.runs)

    def _mark(self) -> None:
        self.reporter.step("marking manifests")
        self.mark: Mark = self.marker.mark(self.away, self.reporter.advance)
        self.report.damages = self.mark.damages
        if self.storage.cheap and self.mark.marks and not any(True for _ in all_blobs(self.storage)):
            path, what = self.storage.path(BLOBS), "there is no blob"
            remedy = "nothing is deleted; is its disk mounted?"
            self.report.damages.append(Damage(Kind.UNREADABLE, path, "", what, remedy, blocks=True))
        self._allow_empty()
        self.report.repositories = len(self.mark.fingerprints.keys() - {""})
        self.report.kept = self.mark.kept

    def _allow_empty(self) -> None:
        """No repository is no damage where somebody says so, or where it is known why."""
        empty = [damage for damage in self.report.damages if damage.kind is Kind.EMPTY]
        if empty and (self.options.allow_empty or is_known_empty(self.storage, self.quarantine.history())):
            self.report.damages.remove(*empty)

    def _after_mark(self) -> None:
        if not self.options.dry_run:
            self._restore_marked()
        if self.report.blocked:
            return
        if self.options.dry_run:
            self._take_all(Nothing())
        elif self.options.paused:
            self._purge()
            self._take_all(ForGood(self.quarantine, self.report, self.hooks.still))
        else:
            self._purge()
            self._quarantine()

    def _quarantine(self) -> None:
        run = self.quarantine.begin(self.now)
        self.manifests.elsewhere.append(run.where)
        self.runs.append(run)
        self.report.run = run.name
        try:
            self._take_all(IntoQuarantine(self.quarantine, run))
            self._settle()
        finally:
            if not self.quarantine.close(run, self.report.as_json()):
                self.report.run = ""

    def _take_all(self, removal: Removal) -> None:
        self._untag(removal)
        self._sweep(removal)
        if not (self.storage.cheap or self.mark.has_more):
            return  # it would be a listing for nothing
        self.reporter.step("looking at uploads and links")
        Leftovers(self.storage, removal, self._is_there, self.options, self.report, self.now).collect()

    # --- back from the quarantine

    def _restore_marked(self) -> None:
        """Bring back what is needed now: a collection that was killed may not have come to it."""
        self.reporter.step("looking into the quarantine")
        for run in self.runs:
            there = [digest for digest, _ in run.blobs()]
            self._restore(set(there) - set(self._not_marked(there)), {})
        self._restore((), self.mark.wanted)
        for path in list(needed_links(self.runs, self.storage, self.mark, self.marker)):
            self.report.count("links_restored", bring_back(self.quarantine, self.runs, path))

    def _restore(self, needed: Iterable[str], wanted: Mapping[str, Iterable[str]]) -> None:
        """Bring back blobs, then the manifests that need them."""
        for digest in needed:
            if is_digest(digest):
                self.report.count(
                    "blobs_restored", bring_back(self.quarantine, self.runs, blob_folder(digest))
                )
        for repository, digests in wanted.items():
            for digest in digests:
                self._restore_manifest(repository, digest)

    def _restore_manifest(self, repository: str, digest: str) -> None:
        path = revision_folder(repository, digest)
        self.report.count("manifests_restored", bring_back(self.quarantine, self.runs, path))
        self.away.get(repository, {}).pop(digest, None)

    def _look_again(self) -> None:
        """Bring back what a registry has come to need since the last look."""
        needed, wanted = self.marker.look_again(self.mark, self.away)
        self._restore(needed, wanted)

    # --- purge

    def _purge(self) -> None:
        """Delete what is in quarantine for long enough; the mark has not reached it."""
        self.reporter.step("deleting what is in quarantine for long enough")
        for run in list(self.runs):
            if run.closed is None:
                self.quarantine.close(run, run.report)  # it was killed; its time begins now
            elif self.now - run.closed >= self.options.keep_for:
                self._purge_run(run)
                self.runs.remove(run)

    def _purge_run(self, run: HeldRun) -> None:
        revisions = list(run.revisions())
        for path in list(run.everything()):
            self.report.count("bytes_freed", self.quarantine.purge(run, path))
            if path.startswith(f"{BLOBS}/"):
                self.report.count("blobs_purged")
            self.reporter.advance()
        for repository, digest, _ in revisions:
            self.away.get(repository, {}).pop(digest, None)
        self.quarantine.drop(run)

    # --- manifests

    def _untag(self, removal: Removal) -> None:
        """Take the manifests that no tag leads to, a repository at a time, and look at it again."""
        self.reporter.step("moving untagged manifests")
        for name, digests in self.mark.untagged.items():
            moved = self._take_manifests(removal, name, digests)
            if moved and isinstance(removal, IntoQuarantine):
                self._keep_needed(name, moved)
            for digest in moved:
                self.report.count("manifests_deleted")
                if len(self.report.manifests) < LISTED:
                    self.report.manifests.append((name, digest))
            self.reporter.advance()

    def _take_manifests(self, removal: Removal, name: str, digests: list[str]) -> dict[str, Link]:
        scan = self.storage.repository(name)
        if scan is None:
            return {}
        kept, _ = self.marker.keep(scan, self.away.get(name, {}))
        self.mark.marks.update(kept.blobs)
        still, links = set(kept.untagged), {link.name: link for link in scan.revisions}
        moved = {}
        for digest in digests:
            path = revision_folder(name, digest)
            if digest in still and removal.take(path):
                into = (
                    f"{removal.run.where}/{path}"
                    if isinstance(removal, IntoQuarantine)
                    else self.storage.path(path)
                )
                moved[digest] = replace(links[digest], path=f"{into}/link")
        return moved

    def _keep_needed(self, name: str, moved: dict[str, Link]) -> None:
        """Bring back what a tag or an index has come to lead to meanwhile; it is taken out of `moved`."""
        away = self.away.setdefault(name, {})
        away.update(moved)
        scan = self.storage.repository(name)
        if scan is None:
            return
        kept, _ = self.marker.keep(scan, away)
        self.mark.marks.update(kept.blobs)
        self.mark.fingerprints[name] = scan.fingerprint
        for digest in [one for one in moved if one in kept.blobs]:
            self._restore_manifest(name, digest)
            del moved[digest]

    # --- blobs

    def _sweep(self, removal: Removal) -> None:
        """Take the blobs that nothing needs."""
        self.reporter.step("moving blobs")
        batch: dict[str, int] = {}
        for algorithm, shard, path in self.storage.shards(self.report.damages):
            marked = self.mark.marks.shard(algorithm, shard)
            for blob in self.storage.blobs(algorithm, shard, path, self.report.damages):
                if not self.storage.cheap:
                    self.listed.update([blob.digest])
                if bytes.fromhex(blob.digest.partition(":")[2]) not in marked:
                    self._candidate(batch, blob)
            if len(batch) >= BATCH:
                self._take_blobs(removal, batch)
                batch = {}
        if batch:
            self._take_blobs(removal, batch)

    def _candidate(self, batch: dict[str, int], blob: Blob) -> None:
        state = self.storage.state(blob)
        if state is not None and self.now - state[1] >= self.options.older_than:
            batch[blob.digest] = state[0]
        elif state is not None:
            self.report.count("blobs_recent")
        self.reporter.advance()

    def _take_blobs(self, removal: Removal, batch: dict[str, int]) -> None:
        uses = uses_of(self.storage, batch)
        if not isinstance(removal, Nothing):
            self._look_again()
        uses.find()
        for digest in uses.recent(self.now - self.options.older_than):
            del batch[digest]
            self.report.count("blobs_recent")
        moved = {digest: batch[digest] for digest in self._move_all(removal, self._not_marked(batch), uses)}
        if isinstance(removal, IntoQuarantine):
            self.hooks.forget({digest: uses.repositories(digest) for digest in moved})
            self._look_again()
            self._restore(uses.since(moved), {})
        for digest, size in moved.items():
            if removal.holds(blob_folder(digest)):
                self._note(digest, size, uses.repositories(digest))

    def _move_all(self, removal: Removal, digests: list[str], uses: Uses) -> Iterator[str]:
        """Take blobs, but not those that a registry comes to use meanwhile. Yields what is gone."""
        for at in range(0, len(digests), uses.chunk):
            fresh = uses.newly_linked()
            some = digests[at : at + uses.chunk]
            moved = [digest for digest in some if digest not in fresh and self._move(removal, digest, uses)]
            if isinstance(removal, IntoQuarantine):
                self._restore(uses.since(moved), {})
            yield from moved

    def _move(self, removal: Removal, digest: str, uses: Uses) -> bool:
        """Take a blob. A registry that has just seen it there has read a link to it before."""
        path = blob_folder(digest)
        if uses.used(digest) or not removal.take(path):
            return False
        return not (uses.used(digest) and removal.bring_back(path))

    def _not_marked(self, digests: Iterable[str]) -> list[str]:
        found, shard, marked = [], ("", ""), set[bytes]()
        for digest in sorted(digests):
            algorithm, _, name = digest.partition(":")
            if shard != (algorithm, name[:2]):
                shard = (algorithm, name[:2])
                marked = self.mark.marks.shard(*shard)
            if bytes.fromhex(name) not in marked:
                found.append(digest)
        return found

    def _note(self, digest: str, size: int, repositories: Sequence[str]) -> None:
        self.report.count("blobs_deleted")
        self.report.count("bytes_deleted", size)
        if len(self.report.blobs) < LISTED:
            self.report.blobs.append((digest, size, next(iter(repositories), "")))

    def _is_there(self, digest: str) -> bool:
        """Whether a blob is there, or in quarantine, or should be: it is needed, and may be on a disk that is away."""
        path = blob_folder(digest)
        if any(run.holds(path) for run in self.runs):
            return True
        there = (
            self.storage.has(self.storage.path(f"{path}/data"))
            if self.storage.cheap
            else self.listed.has(digest)
        )
        return there or self.mark.marks.has(digest)

    def _switch(self, switch: Callable[[], None]) -> None:
        """Where it fails, the cache goes on promising what went: then all of it comes back."""
        try:
            switch()
        except BaseException:
            for _ in _bring_back_all(self.quarantine, self.runs[-1]):
                self.report.count("blobs_restored")
            raise

    def _settle(self) -> None:
        """Get rid of caches in memory, and look again until whatever was under way is over."""
        counts = self.report.counts
        if not counts.get("blobs_deleted") and not counts.get("manifests_deleted"):
            return
        if self.hooks.switch is not None:
            self.reporter.step("switching the registry's process")
            self._switch(self.hooks.switch)
            self._look_again()
        for seconds in self.options.settle:
            time.sleep(seconds)
            self._look_again()


def _bring_back_all(quarantine: Holding, run: HeldRun) -> Iterator[str]:
    """Bring back all that a run has moved. Yields the path of each."""
    for path in list(run.everything()):
        if quarantine.bring_back(run, path):
            yield path
