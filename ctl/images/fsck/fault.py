"""Something damaged: where, what follows for clients and collections, and what repairs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ctl.collector.readable import readable


class Kind(StrEnum):
    """What is damaged."""

    NAMELESS_TAG = "nameless_tag"
    TAG = "tag"
    TARGET = "target"
    REVISION = "revision"
    MANIFEST = "manifest"
    LAYER_LINK = "layer_link"
    CHILD_LINK = "child_link"
    BLOB = "blob"
    MISSING_BLOB = "missing_blob"
    LAYERS = "layers"
    STRAY = "stray"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Quarantined:
    """Move a key into quarantine: that object alone, also where its key ends with `/`."""

    key: str


@dataclass(frozen=True)
class FolderQuarantined:
    """Move all below a key that ends with `/` into quarantine."""

    key: str


@dataclass(frozen=True)
class Written:
    """Write the content that a key must have."""

    key: str
    content: bytes


@dataclass(frozen=True)
class Folder:
    """Make an empty folder."""

    key: str


Step = Quarantined | FolderQuarantined | Written | Folder


@dataclass(frozen=True)
class Fault:
    """One thing that is damaged.

    Args:
        kind: of thing.
        key: where.
        repository: that it belongs to, or "".
        what: what is wrong there.
        effect: what clients and collections notice of it.
        remedy: what to do, or what `--repair` does.
        steps: of the repair; none where only people can repair it.
        seen: what the repair is for: keys with the identity of each object, "" where there was none.
    """

    kind: Kind
    key: str
    repository: str
    what: str
    effect: str
    remedy: str
    steps: tuple[Step, ...] = ()
    seen: tuple[tuple[str, str], ...] = ()

    def line(self, place: str) -> str:
        """For people; `place` is the storage."""
        where = f"repository {self.repository}: " if self.repository else ""
        return readable(f"{where}{place}/{self.key}: {self.what}: {self.effect}; {self.remedy}")

    def as_json(self, place: str) -> dict[str, object]:
        """For `--json`."""
        return {
            "kind": self.kind.value,
            "path": f"{place}/{self.key}",
            "repository": self.repository,
            "what": self.what,
            "effect": self.effect,
            "remedy": self.remedy,
            "repairable": bool(self.steps),
        }
