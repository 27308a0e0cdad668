"""How much of a storage is whose: sums, as they are shown and exported."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from ctl.collector.damage import Damage


@dataclass
class RepositoryUsage:
    """What one repository holds.

    Args:
        name: of the repository.
        tags, manifests: how many there are.
        own: bytes of blobs that no other repository needs.
        shared: bytes of blobs that others need, too.
        last_push: nanoseconds since 1970 when a manifest or tag was last written; None where there is none.
        uploads: uploads that are under way or dead.
        missing: blobs that its manifests refer to and that are not there: layers that clients get elsewhere, or a
            damage.
        complete: whether everything of it could be read; else the sums are at least these.
    """

    name: str
    tags: int = 0
    manifests: int = 0
    own: int = 0
    shared: int = 0
    last_push: int | None = None
    uploads: int = 0
    missing: int = 0
    complete: bool = True

    @property
    def size(self) -> int:
        """Bytes of all blobs that it needs."""
        return self.own + self.shared

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "size": self.size, "last_push": when(self.last_push)}


@dataclass
class Heap:
    """Things with their bytes."""

    count: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """One more."""
        self.count += 1
        self.bytes += size


@dataclass
class Usage:
    """What a storage holds.

    Args:
        repositories: those that were asked for.
        others: how many there are beside these.
        blobs: all blobs, each once.
        shared: those of them that several repositories need, each once.
        unreferenced: those that no manifest needs: the next collection takes them.
        quarantined: what earlier collections have moved away.
        uploads: those that may still go on.
        dead_uploads: those that did not go on for a day.
        damages: what is broken.
    """

    repositories: list[RepositoryUsage] = field(default_factory=list)
    others: int = 0
    blobs: Heap = field(default_factory=Heap)
    shared: Heap = field(default_factory=Heap)
    unreferenced: Heap = field(default_factory=Heap)
    quarantined: Heap = field(default_factory=Heap)
    uploads: Heap = field(default_factory=Heap)
    dead_uploads: Heap = field(default_factory=Heap)
    damages: list[Damage] = field(default_factory=list)

    def totals(self) -> dict[str, Heap]:
        """The sums of the whole storage, by name."""
        names = ("blobs", "shared", "unreferenced", "quarantined", "uploads", "dead_uploads")
        return {name: getattr(self, name) for name in names}

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "repositories": [one.as_json() for one in self.repositories],
            "other_repositories": self.others,
            "totals": {name: asdict(heap) for name, heap in self.totals().items()},
            "damages": [one.as_json() for one in self.damages],
        }


def when(nanoseconds: int | None) -> str | None:
    """A time as RFC 3339 has it, in UTC; None where that has no such year."""
    if nanoseconds is None:
        return None
    try:
        return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None
