"""What a collection did, for people and for --json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ctl.registry.collect.sizes import total


@dataclass
class Result:
    """What a collection did, or would do.

    Args:
        untagged: whether untagged manifests were deleted too.
        dry_run: whether nothing was deleted.
        repositories: how many there are.
        manifests: the deleted manifests, each as (repository, digest).
        kept: how many manifests are left.
        blobs: the deleted blobs with their sizes in bytes; None where a size is not known.
        seconds: how long it took.
    """

    untagged: bool
    dry_run: bool
    repositories: int = 0
    manifests: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0
    blobs: dict[str, int | None] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def bytes_freed(self) -> int | None:
        """Bytes of the deleted blobs, or None where the storage driver does not give the size of each."""
        sizes = {digest: size for digest, size in self.blobs.items() if size is not None}
        return total(self.blobs, sizes)

    @property
    def bytes_known(self) -> int:
        """Bytes of those deleted blobs whose size is known."""
        return sum(size for size in self.blobs.values() if size is not None)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "mode": "untagged" if self.untagged else "unreferenced",
            "dry_run": self.dry_run,
            "repositories": self.repositories,
            "manifests_deleted": len(self.manifests),
            "manifests_kept": self.kept,
            "blobs_deleted": len(self.blobs),
            "bytes_freed": self.bytes_freed,
            "seconds": round(self.seconds, 3),
        }
