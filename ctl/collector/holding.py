"""What a collection needs of a quarantine, whatever storage it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, Self


class HeldRun(Protocol):
    """What one collection has moved."""

    @property
    def name(self) -> str:
        """Of the run."""
        ...

    @property
    def where(self) -> str:
        """What the tree of the storage calls the folder of the run."""
        ...

    @property
    def closed(self) -> int | None:
        """Nanoseconds of the storage's clock when it ended; None where it was killed."""
        ...

    @property
    def report(self) -> Mapping[str, Any]:
        """What it did, as far as it was written."""
        ...

    def holds(self, path: str) -> bool:
        """Whether something of that path in the storage is in it."""
        ...

    def blobs(self) -> Iterator[tuple[str, str]]:
        """The digests of blobs in it, each with its path in the storage."""
        ...

    def revisions(self) -> Iterator[tuple[str, str, str]]:
        """The manifests in it: repository, digest, path in the storage."""
        ...

    def links(self) -> Iterator[tuple[str, str]]:
        """The links to layers in it: repository, digest."""
        ...

    def everything(self) -> Iterator[str]:
        """The paths in the storage of all that was moved, blobs first; a tag is one path."""
        ...


class Holding(Protocol):
    """A quarantine. It is held, and no other collection runs, as long as its context lasts."""

    @property
    def interrupted(self) -> str:
        """Who held it before, and was killed; "" for nobody."""
        ...

    @property
    def cache(self) -> Path:
        """The file for what manifests refer to."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def now(self) -> int:
        """The time of the storage in nanoseconds."""
        ...

    def runs(self) -> list[HeldRun]:
        """What earlier collections have moved, oldest first."""
        ...

    def begin(self, now: int) -> HeldRun:
        """Make a new run."""
        ...

    def label(self, run: HeldRun, report: Mapping[str, Any]) -> None:
        """Note what a run is going to do, for whoever finds it killed."""
        ...

    def close(self, run: HeldRun, report: Mapping[str, Any]) -> bool:
        """Note that a run has moved its last; False where it moved nothing, and is gone."""
        ...

    def note(self, report: dict[str, Any]) -> None:
        """Add a line to the history."""
        ...

    def history(self) -> list[dict[str, Any]]:
        """What earlier collections did, oldest first."""
        ...

    def take(self, run: HeldRun, path: str) -> bool:
        """Move a folder of the storage into a run; False where it is no longer there."""
        ...

    def bring_back(self, run: HeldRun, path: str) -> bool:
        """Move it back; False where something is there again."""
        ...

    def renew(self, path: str) -> None:
        """Let something that came back count as new."""
        ...

    def delete(self, path: str) -> int:
        """Delete a folder of the storage for good, while nobody writes. Returns its bytes."""
        ...

    def purge(self, run: HeldRun, path: str) -> int:
        """Delete something in a run for good. Returns its bytes."""
        ...

    def drop(self, run: HeldRun) -> None:
        """Remove what is left of a run, never content."""
        ...
