"""What is broken in a storage: where, what follows from it, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from ctl.collector.readable import readable


class Kind(StrEnum):
    """What kind of thing is broken."""

    UNREADABLE = "unreadable"
    """Nobody knows what is in there."""
    LINK = "link"
    """The link of a manifest."""
    MANIFEST = "manifest"
    """The content of a manifest."""
    TAG = "tag"
    """The link of a tag."""
    TARGET = "target"
    """A tag that leads to no manifest of its repository."""
    STRAY = "stray"
    """A name that no registry gives."""
    EMPTY = "empty"
    """There is no repository at all, as where a disk is not mounted."""
    LAYERS = "layers"
    """A repository without `_layers`, which the programs' collectors do not see."""


@dataclass(frozen=True, order=True)
class Damage:
    """One thing in the storage that is not as a registry writes it.

    Args:
        kind: of thing.
        path: the whole path.
        repository: that it belongs to, or "".
        what: what is wrong there.
        remedy: what to do about it.
        blocks: whether nobody can know what it refers to, so that nothing at all may be deleted.
    """

    kind: Kind
    path: str
    repository: str
    what: str
    remedy: str
    blocks: bool = False

    def __str__(self) -> str:
        where = f"repository {self.repository}: " if self.repository else ""
        return readable(f"{where}{self.path}: {self.what}; {self.remedy}")

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)


def no_repository(path: str, why: str) -> Damage:
    """Blobs that no repository needs, all of them: unlikely enough that a person must have wanted it."""
    remedy = (
        f"nothing is deleted, for {why}; if every image was removed on purpose, collect with --allow-empty"
    )
    return Damage(Kind.EMPTY, path, "", "there is no repository", remedy, blocks=True)


def unreadable(path: str, repository: str, error: OSError) -> Damage:
    """A file or folder that cannot be read: nobody knows what it refers to, so everything stays."""
    remedy = "give this account the right to read it" if isinstance(error, PermissionError) else "repair it"
    what, remedy = error.strerror or str(error), f"nothing is deleted until you {remedy}"
    return Damage(Kind.UNREADABLE, path, repository, what, remedy, blocks=True)
