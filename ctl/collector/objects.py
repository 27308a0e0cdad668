"""A storage of objects (S3, Google Cloud Storage, Azure): a listing says nearly everything; a request is for content.

These list in the order of keys, each state as it is at that moment (S3 since 2020). All keys of one repository follow
each other, as `_` is in no other part of a name's beginning: so one repository, or one shard of blobs, is in memory.
"""

from __future__ import annotations

import errno
import hashlib
import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ctl.collector.damage import Damage, Kind, no_repository
from ctl.collector.filesystem import Blob, Link, RepositoryScan
from ctl.collector.layout import (
    BLOBS,
    CURRENT,
    DATABASE_LOCK,
    HEX_LENGTH,
    LAYERS,
    MANIFESTS,
    QUARANTINE,
    REPOSITORIES,
    UPLOADS,
    V2,
    is_digest,
)
from ctl.storage.store import DENIED, Missing, Object, StorageError, Store

_LOOKED = 900
"""Objects in quarantine that one page of a listing names beside others."""


@dataclass(slots=True)
class ObjectScan(RepositoryScan):
    """One repository, by one listing.

    Args:
        links: folders of its layer links, each with the time of its last write.
        uploading: folders of uploads, likewise.
        former: digests that each tag ever had.
    """

    links: dict[str, int] = field(default_factory=dict)
    uploading: dict[str, int] = field(default_factory=dict)
    former: dict[str, list[str]] = field(default_factory=dict)


class Objects:
    """A bucket or container.

    Args:
        store: its client.

    Attributes:
        watch: called with each repository whenever all are listed.
        looked: what the last look at quarantine and lock files has found, and when.
        kept: the versions of what is in quarantine without a copy; it can be read still.
    """

    cheap = False

    def __init__(self, store: Store) -> None:
        self.store = store
        self.root = store.name
        self._shard: list[Object] = []
        self.watch: Callable[[ObjectScan], None] | None = None
        self.looked: tuple[float, Sequence[Object]] = (-math.inf, [])
        self.kept: dict[str, str] = {}

    @staticmethod
    def path(relative: str) -> str:
        """The key of something: that is its path."""
        return relative

    # --- repositories

    def repositories(self) -> Iterator[RepositoryScan]:
        """Every repository. No repository at all is a damage that blocks: a wrong prefix looks the same."""
        known: set[str] = set()
        for name, group in groupby(self.store.list(f"{REPOSITORIES}/"), _repository):
            if not name:
                continue
            if name in known:
                raise StorageError(self.root, "list", name, "it lists keys in no order")
            known.add(name)
            scan = self._scan(name, group)
            if self.watch is not None:
                self.watch(scan)
            yield scan
        if not known:
            lost = no_repository(REPOSITORIES, "rootdirectory may be wrong")
            yield RepositoryScan("", REPOSITORIES, damages=[lost])

    def repository(self, name: str) -> RepositoryScan | None:
        """One repository by its name; None where it is gone."""
        found = list(self.store.list(f"{REPOSITORIES}/{name}/_"))
        return self._scan(name, found) if found else None

    def _scan(self, name: str, group: Iterable[Object]) -> ObjectScan:
        path = f"{REPOSITORIES}/{name}"
        found = ObjectScan(name, path)
        tags: dict[str, Object | None] = {}
        for one in group:
            parts = one.key[len(path) + 1 :].split("/")
            if parts[0] == LAYERS:
                found.has_layers = True
                self._layer(found, one, parts)
            elif parts[0] == UPLOADS and len(parts) > 2:
                folder = f"{path}/{UPLOADS}/{parts[1]}"
                found.uploading[folder] = max(one.mtime, found.uploading.get(folder, 0))
            elif parts[:2] == [MANIFESTS, "revisions"]:
                _revision(found, one, parts)
            elif parts[:2] == [MANIFESTS, "tags"] and len(parts) > 2 and parts[2]:
                self._tag(found, tags, one, parts)
        for tag, current in tags.items():
            found.tags.append(_tag_link(found, tag, current))
        return found

    @staticmethod
    def _layer(found: ObjectScan, one: Object, parts: list[str]) -> None:
        if len(parts) == 4 and parts[3] == "link" and is_digest(":".join(parts[1:3])):
            found.links[one.key.removesuffix("/link")] = one.mtime
        elif len(parts) > 2 and parts[-1]:
            found.damages.append(_stray(one.key, found.name))

    @staticmethod
    def _tag(found: ObjectScan, tags: dict[str, Object | None], one: Object, parts: list[str]) -> None:
        tag, inner = parts[2], parts[3:]
        if tag.startswith(".") or not inner:
            found.damages.append(_stray(one.key, found.name))
        elif "/".join(inner) == CURRENT:
            tags[tag] = one
        else:
            tags.setdefault(tag, None)
            if len(inner) == 4 and inner[3] == "link":
                found.former.setdefault(tag, []).append(":".join(inner[1:3]))

    def layers(self, scan: RepositoryScan, damages: list[Damage]) -> Iterator[tuple[str, str]]:
        """The digests that a repository links to, each with the folder of its link."""
        for folder in scan.links if isinstance(scan, ObjectScan) else ():
            yield ":".join(folder.split("/")[-2:]), folder

    def former(self, tag: Link, name: str, damages: list[Damage]) -> list[str]:
        """The digests that a tag ever had."""
        prefix = f"{tag.path.removesuffix(CURRENT)}index/"
        return [":".join(one.key.split("/")[-3:-1]) for one in self.store.list(prefix)]

    def uploads(self, scan: RepositoryScan) -> Iterator[tuple[str, int]]:
        """The folders of uploads in a repository, each with the time of its last change in nanoseconds."""
        yield from scan.uploading.items() if isinstance(scan, ObjectScan) else ()

    # --- blobs

    def shards(self, damages: list[Damage]) -> Iterator[tuple[str, str, str]]:
        """The shards of blobs, by one listing of all. What is no blob is a damage."""
        for shard, group in groupby(self.store.list(f"{BLOBS}/"), _shard):
            if not shard:
                damages.extend(_stray(one.key) for one in group if not one.key.endswith("/"))
                continue
            self._shard = list(group)
            algorithm, _, name = shard.partition("/")
            yield algorithm, name, f"{BLOBS}/{shard}"

    def blobs(self, algorithm: str, shard: str, path: str, damages: list[Damage]) -> Iterator[Blob]:
        """The blobs of the shard that was named last."""
        for one in self._shard:
            name, _, rest = one.key[len(path) + 1 :].partition("/")
            digest = f"{algorithm}:{name}"
            if rest == "data" and is_digest(digest) and name[:2] == shard:
                yield Blob(digest, f"{path}/{name}", (one.size, one.mtime))
            elif rest and not one.key.endswith("/"):
                damages.append(_stray(one.key))

    @staticmethod
    def state(blob: Blob) -> tuple[int, int] | None:
        """Bytes of a blob, and the time since when it is there: as it was listed."""
        return blob.listed

    # --- content

    def read_link(self, link: Link, limit: int) -> bytes:
        """What a link holds: known by the sum of its content, or read."""
        return link.target.encode() if link.target else self.read_file(link.path, limit)

    def read_file(self, path: str, limit: int) -> bytes:
        """The content of an object.

        Raises:
            OSError: it is missing, may not be read, or is larger than the limit.
            StorageError: the storage does not answer.
        """
        try:
            return self._read(path, limit)
        except StorageError as error:
            raise _as_os_error(error, path) from error

    def _read(self, path: str, limit: int) -> bytes:
        content = bytearray()
        try:
            with self.store.reading(path) as parts:
                for part in parts:
                    content += part
                    if len(content) > limit:
                        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", path)
        except Missing:
            if path not in self.kept:
                raise
            return self.store.read(path, self.kept[path])
        return bytes(content)

    def size(self, path: str) -> int:
        """Bytes of an object.

        Raises:
            OSError: it is missing, or may not be looked at.
            StorageError: the storage does not answer.
        """
        try:
            found = self.store.find(path)
        except StorageError as error:
            raise _as_os_error(error, path) from error
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "it is missing", path)
        return found.size

    def bytes_below(self, folder: str) -> int:
        """Bytes of all objects below a prefix."""
        return sum(one.size for one in self.store.list(f"{folder}/"))

    def has(self, path: str) -> bool:
        """Whether an object is there."""
        if path == DATABASE_LOCK and self._look() is not None:
            return any(one.key == path for one in self.looked[1])
        return self.store.find(path) is not None

    def _look(self) -> Sequence[Object] | None:
        """What is in quarantine, and the lock files after it: their keys follow each other, so one listing does."""
        began = time.monotonic()
        found = self.store.between(f"{QUARANTINE}/", f"{V2}/", _LOOKED)
        if found is not None:
            self.looked = (began, found)
        return found

    @staticmethod
    def linked(scan: RepositoryScan, folder: str) -> int:
        """When a layer link was last written, as it was listed."""
        return scan.links.get(folder, 0) if isinstance(scan, ObjectScan) else 0


def _repository(one: Object) -> str:
    """The repository of a key; "" where it belongs to none."""
    inner, underscore, _ = one.key[len(REPOSITORIES) + 1 :].partition("/_")
    return inner if underscore else ""


def _shard(one: Object) -> str:
    """As sha256/ab; "" of what can be no blob."""
    parts = one.key[len(BLOBS) + 1 :].split("/")
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] in HEX_LENGTH and len(parts[1]) == 2 else ""


def _revision(found: ObjectScan, one: Object, parts: list[str]) -> None:
    digest = ":".join(parts[2:4])
    if len(parts) == 5 and parts[4] == "link" and is_digest(digest):
        found.revisions.append(_link(one, digest, [digest]))
        return
    if parts[-1]:
        found.damages.append(_stray(one.key, found.name))
        if parts[-1] == "link":  # what it names is kept
            found.revisions.append(_link(one, "", []))


def _tag_link(found: ObjectScan, tag: str, current: Object | None) -> Link:
    if current is None:
        return Link(f"{found.path}/{MANIFESTS}/tags/{tag}/{CURRENT}", tag, 0, ())
    return _link(current, tag, found.former.get(tag, []))


def _link(one: Object, name: str, candidates: list[str]) -> Link:
    """A link, with what it holds where its sum is that of a digest that it may hold."""
    sums = {hashlib.md5(digest.encode(), usedforsecurity=False).hexdigest(): digest for digest in candidates}
    identity = (0, one.size, one.mtime, zlib.crc32(one.identity.encode()))
    return Link(one.key, name, one.mtime, identity, sums.get(one.md5, ""))


def _stray(key: str, repository: str = "") -> Damage:
    what, remedy = "no registry writes such a name", "move it out of the storage"
    return Damage(Kind.STRAY, key, repository, what, remedy)


def _as_os_error(error: StorageError, path: str) -> Exception:
    """What a reader of files expects; whatever else went wrong ends the run."""
    if isinstance(error, Missing):
        return FileNotFoundError(errno.ENOENT, error.reason, path)
    return PermissionError(errno.EACCES, error.reason, path) if error.code in DENIED else error
