"""What one collection has moved into the quarantine of a bucket or container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ctl.collector.layout import BLOBS, LAYERS, QUARANTINE, REPOSITORIES, REVISIONS, TAGS, is_digest

_VERSION = ".version-"


@dataclass(frozen=True)
class ObjectRun:
    """What one collection has moved.

    Args:
        name: of the run.
        closed: nanoseconds of the storage's clock when it ended; None where it was killed.
        report: what it did, as far as it was written.
        sizes: of each object in it, by its key in the storage.
        versions: of those that are in it by their version, which a deletion has left: nothing is copied.
    """

    name: str
    closed: int | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def object(self, key: str) -> str:
        """The key of what stands for an object in the run: a copy, or an empty one that names its version."""
        version = f"{_VERSION}{self.sizes[key]}-{self.versions[key]}" if key in self.versions else ""
        return f"{self.where}/{key}{version}"

    @classmethod
    def of(
        cls, name: str, closed: int | None, report: Mapping[str, Any], sizes: Mapping[str, int]
    ) -> ObjectRun:
        """A run by the sizes of what is in it."""
        found = cls(name, closed, report)
        for one, size in sizes.items():
            key, middle, version = one.partition(_VERSION)
            found.sizes[key] = int(version.partition("-")[0]) if middle else size
            if middle:
                found.versions[key] = version.partition("-")[2]
        return found

    @property
    def where(self) -> str:
        """Its prefix."""
        return f"{QUARANTINE}/{self.name}"

    def keys(self, path: str) -> list[str]:
        """The keys of what is in it below a path."""
        usual = [key for key in (f"{path}/data", f"{path}/link") if key in self.sizes]
        return usual or [key for key in self.sizes if key.startswith(f"{path}/")]

    def holds(self, path: str) -> bool:
        """Whether something of that path is in it."""
        return bool(self.keys(path))

    def blobs(self) -> Iterator[tuple[str, str]]:
        """The digests of blobs in it, each with its path in the storage."""
        for key in sorted(self.sizes):
            parts = key.split("/")
            digest = ":".join(parts[-4:-1:2]) if len(parts) > 4 else ""
            if key.startswith(f"{BLOBS}/") and is_digest(digest):
                yield digest, "/".join(parts[:-1])

    def revisions(self) -> Iterator[tuple[str, str, str]]:
        """The manifests in it: repository, digest, path in the storage."""
        for key in sorted(self.sizes):
            repository, middle, rest = key.partition(f"/{REVISIONS}/")
            digest = ":".join(rest.split("/")[:2])
            if middle and is_digest(digest):
                yield repository[len(REPOSITORIES) + 1 :], digest, key.removesuffix("/link")

    def links(self) -> Iterator[tuple[str, str]]:
        """The links to layers in it: repository, digest."""
        for key in sorted(self.sizes):
            repository, middle, rest = key.partition(f"/{LAYERS}/")
            digest = ":".join(rest.split("/")[:2])
            if middle and is_digest(digest):
                yield repository[len(REPOSITORIES) + 1 :], digest

    def everything(self) -> Iterator[str]:
        """The paths in the storage of all that was moved, blobs first; a tag is one path."""
        paths = {key: _moved_path(key) for key in self.sizes}
        yield from dict.fromkeys(sorted(paths.values(), key=lambda path: (not path.startswith(BLOBS), path)))


def _moved_path(key: str) -> str:
    """The path that was moved with a key: of a tag all of it, else the folder."""
    head, middle, rest = key.partition(f"/{TAGS}/")
    return f"{head}{middle}{rest.partition('/')[0]}" if middle else key.rpartition("/")[0]
