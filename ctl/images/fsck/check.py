"""Reads links and manifests, and compares them with what the storage holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ctl.collector.layout import (
    LAYERS,
    REPOSITORIES,
    blob_folder,
    is_digest,
    layer_folder,
    revision_folder,
)
from ctl.collector.manifest import LARGEST, Manifest, parse, verify
from ctl.images.fsck.fault import Fault, Folder, FolderQuarantined, Kind, Quarantined, Step, Written
from ctl.images.fsck.survey import Files, Survey, survey
from ctl.storage.store import Object, StorageError, Store

READERS = 16
"""Requests at a time."""
_INTO_QUARANTINE = "--repair moves it into quarantine"
_REWRITE = "--repair writes it anew: the digest is the name of its folder"
_PUSH = "push the image again"
Advance = Callable[[], None]


@dataclass
class Checker:
    """Looks for damage.

    Args:
        store: the storage.
        found: what it holds.
        advance: called for each thing that was read.
        checksums: whether to read all blobs, too, and compare them with their names.
    """

    store: Store
    found: Survey
    advance: Advance
    checksums: bool = False
    _manifests: dict[str, Manifest | str] = field(default_factory=dict)
    _foreign: set[str] = field(default_factory=set)

    def faults(self) -> Iterator[Fault]:
        """All damage."""
        with ThreadPoolExecutor(READERS) as self._pool:
            yield from self._faults()

    def _faults(self) -> Iterator[Fault]:
        yield from (self._folder(*one) for one in self.found.folders)
        yield from (self._stray(*one) for one in self.found.strays)
        for files in self.found.repositories.values():
            yield from self._repository(files)
        if self.checksums:
            yield from self._sums()

    # --- names

    def _folder(self, one: Object, repository: str) -> Fault:
        return Fault(
            Kind.NAMELESS_TAG,
            one.key,
            repository,
            "an empty object in the place of a folder, as AWS DataSync makes them",
            "the registry may list it as a tag without a name",
            _INTO_QUARANTINE,
            (Quarantined(one.key),),
        )

    def _stray(self, one: Object, repository: str) -> Fault:
        effect = "the registry's own collection stops at it"
        if not one.key.startswith(f"{REPOSITORIES}/"):
            return Fault(Kind.STRAY, one.key, "", "no registry writes such a name", effect, _INTO_QUARANTINE,
                         (Quarantined(one.key),))  # fmt: skip
        effect = "the registry may stop at it, or list it as a tag"
        what, steps = "no registry writes such a name", (Quarantined(one.key),)
        return Fault(Kind.STRAY, one.key, repository, what, effect, _INTO_QUARANTINE, steps)

    # --- repositories

    def _repository(self, files: Files) -> Iterator[Fault]:
        contents = self._contents([*files.revisions.values(), *files.layers.values(), *_present(files)])
        list(self._pool.map(self._manifest, files.revisions))  # many at a time
        if not files.has_layers and (files.revisions or files.tags):
            yield self._without_layers(files)
        for digest, link in files.revisions.items():
            yield from self._revision(files, digest, contents[link.key])
        needed = self._needed(files)
        for digest, link in files.layers.items():
            yield from self._layer(files, digest, contents[link.key])
        for digest, (manifest, size) in needed.items():
            yield from self._reference(files, digest, manifest, size)
        for tag in files.tags:
            yield from self._tag(files, tag, contents)

    def _contents(self, objects: Iterable[Object]) -> dict[str, bytes | StorageError]:
        """The content of links, many at a time."""

        def read(one: Object) -> tuple[str, bytes | StorageError]:
            self.advance()
            try:
                return one.key, self.store.read(one.key) if 0 < one.size < LARGEST else b""
            except StorageError as error:
                return one.key, error

        return dict(self._pool.map(read, objects))

    def _without_layers(self, files: Files) -> Fault:
        key = f"{REPOSITORIES}/{files.name}/{LAYERS}"
        effect = "the registry's own collection does not see the repository, and deletes its images"
        return Fault(
            Kind.LAYERS, key, files.name, "the folder is missing", effect, "--repair makes it", (Folder(key),)
        )

    def _revision(self, files: Files, digest: str, content: bytes | StorageError) -> Iterator[Fault]:
        link = files.revisions[digest]
        manifest = self._manifest(digest)
        if isinstance(content, StorageError):
            yield _unreadable(content, files.name)
        elif isinstance(manifest, str):
            yield self._broken_manifest(files, digest, manifest)
        elif content != digest.encode():
            effect = "its image cannot be pulled by digest, and the registry's own collection stops"
            steps: tuple[Step, ...] = (Quarantined(link.key), Written(link.key, digest.encode()))
            yield Fault(
                Kind.REVISION, link.key, files.name, _wrong(content), effect, _REWRITE, steps, _seen(link)
            )

    def _broken_manifest(self, files: Files, digest: str, why: str) -> Fault:
        folder = f"{revision_folder(files.name, digest)}/"
        steps: list[Step] = [FolderQuarantined(folder)]
        if digest in self.found.blobs:  # a registry does not write content that it takes to be there
            steps.append(FolderQuarantined(f"{blob_folder(digest)}/"))
        return Fault(
            Kind.MANIFEST,
            f"{blob_folder(digest)}/data",
            files.name,
            f"manifest {digest} {why}",
            "its image cannot be pulled, and the registry's own collection stops",
            f"{_INTO_QUARANTINE}, with its link; then {_PUSH}",
            tuple(steps),
            (
                *_seen(files.revisions[digest]),
                _at(f"{blob_folder(digest)}/data", self.found.blobs.get(digest)),
            ),
        )

    def _layer(self, files: Files, digest: str, content: bytes | StorageError) -> Iterator[Fault]:
        link = files.layers[digest]
        if isinstance(content, StorageError):
            yield _unreadable(content, files.name)
        elif content != digest.encode():
            effect = "images of the repository that have this layer cannot be pulled, nor pushed again"
            steps: tuple[Step, ...] = (Quarantined(link.key), Written(link.key, digest.encode()))
            yield Fault(
                Kind.LAYER_LINK, link.key, files.name, _wrong(content), effect, _REWRITE, steps, _seen(link)
            )

    def _needed(self, files: Files) -> dict[str, tuple[Manifest, int | None]]:
        """What whole manifests of the repository refer to, with one of these and the size that it gives."""
        found: dict[str, tuple[Manifest, int | None]] = {}
        pending = [*files.revisions]
        seen = set(pending)
        while pending:
            manifest = self._manifest(pending.pop())
            if isinstance(manifest, str):
                continue
            for digest in manifest.references:
                found.setdefault(digest, (manifest, manifest.sizes.get(digest)))
            pending += [child for child in manifest.children if child not in seen]
            seen.update(manifest.children)
        return found

    def _reference(self, files: Files, digest: str, manifest: Manifest, size: int | None) -> Iterator[Fault]:
        if not is_digest(digest):
            return
        blob, child = self.found.blobs.get(digest), digest in manifest.children
        where = f"{blob_folder(digest)}/data"
        effect = f"what needs it cannot be pulled: manifest {manifest.digest}"
        if blob is None:
            if digest not in self._foreign:
                yield Fault(Kind.MISSING_BLOB, where, files.name, "it is missing", effect, _PUSH)
        elif size is not None and blob.size != size:
            what = f"it has {blob.size:,} bytes, not {size:,}"
            remedy = f"{_INTO_QUARANTINE}; then {_PUSH}"
            steps = (FolderQuarantined(f"{blob_folder(digest)}/"),)
            yield Fault(Kind.BLOB, where, files.name, what, effect, remedy, steps, _seen(blob))
        elif digest not in (files.revisions if child else files.layers):
            kind = Kind.CHILD_LINK if child else Kind.LAYER_LINK
            folder = (revision_folder if child else layer_folder)(files.name, digest)
            key = f"{folder}/link"
            written = (Written(key, digest.encode()),)
            if not child or not isinstance(self._manifest(digest), str):
                yield Fault(
                    kind, key, files.name, "it is missing", effect, "--repair writes it", written, (_at(key),)
                )

    def _tag(self, files: Files, tag: str, contents: dict[str, bytes | StorageError]) -> Iterator[Fault]:
        link = files.tags[tag]
        folder = f"{REPOSITORIES}/{files.name}/_manifests/tags/{tag}/"
        content, current = contents[link.key] if link else b"", f"{folder}current/link"
        if isinstance(content, StorageError):
            yield _unreadable(content, files.name)
            return
        digest = content.decode("ascii", "replace")
        if is_digest(digest):
            yield from self._target(files, tag, digest)
            return
        what = f"tag {tag} has no link" if link is None else _wrong(content)
        effect = "the tag is listed, and cannot be pulled"
        former = [one for one in files.former.get(tag, {}) if one in files.revisions]
        if len(files.former.get(tag, {})) == 1 and former and not isinstance(self._manifest(former[0]), str):
            steps = (
                *((Quarantined(link.key),) if link else ()),
                Written(current, former[0].encode()),
            )
            remedy = f"--repair writes {former[0]}, the only one that it ever had"
            yield Fault(Kind.TAG, current, files.name, what, effect, remedy, steps, (_at(current, link),))
            return
        known = f" (it had {', '.join(sorted(files.former.get(tag, {})))})" if files.former.get(tag) else ""
        remedy = f"{_INTO_QUARANTINE}{known}; or push the tag again"
        moved = (FolderQuarantined(folder),)
        yield Fault(Kind.TAG, current, files.name, what, effect, remedy, moved, (_at(current, link),))

    def _target(self, files: Files, tag: str, digest: str) -> Iterator[Fault]:
        manifest = self._manifest(digest)
        whole = not isinstance(manifest, str)
        if digest in files.revisions and whole:
            return
        folder = f"{REPOSITORIES}/{files.name}/_manifests/tags/{tag}/"
        what = f"tag {tag} names {digest}, which {'the repository does not link to' if whole else manifest}"
        effect = "the tag is listed, and cannot be pulled"
        key = f"{revision_folder(files.name, digest)}/link"
        remedy = f"--repair writes {key}" if whole else f"{_INTO_QUARANTINE}; or {_PUSH}"
        step: Step = Written(key, digest.encode()) if whole else FolderQuarantined(folder)
        current = f"{folder}current/link"
        seen = (_at(current, files.tags[tag]), *((_at(key),) if whole else ()))
        yield Fault(Kind.TARGET, current, files.name, what, effect, remedy, (step,), seen)

    # --- blobs

    def _manifest(self, digest: str) -> Manifest | str:
        """A manifest, or what is wrong with it."""
        if digest not in self._manifests:
            self._manifests[digest] = self._read(digest)
        return self._manifests[digest]

    def _read(self, digest: str) -> Manifest | str:
        blob = self.found.blobs.get(digest)
        if blob is None:
            return "is missing"
        if blob.size > LARGEST or not blob.size:
            return "is empty" if not blob.size else "is too large for a manifest"
        self.advance()
        try:
            content = self.store.read(blob.key)
            verify(digest, content)
            found = parse(digest, content)
        except StorageError as error:
            return f"cannot be read ({error.reason})"
        except ValueError as error:
            return f"is damaged ({error})"
        self._foreign.update(_foreign(content))
        return found

    def _sums(self) -> Iterator[Fault]:
        """Blobs whose content is not what their name says. Reads everything."""
        for digest, found in self._pool.map(self._sum, self.found.blobs):
            self.advance()
            if found != digest:
                key, what = self.found.blobs[digest].key, f"its content has the digest {found}"
                effect, remedy = "pulls that need it fail", f"{_INTO_QUARANTINE}; then {_PUSH}"
                steps = (FolderQuarantined(f"{blob_folder(digest)}/"),)
                yield Fault(Kind.BLOB, key, "", what, effect, remedy, steps, _seen(self.found.blobs[digest]))

    def _sum(self, digest: str) -> tuple[str, str]:
        algorithm = digest.partition(":")[0]
        made = hashlib.new(algorithm)
        try:
            with self.store.reading(self.found.blobs[digest].key) as parts:
                for part in parts:
                    made.update(part)
        except StorageError as error:
            return digest, f"unknown: {error.reason}"
        return digest, f"{algorithm}:{made.hexdigest()}"


def _foreign(manifest: bytes) -> Iterator[str]:
    """Layers that clients get elsewhere (OCI image specification, `urls` of a descriptor)."""
    layers = json.loads(manifest).get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("urls"):
            yield str(layer.get("digest"))


def _seen(one: Object) -> tuple[tuple[str, str], ...]:
    return (_at(one.key, one),)


def _at(key: str, one: Object | None = None) -> tuple[str, str]:
    """What is at a key."""
    return key, one.identity if one is not None else ""


def _present(files: Files) -> Iterator[Object]:
    return (link for link in files.tags.values() if link is not None)


def _wrong(content: bytes) -> str:
    return "it holds no digest, or another than its folder's" if content else "it is empty"


def _unreadable(error: StorageError, repository: str) -> Fault:
    effect, remedy = "nobody knows what it refers to", "give the registry's account the right to read it"
    return Fault(Kind.UNREADABLE, error.key, repository, error.reason, effect, remedy)


def check(store: Store, advance: Advance, *, checksums: bool = False) -> list[Fault]:
    """All damage of a storage. What was found is looked for once more: a registry may have been writing it.

    Args:
        store: the storage.
        advance: called for each object and each that is read.
        checksums: whether to read all blobs, too, and compare them with their names.
    """
    first = list(Checker(store, survey(store, advance), advance, checksums).faults())
    if not first:
        return []
    again = Checker(store, survey(store, advance), advance).faults()
    still = {(one.kind, one.key) for one in again}
    return [one for one in first if (one.kind, one.key) in still or (checksums and one.kind is Kind.BLOB)]
