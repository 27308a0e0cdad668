"""Takes tags, manifests and repositories out of a storage while a registry serves, into the collector's quarantine.

A tag is one folder, and no registry program caches it: one rename takes it away. What a tag names by then must be what
it named when that was decided; so its link is looked at again after the rename, and brought back if a client has
pushed meanwhile. Manifests and links to layers are looked at as by the collector, when the registry has forgotten them:
what a push needs that came meanwhile comes back, so that no push is taken of an image that is not whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ctl.collector.away import bring_back, manifests_away
from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.holding import HeldRun
from ctl.collector.keeping import keep
from ctl.collector.layout import (
    LAYERS,
    MANIFESTS,
    UPLOADS,
    layer_folder,
    repository_folder,
    revision_folder,
)
from ctl.collector.manifest import reached
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Marker
from ctl.collector.objects import Objects
from ctl.collector.reading import Reader, Repository
from ctl.collector.tree import quarantine_of, tree_of
from ctl.errors import RunFailed
from ctl.images.catalogue import link_digest, tag_folder
from ctl.images.object_tags import ObjectTags
from ctl.storage.store import Store

SETTLE = 0.1
"""Seconds after which a tag that was just being written when it was moved has been."""
LOOKS = (0.0, 0.4)
"""Seconds between the last looks: a manifest that was checked before is linked within milliseconds."""
_SECOND = 10**9
"""Some storages give whole seconds."""


@dataclass
class Removed:
    """What was moved into quarantine.

    Args:
        run: by which it comes back; "" where nothing was moved.
        tags: repository and tag.
        manifests: repository and digest.
        repositories: those that were moved whole.
        kept: what was left alone although it was asked for, each with the reason.
        links: digests that the registry must forget, each with the repositories that linked to it.
    """

    run: str = ""
    tags: list[tuple[str, str]] = field(default_factory=list)
    manifests: list[tuple[str, str]] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    links: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `--json`, and for the history."""
        return {
            "run": self.run,
            "tags_deleted": len(self.tags),
            "manifests_deleted": len(self.manifests),
            "repositories_deleted": len(self.repositories),
            "tags": [f"{repository}:{tag}" for repository, tag in self.tags],
            "manifests": [f"{repository}@{digest}" for repository, digest in self.manifests],
            "repositories": self.repositories,
            "kept": self.kept,
        }


class Remover:
    """Removes, as one run that can be undone: `with Remover(place, forget) as remover: …`.

    Args:
        place: folder of the storage, or the client of object storage.
        forget: takes digests out of a cache that several processes share.
        note: what kind of run it is, for the history.
        switch: starts the registry's process anew, so that it forgets what it has in memory; None where it need not.

    What fails leaves its run as one that was killed does: `undo_killed` brings all back.

    Raises:
        LockHeld: a collection, or another removal, is under way.
    """

    def __init__(
        self,
        place: str | Store,
        forget: Callable[[Mapping[str, list[str]]], None],
        *,
        note: str,
        switch: Callable[[], None] | None = None,
    ) -> None:
        self.storage = tree_of(place)
        self.removed = Removed()
        self._quarantine = quarantine_of(self.storage)
        self._objects = ObjectTags(self.storage) if isinstance(self.storage, Objects) else None
        self._forget = forget
        self._kind = note
        self._switch = switch
        self._moved: list[tuple[RepositoryScan, Link, str]] = []
        self._away: dict[str, dict[str, Link]] = {}
        self._links: dict[str, set[str]] = {}
        self._deleted: dict[str, set[str]] = {}

    def __enter__(self) -> Remover:
        self._quarantine.__enter__()
        self._began = self._quarantine.now(), time.monotonic()
        self._run: HeldRun = self._quarantine.begin(self._now())
        self.removed.run = self._run.name
        self._quarantine.label(self._run, {"mode": self._kind})
        self._manifests = Manifests(self.storage, self._quarantine.cache)
        self._manifests.elsewhere = [self._run.where]
        self._marker = Marker(
            self.storage,
            self._manifests,
            untagged=True,
            young_after=self._began[0] - _SECOND,
            deleted=self._deleted,
        )
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            with closing(self._manifests):
                if failed is None:
                    self._settle()
                    if self.removed.links and self._switch is not None:
                        self._switch()
                    self._last_looks()
                    self._close()
        finally:
            self._quarantine.__exit__()

    def _close(self) -> None:
        removed = self.removed
        if not (removed.tags or removed.manifests or removed.repositories):
            self._quarantine.drop(self._run)
            removed.run = ""
            return
        report = {"mode": self._kind, **removed.as_json()}
        self._quarantine.close(self._run, report)
        self._quarantine.note({"at": self._now(), **report, "tags": [], "manifests": []})

    # --- tags

    def tags(self, scan: RepositoryScan, names: Mapping[str, str]) -> None:
        """Remove tags.

        Args:
            scan: of their repository.
            names: the tags, each with the digest that it must name.
        """
        for link in scan.tags:
            if link.name in names:
                self._tag(scan, link, names[link.name])

    def _tag(self, scan: RepositoryScan, link: Link, digest: str) -> None:
        path = self._relative(tag_folder(link))
        if self._objects is not None and not self._objects.is_settled(link, digest, self._now()):
            self.removed.kept.append(f"{scan.name}:{link.name} was pushed meanwhile")
            return
        if not self._quarantine.take(self._run, path):
            return
        self.removed.tags.append((scan.name, link.name))
        if not self._still(link, digest):
            self._back(scan, link, path)
        else:
            self._moved.append((scan, link, digest))

    def _now(self) -> int:
        """The storage's time, without a request for each tag."""
        at, since = self._began
        return at + int((time.monotonic() - since) * 10**9)

    def _still(self, link: Link, digest: str) -> bool:
        """Whether what was moved is what was looked at: written since then, it is a client's newest push."""
        if self._objects is not None:
            return not self._objects.mend(link)
        moved = f"{self._run.where}/{self._relative(link.path)}"
        try:
            info = os.stat(moved)  # noqa: PTH116 - as in the reader
            same = (info.st_ino, info.st_size, info.st_mtime_ns) == link.identity[:3]
            return same and link_digest(self.storage, replace(link, path=moved)) == digest
        except OSError:
            return not link.identity  # it had none before either

    def _back(self, scan: RepositoryScan, link: Link, path: str) -> None:
        self._quarantine.bring_back(self._run, path)
        self.removed.tags.remove((scan.name, link.name))
        self.removed.kept.append(f"{scan.name}:{link.name} was pushed meanwhile")

    def _settle(self) -> None:
        if self._moved:
            time.sleep(SETTLE)
        for scan, link, digest in self._moved:
            path = self._relative(tag_folder(link))
            if self._run.holds(path) and not self._still(link, digest):
                self._back(scan, link, path)

    # --- manifests

    def tags_and_manifests(self, scan: RepositoryScan, names: Mapping[str, str]) -> None:
        """Remove tags, as `tags`, and the manifests to which only these led."""
        read = self._read(scan.name)
        below = led_to(read, names.values()) if read else set()
        self.tags(scan, names)
        self.unneeded(scan.name, below)

    def unneeded(self, name: str, digests: Collection[str]) -> None:
        """Remove those manifests to which nothing leads any more: no tag, no index or subject that stays.

        Args:
            name: of the repository.
            digests: what removed tags named, with all that these led to.
        """
        read = self._read(name)
        if read is None:
            return
        if read.whole:
            self.removed.kept += [f"{name}: its manifests, as {one}" for one in read.damages[:1]]
            return
        gone = [digest for digest in keep(read, untagged=True).untagged if digest in digests]
        self._take_manifests(read, gone)

    def manifest(self, name: str, digest: str) -> None:
        """Remove one manifest, unless a push meanwhile leads to it; that it is about another does not keep it."""
        read = self._read(name)
        if read is not None and digest in read.revisions:
            self._deleted.setdefault(name, set()).add(digest)
            self._take_manifests(read, [digest])

    def _take_manifests(self, read: Repository, digests: Iterable[str]) -> None:
        moved = [
            digest
            for digest in digests
            if self._quarantine.take(self._run, revision_folder(read.name, digest))
        ]
        self._note_manifests(read.name, [read.revisions[digest] for digest in moved])
        self._forgotten(read.name, moved)
        self._look_again(read.name)

    def _note_manifests(self, name: str, moved: Iterable[Link]) -> None:
        for link in moved:
            path = f"{self._run.where}/{revision_folder(name, link.name)}/link"
            self._away.setdefault(name, {})[link.name] = replace(link, path=path, target="")
            self.removed.manifests.append((name, link.name))

    def _last_looks(self) -> None:
        """Look again until whatever was under way is over, and the registry has forgotten what went."""
        names = [*dict.fromkeys((*self._away, *self._links))]
        for seconds in LOOKS if names else ():
            time.sleep(seconds)
            for name in names:
                self._look_again(name)

    def _look_again(self, name: str) -> None:
        """Bring back what is needed of a repository: what something leads to, or was pushed meanwhile."""
        scan = self.storage.repository(name)
        if scan is None:
            return
        away, links = self._away.get(name, {}), self._links.get(name, set())
        kept, _ = self._marker.keep(scan, away)
        back = links & kept.blobs
        for digest in back:
            bring_back(self._quarantine, [self._run], layer_folder(name, digest))
        links -= back
        if back:
            self.removed.kept.append(f"{name}: layers of an image that was pushed meanwhile")
        for digest in [one for one in away if one in kept.blobs]:
            bring_back(self._quarantine, [self._run], revision_folder(name, digest))
            del away[digest]
            self.removed.manifests.remove((name, digest))
            self.removed.kept.append(f"{name}@{digest} is needed again")

    def _forgotten(self, name: str, digests: Iterable[str]) -> None:
        links = {digest: [name] for digest in digests}
        if links:
            self._forget(links)
        for digest, names in links.items():
            self.removed.links.setdefault(digest, []).extend(names)

    def _read(self, name: str) -> Repository | None:
        scan = self.storage.repository(name)
        return Reader(self.storage, self._manifests).read(scan) if scan else None

    # --- repositories

    def repository(self, scan: RepositoryScan) -> None:
        """Remove a repository: its tags and manifests first, then its links to layers. Others share these blobs."""
        folder = repository_folder(scan.name)
        if self.storage.cheap:
            self._stay_known(self.storage.path(folder))
        taken = [self._quarantine.take(self._run, f"{folder}/{part}") for part in (MANIFESTS, LAYERS)]
        if any(taken):
            self.removed.repositories.append(scan.name)
            self.removed.tags += [(scan.name, link.name) for link in scan.tags]
            revisions = manifests_away([self._run]).get(scan.name, {})
            layers = {digest for name, digest in self._run.links() if name == scan.name}
            self._note_manifests(scan.name, revisions.values())
            self._deleted[scan.name], self._links[scan.name] = {*revisions}, layers
            self._forgotten(scan.name, [*revisions, *layers])

    @staticmethod
    def _stay_known(folder: str) -> None:
        """An empty storage looks like a disk that is not mounted: until a collection, the name stays."""
        uploads, above = Path(folder, UPLOADS), os.stat(folder)  # noqa: PTH116 - as in the reader
        try:
            with suppress(FileExistsError):
                uploads.mkdir(mode=above.st_mode & 0o7777)
                if os.geteuid() == 0:
                    os.chown(uploads, above.st_uid, above.st_gid)
        except OSError as error:
            raise RunFailed(f"{uploads} cannot be made: {error.strerror}") from error

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self.storage.root}/")


def led_to(read: Repository, digests: Iterable[str]) -> set[str]:
    """The manifests to which some lead: themselves, what indexes list, what is about any of these."""
    referrers = read.manifests.keys() & read.revisions.keys()
    return reached(read.manifests, digests, referrers) & read.revisions.keys()


def parents(read: Repository, digest: str) -> list[str]:
    """The indexes of a repository that list a manifest."""
    return [name for name, one in read.manifests.items() if digest in one.children and name in read.revisions]
