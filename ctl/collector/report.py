"""What a collection did, or would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ctl.collector.damage import Damage

LISTED = 10_000
"""Blobs and manifests whose names a report holds; sums count all of them."""


@dataclass
class Report:
    """What a collection did.

    Args:
        untagged: whether manifests that no tag leads to went, too.
        dry_run: whether nothing was changed.
        run: its name, by which what it moved can be brought back; "" where it moved nothing.
        repositories, kept: how many repositories and manifests there are afterwards.
        manifests: those that went, each as (repository, digest).
        blobs: those that went: digest, bytes, and a repository that links to it or "".
        counts: sums of all, as in JSON.
        damages: what is broken in the storage.
        seconds: how long it took.
    """

    untagged: bool
    dry_run: bool
    run: str = ""
    repositories: int = 0
    kept: int = 0
    manifests: list[tuple[str, str]] = field(default_factory=list)
    blobs: list[tuple[str, int, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    damages: list[Damage] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, name: str, number: int = 1) -> None:
        """Add to a sum."""
        if number:
            self.counts[name] = self.counts.get(name, 0) + number

    @property
    def blocked(self) -> list[Damage]:
        """The damages for which nothing may be deleted."""
        return [damage for damage in self.damages if damage.blocks]

    def as_json(self) -> dict[str, Any]:
        """For `--json`, and for the history."""
        counts = {name: self.counts.get(name, 0) for name in COUNTS}
        return {
            "mode": "untagged" if self.untagged else "unreferenced",
            "dry_run": self.dry_run,
            "run": self.run,
            "repositories": self.repositories,
            "manifests_kept": self.kept,
            **counts,
            "damages": [damage.as_json() for damage in self.damages],
            "seconds": round(self.seconds, 3),
        }


COUNTS = (
    "manifests_deleted",
    "blobs_deleted",
    "bytes_deleted",
    "links_deleted",
    "uploads_deleted",
    "repositories_deleted",
    "blobs_restored",
    "manifests_restored",
    "tags_restored",
    "links_restored",
    "blobs_recent",
    "blobs_purged",
    "bytes_freed",
)
"""Sums of a report: deleted is moved to quarantine; restored was in quarantine and is needed again; recent is left for
the next run as a registry has linked to it lately; purged is gone for good, and frees its bytes."""
