"""Brings back what a run has moved into quarantine, and from other runs what that needs to be whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ctl.collector.away import deleted_manifests, manifests_away
from ctl.collector.damage import Damage, Kind
from ctl.collector.holding import HeldRun, Holding
from ctl.collector.layout import (
    BLOBS,
    CURRENT,
    REPOSITORIES,
    TAGS,
    blob_folder,
    is_digest,
    layer_folder,
    revision_folder,
)
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Marker
from ctl.collector.report import Report
from ctl.collector.tree import Tree, quarantine_of, tree_of
from ctl.errors import RunFailed
from ctl.storage.store import Store

_LINK_SIZE = 1_024
_NAMES = {"delete": "a deletion", "cleanup": "a clean-up"}


def restore(place: str | Store, name: str) -> Report:
    """Bring back what a run has moved, and let it count as new.

    A tag comes back last, and only where its manifest is there or in quarantine; else it stays, and is reported.

    Args:
        place: folder or client of the storage.
        name: of the run.

    Raises:
        RunFailed: there is no such run, or something cannot be moved.
        LockHeld: a collection is under way.
    """
    storage = tree_of(place)
    with quarantine_of(storage) as quarantine:
        runs = quarantine.runs()
        run = next((one for one in runs if one.name == name), None)
        if run is None:
            known = ", ".join(one.name for one in runs) or "none"
            raise RunFailed(f"there is no run {name} in the quarantine of {storage.root}; there are: {known}")
        return _restored(storage, quarantine, runs, run)


def undo_killed(place: str | Store, warn: Callable[[str], None] = lambda _: None) -> None:
    """Bring back what deletions and clean-ups have moved that did not come to their end, the newest first.

    Args:
        place: folder or client of the storage.
        warn: gets what came back, and what did not.

    Raises:
        LockHeld: one is under way, or a collection.
        RunFailed: something cannot be moved.
    """
    storage = tree_of(place)
    if not any(_was_killed(run) for run in quarantine_of(storage).runs()):
        return
    with quarantine_of(storage) as quarantine:  # what is not closed now is nobody's
        undo(storage, quarantine, quarantine.runs(), warn)


def undo(storage: Tree, quarantine: Holding, runs: list[HeldRun], warn: Callable[[str], None]) -> bool:
    """As `undo_killed`, with a quarantine that is held and the runs in it. Returns whether there was any."""
    killed = [run for run in reversed(runs) if _was_killed(run)]
    for run in killed:
        report = _restored(storage, quarantine, runs, run)
        if any(number for name, number in report.counts.items() if name.endswith("_restored")):
            what = _NAMES.get(run.report["mode"], "a run")
            warn(f"{what} was cut off: what it removed is back (run {run.name})")
        for damage in report.damages:
            warn(str(damage))
    return bool(killed)


def _was_killed(run: HeldRun) -> bool:
    """Whether it is one of those that name what they do before they begin (Remover), and has not ended."""
    return run.closed is None and "mode" in run.report


def _restored(storage: Tree, quarantine: Holding, runs: list[HeldRun], run: HeldRun) -> Report:
    report = Report(untagged=False, dry_run=False, run=run.name)
    with closing(Manifests(storage, quarantine.cache, writable=False)) as manifests:
        _Restoration(storage, manifests, quarantine, runs, report).restore(run)
    quarantine.drop(run)
    return report


class _Restoration:
    """A restoration under way.

    Args:
        storage, manifests, quarantine: of the registry.
        runs: all that are in quarantine.
        report: counts what came back.
    """

    def __init__(
        self,
        storage: Tree,
        manifests: Manifests,
        quarantine: Holding,
        runs: list[HeldRun],
        report: Report,
    ) -> None:
        self._storage = storage
        self._manifests = manifests
        self._manifests.elsewhere = [run.where for run in runs]
        self._quarantine = quarantine
        self._runs = runs
        self._report = report
        self._links = {link for run in runs for link in run.links()}
        self._away, self._deleted = manifests_away(runs), deleted_manifests(runs)

    def restore(self, run: HeldRun) -> None:
        """Bring back one run: blobs, manifests and links, what these need, then tags."""
        paths = list(run.everything())
        tags = [path for path in paths if _is_tag(path)]
        for path in paths:
            if not _is_tag(path):
                self._bring_back(run, path)
        named = {path: self._named(run, path) for path in tags}
        for path, digest in named.items():
            self._fetch_manifest(_repository(path), digest)
        for repository in dict.fromkeys(_repository(path) for path in paths if path.startswith(REPOSITORIES)):
            self._fetch_needs(repository)
        for path, digest in named.items():
            self._tag(run, path, digest)

    def _bring_back(self, run: HeldRun, path: str) -> None:
        if self._quarantine.bring_back(run, path):
            kind = (
                "blobs" if path.startswith(f"{BLOBS}/") else "manifests" if "/revisions/" in path else "links"
            )
            self._report.count(f"{kind}_restored")
            self._quarantine.renew(path)

    def _fetch_manifest(self, repository: str, digest: str) -> None:
        """A manifest that a tag names: a later collection may have moved it."""
        path = revision_folder(repository, digest) if is_digest(digest) else ""
        for run in self._runs if path else ():
            if run.holds(path):
                self._bring_back(run, path)

    def _fetch_needs(self, repository: str) -> None:
        """What the manifests of a repository need now, from whichever run."""
        scan = self._storage.repository(repository)
        if scan is None:
            return
        marker = Marker(self._storage, self._manifests, untagged=False, young_after=0, deleted=self._deleted)
        away = self._away.get(repository, {})
        kept, damages = marker.keep(scan, away)
        self._report.damages += damages
        for digest in kept.blobs:
            if digest in away:
                self._fetch_manifest(repository, digest)
            for path in self._paths(repository, digest) if is_digest(digest) else ():
                for run in self._runs:
                    if run.holds(path):
                        self._bring_back(run, path)

    def _paths(self, repository: str, digest: str) -> list[str]:
        """Where a blob can be, and the link to it that a later deletion of the repository may have moved."""
        link = [layer_folder(repository, digest)] if (repository, digest) in self._links else []
        return [blob_folder(digest), *link]

    def _tag(self, run: HeldRun, path: str, digest: str) -> None:
        repository, tag = _repository(path), Path(path).name
        link = self._storage.path(f"{revision_folder(repository, digest)}/link") if digest else ""
        if link and not (self._storage.has(link) and self._is_there(digest)):
            what = f"tag {tag} named {digest}, which is gone for good"
            where = f"{run.where}/{path}/{CURRENT}"
            self._report.damages.append(
                Damage(Kind.TARGET, where, repository, what, "it was not brought back; push the image again")
            )
        elif self._quarantine.bring_back(run, path):
            self._report.count("tags_restored")
        else:
            what, remedy = f"tag {tag} was pushed again meanwhile", "the newer one stays"
            self._report.damages.append(Damage(Kind.TAG, f"{run.where}/{path}", repository, what, remedy))

    def _is_there(self, digest: str) -> bool:
        return self._storage.has(self._storage.path(f"{blob_folder(digest)}/data"))

    def _named(self, run: HeldRun, path: str) -> str:
        try:
            digest = self._storage.read_file(f"{run.where}/{path}/{CURRENT}", _LINK_SIZE).decode(
                "ascii", "replace"
            )
        except OSError:  # it was damaged before; it comes back as it was
            return ""
        return digest if is_digest(digest) else ""


def _is_tag(path: str) -> bool:
    return f"/{TAGS}/" in path


def _repository(path: str) -> str:
    """The repository that a path belongs to."""
    inner = path.removeprefix(f"{REPOSITORIES}/")
    parts = inner.split("/")
    own = next((number for number, part in enumerate(parts) if part.startswith("_")), len(parts))
    return "/".join(parts[:own])
