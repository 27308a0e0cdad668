"""A storage on a file system (Distribution's driver `filesystem`): what its folders name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import marshal
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ctl.collector.damage import Damage, Kind, no_repository, unreadable
from ctl.collector.files import read_file as read_file
from ctl.collector.files import read_small
from ctl.collector.layout import (
    BLOBS,
    CURRENT,
    HEX_LENGTH,
    LAYERS,
    MANIFESTS,
    REPOSITORIES,
    REVISIONS,
    TAGS,
    UPLOADS,
    is_digest,
)
from ctl.collector.times import blob_state, newest, touched

DEEPEST = 100
"""Folders below each other in a repository's name; its longest name has 255 characters."""
_BY_VALUE = 2
"""Version of marshal's format that writes the same values the same way; texts aside, so these are made bytes."""
_GONE = (errno.ENOENT, errno.ENOTDIR)


@dataclass(slots=True)
class Link:
    """A file that names a digest.

    Args:
        path: of the file.
        name: the digest that its folder is named after ("" where that is none), or the tag.
        mtime: nanoseconds.
        identity: (inode, size, mtime, ctime): another one, another content.
        target: the digest in it, where that is known without reading it; else "".
    """

    path: str
    name: str
    mtime: int
    identity: tuple[int, ...]
    target: str = ""


@dataclass(slots=True)
class RepositoryScan:
    """What the folders of one repository name; no file was opened.

    Args:
        name: of the repository.
        path: of its folder.
        has_layers: whether it has `_layers`, without which the programs' own collectors do not see it.
        revisions: links of its manifests.
        tags: links of its tags; those that are missing have no identity.
        damages: what could not be read, or is not as a registry writes it.
    """

    name: str
    path: str
    has_layers: bool = False
    revisions: list[Link] = field(default_factory=list)
    tags: list[Link] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)

    @property
    def fingerprint(self) -> bytes:
        """Another one where a manifest or tag was added, written again or removed; the same in each process."""
        links = [(one.name, one.identity) for group in (self.revisions, self.tags) for one in group]
        return fingerprint_of(links, has_layers=self.has_layers)


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that is there.

    Args:
        digest: its name.
        path: of its folder.
        listed: bytes and the time since when it is there, where the listing says that.
    """

    digest: str
    path: str
    listed: tuple[int, int] | None = None


def fingerprint_of(links: list[tuple[str, tuple[int, ...]]], *, has_layers: bool) -> bytes:
    """The fingerprint of a repository, by the names and identities of its links."""
    links.sort()
    names = "/".join([name for name, _ in links]).encode("utf-8", "surrogateescape")
    facts = marshal.dumps((has_layers, names, [identity for _, identity in links]), _BY_VALUE)
    return hashlib.blake2b(facts, digest_size=16).digest()


class Filesystem:
    """A storage below a folder.

    Args:
        root: `rootdirectory` of the driver.
    """

    cheap = True

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, relative: str) -> str:
        """The whole path of something in the storage."""
        return f"{self.root}/{relative}"

    # --- repositories

    def repositories(self) -> Iterator[RepositoryScan]:
        """See Tree.

        A folder that cannot be read is a repository with nothing but a damage that blocks; so is the folder of all
        repositories where there is none, as on a disk that is not mounted.
        """
        return map(self.scanned, self.found())

    def found(self) -> Iterator[RepositoryScan]:
        """Each of `repositories`, before it was looked at: without links."""
        top, none = self.path(REPOSITORIES), True
        for found in self._below(top, ""):
            none = False
            yield found
        if none:
            yield _damaged("", top, no_repository(top, "a disk may not be mounted"))

    def _below(self, path: str, name: str) -> Iterator[RepositoryScan]:
        try:
            entries = _entries(path)
        except OSError as error:
            if not is_gone(error, path):
                yield _damaged(name, path, unreadable(path, name, error))
            return
        own = {entry.name for entry in entries if entry.name in (MANIFESTS, LAYERS, UPLOADS)}
        if own:
            yield RepositoryScan(name, path, LAYERS in own)
        for entry in entries:
            if entry.name not in own:
                yield from self._child(entry, name)

    def _child(self, entry: os.DirEntry[str], name: str) -> Iterator[RepositoryScan]:
        inner = f"{name}/{entry.name}" if name else entry.name
        try:
            is_folder = entry.is_dir()
            if is_folder and (inner.count("/") > DEEPEST or (entry.is_symlink() and self._leads_back(entry))):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), entry.path)
        except OSError as error:
            yield _damaged(inner, entry.path, unreadable(entry.path, inner, error))
            return
        if is_folder:
            yield from self._below(entry.path, inner)
        elif _is_dangling(entry):
            yield _damaged(inner, entry.path, _dangling(entry.path, inner))

    def _leads_back(self, entry: os.DirEntry[str]) -> bool:
        """Whether a symbolic link leads to a folder that it is in."""
        target, above = os.stat(entry.path), entry.path  # noqa: PTH116 - as above
        while above != self.path(REPOSITORIES):
            above = above.rpartition("/")[0]
            if os.path.samestat(target, os.stat(above)):  # noqa: PTH116 - as above
                return True
        return False

    def scanned(self, found: RepositoryScan) -> RepositoryScan:
        """A repository with its links, unless it cannot be read."""
        if found.damages:
            return found
        self._look_at_revisions(found)
        self._look_at_tags(found)
        if found.damages or not (found.revisions or found.tags):
            above: list[Damage] = []
            self._listed(f"{found.path}/{MANIFESTS}", found.name, above)
            found.damages = above or found.damages
        return found

    def _look_at_revisions(self, found: RepositoryScan) -> None:
        unknown: list[str] = []
        revisions = self._digests(f"{found.path}/{REVISIONS}", found.name, found.damages, unknown)
        found.revisions += _links(found, ((f"{folder}/link", digest) for digest, folder in revisions))
        found.revisions += _links(found, ((f"{folder}/link", "") for folder in unknown))

    def _look_at_tags(self, found: RepositoryScan) -> None:
        folder = f"{found.path}/{TAGS}"
        paths = ((f"{folder}/{name}/{CURRENT}", name) for name in self._tag_names(folder, found))
        found.tags += _links(found, paths, missing=True)

    def _tag_names(self, folder: str, scan: RepositoryScan) -> Iterator[str]:
        for entry in self._listed(folder, scan.name, scan.damages):
            if entry.name[0] == "." or entry.is_file(
                follow_symlinks=False
            ):  # no tag begins so, or is one file
                scan.damages.append(_stray(entry.path, scan.name))
            else:
                yield entry.name

    def _digests(
        self, path: str, name: str, damages: list[Damage], unknown: list[str] | None = None
    ) -> Iterator[tuple[str, str]]:
        """The digests that the folders ALGORITHM/HEX are named after, each with its folder.

        Folders whose name is no digest are added to `unknown`.
        """
        for algorithm in self._listed(path, name, damages):
            if algorithm.name not in HEX_LENGTH and not _is_folder(algorithm):
                damages.append(_stray(algorithm.path, name))
                continue
            for entry in self._listed(algorithm.path, name, damages):
                digest = f"{algorithm.name}:{entry.name}"
                if is_digest(digest) and _is_folder(entry):
                    yield digest, entry.path
                elif _is_dangling(entry):
                    damages.append(_dangling(entry.path, name))
                else:
                    damages.append(_stray(entry.path, name))
                    if unknown is not None and _is_folder(entry):
                        unknown.append(entry.path)

    @staticmethod
    def _listed(path: str, name: str, damages: list[Damage]) -> list[os.DirEntry[str]]:
        try:
            return _entries(path)
        except OSError as error:
            if error.errno == errno.ENOTDIR:
                what = "it is a file, not a folder"
                damages.append(Damage(Kind.UNREADABLE, path, name, what, "move it away", blocks=True))
            elif not is_gone(error, path):
                damages.append(unreadable(path, name, error))
            return []

    def layers(self, scan: RepositoryScan, damages: list[Damage]) -> Iterator[tuple[str, str]]:
        """The digests that a repository links to, each with the folder of its link."""
        yield from self._digests(f"{scan.path}/{LAYERS}", scan.name, damages)

    def former(self, tag: Link, name: str, damages: list[Damage]) -> list[str]:
        """The digests that a tag ever had."""
        index = f"{tag.path.removesuffix(CURRENT)}index"
        return [digest for digest, _ in self._digests(index, name, damages)]

    # --- blobs

    def shards(self, damages: list[Damage]) -> Iterator[tuple[str, str, str]]:
        """The folders that blobs are in: algorithm, the first two characters, path."""
        for algorithm in self._listed(self.path(BLOBS), "", damages):
            known = algorithm.name in HEX_LENGTH
            if not known:
                damages.append(_stray(algorithm.path))
            for shard in self._listed(algorithm.path, "", damages) if known else ():
                if len(shard.name) == 2 and _is_folder(shard):
                    yield algorithm.name, shard.name, shard.path
                elif _is_dangling(shard):
                    what, remedy = "it is a symbolic link to what is not there", "is its disk mounted?"
                    damages.append(Damage(Kind.UNREADABLE, shard.path, "", what, remedy))
                else:
                    damages.append(_stray(shard.path))

    def blobs(self, algorithm: str, shard: str, path: str, damages: list[Damage]) -> Iterator[Blob]:
        """The folders of blobs in one of them."""
        for entry in self._listed(path, "", damages):
            digest = f"{algorithm}:{entry.name}"
            if is_digest(digest) and entry.name[:2] == shard and _is_folder(entry):
                yield Blob(digest, entry.path)
            else:
                damages.append(_stray(entry.path))

    def repository(self, name: str) -> RepositoryScan | None:
        """One repository by its name; None where it is gone."""
        path = self.path(f"{REPOSITORIES}/{name}")
        damages: list[Damage] = []
        entries = self._listed(path, name, damages)
        own = {entry.name for entry in entries if entry.name in (MANIFESTS, LAYERS, UPLOADS)}
        if damages:
            return RepositoryScan(name, path, damages=damages)
        return self.scanned(RepositoryScan(name, path, LAYERS in own)) if own else None

    def uploads(self, scan: RepositoryScan) -> Iterator[tuple[str, int]]:
        """The folders of uploads in a repository, each with the time of its last change in nanoseconds."""
        for entry in self._listed(f"{scan.path}/{UPLOADS}", scan.name, []):
            if _is_folder(entry):
                yield entry.path, newest(entry.path)

    @staticmethod
    def state(blob: Blob) -> tuple[int, int] | None:
        """See Tree."""
        return blob_state(blob.path)

    def read_link(self, link: Link, limit: int) -> bytes:
        """See Tree."""
        return link.target.encode() if link.target else read_small(link.path, limit)

    def read_file(self, path: str, limit: int) -> bytes:
        """See Tree."""
        return read_file(path, limit)

    def size(self, path: str) -> int:
        """See Tree."""
        return os.stat(path).st_size  # noqa: PTH116 - as above

    @staticmethod
    def bytes_below(folder: str) -> int:
        """See Tree."""
        found = 0
        for top, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):  # moved or deleted meanwhile
                    found += os.lstat(f"{top}/{name}").st_size
        return found

    def has(self, path: str) -> bool:
        """See Tree."""
        return os.path.exists(path)  # noqa: PTH110 - as above

    @staticmethod
    def linked(scan: RepositoryScan, folder: str) -> int:
        """See Tree."""
        return touched(f"{folder}/link")[0]


def _damaged(name: str, path: str, damage: Damage) -> RepositoryScan:
    return RepositoryScan(name, path, damages=[damage])


def _links(scan: RepositoryScan, paths: Iterable[tuple[str, str]], missing: bool = False) -> Iterator[Link]:
    """Links by their paths, each with its name. Where one is missing, a manifest was deleted, but a tag is damaged."""
    stat = os.stat  # of 100,000 links, what is done for each counts
    for path, name in paths:
        try:
            info = stat(path)
        except OSError as error:
            if not is_gone(error, path):
                scan.damages.append(unreadable(path, scan.name, error))
            elif missing:
                yield Link(path, name, 0, ())
            continue
        mtime = info.st_mtime_ns
        yield Link(path, name, mtime, (info.st_ino, info.st_size, mtime, info.st_ctime_ns))


def _stray(path: str, repository: str = "") -> Damage:
    what, remedy = "no registry writes such a name", "move it out of the storage"
    return Damage(Kind.STRAY, path, repository, what, remedy)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link to itself
        return False


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110 - as above


def _dangling(path: str, name: str) -> Damage:
    return unreadable(
        path, name, FileNotFoundError(errno.ENOENT, "it is a symbolic link to what is not there")
    )


def is_gone(error: OSError, path: str) -> bool:
    """Whether nothing is there: a symbolic link to a disk that is not mounted is something."""
    return error.errno in _GONE and not os.path.islink(path)  # noqa: PTH114 - as above


def _entries(path: str) -> list[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return list(entries)
