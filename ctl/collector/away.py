"""What of repositories is in quarantine: manifests, and links to layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ctl.collector.filesystem import Link
from ctl.collector.holding import HeldRun, Holding
from ctl.collector.layout import layer_folder
from ctl.collector.marking import Mark, Marker
from ctl.collector.tree import Tree

DELETION = "delete"
"""The mode of a run that somebody has asked for by the name of what must go."""


def manifests_away(runs: Iterable[HeldRun]) -> dict[str, dict[str, Link]]:
    """The manifests in quarantine, of each repository, by digest."""
    found: dict[str, dict[str, Link]] = {}
    for run in runs:
        for repository, digest, path in run.revisions():
            found.setdefault(repository, {})[digest] = Link(f"{run.where}/{path}/link", digest, 0, ())
    return found


def deleted_manifests(runs: Iterable[HeldRun]) -> dict[str, set[str]]:
    """Those that somebody has deleted: what they are about does not bring them back."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for repository, digest, _ in run.revisions() if run.report.get("mode") == DELETION else ():
            found.setdefault(repository, set()).add(digest)
    return found


def needed_links(runs: Iterable[HeldRun], storage: Tree, mark: Mark, marker: Marker) -> Iterator[str]:
    """Links to layers that a deletion has moved, and that a push needs which had looked at them before.

    Args:
        runs: in quarantine.
        storage: that they belong to.
        mark: of all of it.
        marker: that made it.

    Yields:
        The path of each in the storage.
    """
    held: dict[str, set[str]] = {}
    for run in runs:
        for repository, digest in run.links():
            if repository in mark.fingerprints and mark.marks.has(digest):
                held.setdefault(repository, set()).add(digest)
    for repository, digests in held.items():
        scan = storage.repository(repository)
        missing = digests - {digest for digest, _ in storage.layers(scan, [])} if scan else ()
        if scan and missing:
            kept, _ = marker.keep(scan, {})
            yield from (layer_folder(repository, digest) for digest in missing & kept.blobs)


def bring_back(quarantine: Holding, runs: Iterable[HeldRun], path: str) -> int:
    """Bring a path back from the runs that hold it, over nothing that is there. Returns from how many it came."""
    return sum(run.holds(path) and quarantine.bring_back(run, path) for run in runs)
