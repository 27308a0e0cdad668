"""Reads a repository: its manifests, what its tags lead to, and what of it is damaged.

What cannot be read is never taken for nothing. A registry serves by a repository only what that repository links to;
so whatever a damaged one may need is among its links, and all of these are kept. Where even the links are missing,
nothing may be deleted at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ctl.collector.damage import Damage, Kind, unreadable
from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import is_digest
from ctl.collector.manifest import Manifest
from ctl.collector.manifests import Manifests, Unreadable
from ctl.collector.tree import Tree

_LINK_SIZE = 1_024
"""Bytes that a link may have; a digest has 71 or 135."""
_PATIENCE, _PATIENCE_SECONDS = 5, 0.02
"""How often in all an empty link is read again, and after how long."""


@dataclass(slots=True)
class Repository:
    """A repository, as far as it matters what it needs.

    Args:
        scan: its folders.
        manifests: those that could be read, by digest; also children of its indexes that it does not link to.
        revisions: the digests of all its manifests.
        tagged: digests that tags name.
        young: digests of manifests that were pushed after a given time.
        more: digests that must be kept beside what its manifests need.
        whole: whether everything of it must be kept, since something is unknown.
        damages: all of them, with those of the scan.
    """

    scan: RepositoryScan
    manifests: dict[str, Manifest] = field(default_factory=dict)
    revisions: dict[str, Link] = field(default_factory=dict)
    tagged: set[str] = field(default_factory=set)
    young: set[str] = field(default_factory=set)
    more: set[str] = field(default_factory=set)
    whole: bool = False
    damages: list[Damage] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name."""
        return self.scan.name


class Reader:
    """Reads repositories.

    Args:
        storage: that they are in.
        manifests: of that storage.
        young_after: nanoseconds; a manifest that was pushed later is young.
    """

    def __init__(self, storage: Tree, manifests: Manifests, young_after: int | None = None) -> None:
        self._storage = storage
        self._manifests = manifests
        self._young_after = young_after
        self._patience = _PATIENCE

    def read(self, scan: RepositoryScan) -> Repository:
        """Read what a scan has found."""
        whole = any(damage.kind is not Kind.STRAY for damage in scan.damages)
        found = Repository(scan, damages=list(scan.damages), whole=whole)
        self._manifests.prefetch([link.name for link in scan.revisions])
        odd = [link for link in scan.revisions if not self._sound(found, link)]
        lost = [damage for link in odd for damage in self._revision(found, link)]
        self._children(found)
        for link in scan.tags:
            self._tag(found, link)
        if found.whole:
            self._keep_all(found, lost)
        return found

    def _sound(self, found: Repository, link: Link) -> bool:
        """Read one manifest, as nearly all are: its link says what its folder does. False where anything differs."""
        try:
            if not link.name or (link.target or self._read_link(link)) != link.name:
                return False
            found.manifests[link.name] = self._manifests.get(link.name)
        except (OSError, Unreadable):
            return False
        self._add(found, link)
        return True

    def _read_link(self, link: Link) -> str:
        return self._storage.read_link(link, _LINK_SIZE).decode("latin-1")

    def _add(self, found: Repository, link: Link) -> None:
        found.revisions[link.name] = link
        if self._young_after is not None and link.mtime > self._young_after:
            found.young.add(link.name)

    def _revision(self, found: Repository, link: Link) -> Iterator[Damage]:
        """Read one manifest. Yields the damages by which it is unknown what it refers to."""
        if not link.name:
            yield from self._unexpected(found, link)
            return
        self._add(found, link)
        target, damage = self._target(found, link, Kind.LINK)
        if damage is not None:
            yield self._note(found, damage)
        elif target and target != link.name:
            found.more.add(target)
            yield from self._load(found, target)
            what = f"it names {target}, not the digest of its folder"
            self._note(found, Damage(Kind.LINK, link.path, found.name, what, _REVISION_REMEDY))
        yield from self._load(found, link.name)

    def _unexpected(self, found: Repository, link: Link) -> Iterator[Damage]:
        """A folder among the manifests whose name is no digest, as after a damage: what it names is kept."""
        found.whole = True
        target, damage = self._target(found, link, Kind.LINK)
        if damage is not None:
            yield self._note(found, damage)
        elif target:
            found.more.add(target)
            yield from self._load(found, target)

    def _load(self, found: Repository, digest: str) -> Iterator[Damage]:
        try:
            found.manifests[digest] = self._manifests.get(digest)
        except Unreadable as error:
            found.more.update(error.named)
            yield self._note(found, _broken(found.name, digest, error))

    def _children(self, found: Repository) -> None:
        """Children of indexes that lack their link: a restore may have left it out, and the blob is there."""
        pending = [child for one in found.manifests.values() for child in one.children]
        while pending:
            digest = pending.pop()
            if digest in found.manifests or digest in found.revisions or not is_digest(digest):
                continue
            try:
                one = found.manifests[digest] = self._manifests.get(digest)
                pending += one.children
            except Unreadable as error:
                found.more.update(error.named)
                if not error.missing:
                    self._note(found, _broken(found.name, digest, error))

    def _tag(self, found: Repository, link: Link) -> None:
        if not link.identity:
            what = f"tag {link.name} has no link to a manifest"
            self._note(found, Damage(Kind.TAG, link.path, found.name, what, _TAG_REMEDY))
            return
        digest, damage = self._target(found, link, Kind.TAG)
        if damage is not None:
            self._note(found, damage)
        if not digest:
            return
        found.tagged.add(digest)
        if digest not in found.revisions:
            list(self._load(found, digest))
            what = f"tag {link.name} names {digest}, which is no manifest of this repository"
            self._note(found, Damage(Kind.TARGET, link.path, found.name, what, _TAG_REMEDY))

    def _keep_all(self, found: Repository, lost: list[Damage]) -> None:
        """Keep everything that the repository links to, and what its damaged tags once led to."""
        damages: list[Damage] = []
        layers = {digest for digest, _ in self._storage.layers(found.scan, damages)}
        found.more |= layers
        for link in found.scan.tags:
            for digest in self._storage.former(link, found.name, damages):
                found.more.add(digest)
                if digest not in found.manifests and digest not in found.revisions:
                    self._former(found, digest)
        found.damages += damages
        if lost and not layers:
            first = lost[0]
            what = f"{first.what}; as the repository links to no layer, nobody knows what that manifest needs"
            remedy = f"nothing is deleted until you {first.remedy}"
            found.damages[found.damages.index(first)] = replace(first, what=what, remedy=remedy, blocks=True)

    def _former(self, found: Repository, digest: str) -> None:
        try:
            one = self._manifests.get(digest)
        except Unreadable as error:
            found.more.update(error.named)
        else:
            found.more.update(one.references)

    def _target(self, found: Repository, link: Link, kind: Kind) -> tuple[str, Damage | None]:
        """The digest in a link, or what is wrong with it."""
        if link.target:
            return link.target, None
        remedy = _TAG_REMEDY if kind is Kind.TAG else _REVISION_REMEDY
        try:
            content = self._content(link)
        except FileNotFoundError:  # deleted since the scan; the next run finds it so
            found.whole = True
            return "", None
        except PermissionError as error:
            return "", unreadable(link.path, found.name, error)
        except OSError as error:
            return "", Damage(kind, link.path, found.name, error.strerror or str(error), remedy)
        text = content.decode("ascii", "replace")
        if is_digest(text):
            return text, None
        what = "it is empty" if not content else "it holds no digest"
        return "", Damage(kind, link.path, found.name, what, remedy)

    def _content(self, link: Link) -> bytes:
        """What a link holds. A registry that writes it anew cuts it first: one that is empty is read again."""
        content = self._storage.read_link(link, _LINK_SIZE)
        while not content and self._patience > 0:
            self._patience -= 1
            time.sleep(_PATIENCE_SECONDS)
            content = self._storage.read_link(link, _LINK_SIZE)
        return content

    @staticmethod
    def _note(found: Repository, damage: Damage) -> Damage:
        found.damages.append(damage)
        found.whole = True
        return damage


_REVISION_REMEDY = "delete the folder of that link, and push the image again"
_TAG_REMEDY = "push the tag again, or delete its folder"


def _broken(repository: str, digest: str, error: Unreadable) -> Damage:
    what = f"manifest {digest} cannot be read: {error.reason}"
    remedy = f"push the image again, or delete it: DELETE /v2/{repository}/manifests/{digest}"
    blocks = isinstance(error.__cause__, PermissionError)
    return Damage(Kind.UNREADABLE if blocks else Kind.MANIFEST, error.path, repository, what, remedy, blocks)
