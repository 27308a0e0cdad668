"""Copies a storage on a file system while its registry serves, so that the copy is a whole storage at every push.

The copy has Distribution's own form: a registry can serve it as it is, and any program can send it elsewhere. The order
is that of references, against that of a push: tags, then manifests, then links, then the blobs that these name. What a
link names was there before it, and nothing is deleted meanwhile: the caller keeps collections away. Blobs never change,
so those of an earlier copy are linked, not copied.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.collector.layout import (
    CURRENT,
    DATABASE_LOCK,
    REPOSITORIES,
    TAGS,
    blob_folder,
    is_digest,
    layer_folder,
    revision_folder,
)
from ctl.collector.managed import refuse_managed
from ctl.errors import CtlError, LockHeld

_ATTEMPTS = 50
"""A link is written in place: for a moment it may be empty."""


@dataclass
class Copied:
    """What a copy has.

    Args:
        tags, manifests: how many.
        blobs: how many files, and of them those linked to an earlier copy.
        size: bytes of all blobs.
        kept_tags: those of the target that say something else, and stay.
        missing: blobs that a link names and that are not there: the storage itself lacks them.
    """

    tags: int = 0
    manifests: int = 0
    blobs: int = 0
    linked: int = 0
    size: int = 0
    kept_tags: int = 0
    missing: list[str] = field(default_factory=list)


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Keep collectors away from a storage; any number of copies may hold it at a time.

    Raises:
        LockHeld: a collection is under way.
        PreflightError: a metadata database manages it: a copy of the files would have no tags.
        CtlError: there is no such folder.
    """
    refuse_managed(str(root), os.path.lexists(root / DATABASE_LOCK))
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CtlError(f"{root}: cannot be read: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise LockHeld(
            f"a garbage collection or a migration of images works in {root}", hint="Wait for its end."
        ) from None
    finally:
        os.close(descriptor)


@contextmanager
def linked(storage: Path, name: str) -> Iterator[Path]:
    """A folder in a storage, for copies that take no room as blobs can be linked there; nothing of it stays."""
    folder = storage / name
    if folder.exists():
        shutil.rmtree(folder)  # of one that was killed
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)


def copy(
    source: Path,
    target: Path,
    earlier: Path | None = None,
    *,
    replace: bool = True,
    only: Container[str] | None = None,
) -> Copied:
    """Copy the images of a storage, blobs first: also a copy that was cut off has nothing that leads nowhere.

    Args:
        source, target: roots of storages; what is in the target already is kept. New files get its owner.
        earlier: a former copy on the file system of the target, whose blobs may be linked.
        replace: whether tags that are in the target and say something else are replaced.
        only: these repositories; None for all.

    Raises:
        CtlError: something cannot be read or written.
    """
    try:
        return _Copy(source, target, earlier, replace=replace).run(only)
    except OSError as error:
        # opening names its file; what fails later without a name is writing
        where = error.filename or target
        raise CtlError(f"{where}: the images cannot be copied: {error.strerror}") from error


class _Copy:
    def __init__(self, source: Path, target: Path, earlier: Path | None, *, replace: bool) -> None:
        self.source, self.target, self.earlier, self.replace = source, target, earlier, replace
        self.found = Copied()
        self.storage = Filesystem(str(source))
        self.links: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        facts = target.stat()
        self.owner = (facts.st_uid, facts.st_gid)

    def run(self, only: Container[str] | None) -> Copied:
        needed: set[str] = set()
        for scan in self.storage.repositories():
            if scan.name and (only is None or scan.name in only):
                needed |= self._repository(scan)
        for digest in sorted(needed):
            self._blob(digest)
        self._folder(self.target / REPOSITORIES)
        for path, digest in self.links.items():
            self._link(path, digest)
        for folder, digest in self.tags.items():
            self._tag(folder, digest)
        return self.found

    def _repository(self, scan: RepositoryScan) -> set[str]:
        """Returns the digests of the blobs that it needs."""
        top = f"{scan.path}/{TAGS}"
        tags = {name: self._digest(f"{top}/{name}/{CURRENT}") for name in _names(top)}
        revisions = self._closed(scan)
        layers = {digest for digest, _ in self.storage.layers(scan, [])}
        for digest in layers:
            self.links[self.storage.path(f"{layer_folder(scan.name, digest)}/link")] = digest
        for digest in revisions:
            self.links[self.storage.path(f"{revision_folder(scan.name, digest)}/link")] = digest
        # a tag without its manifest: that was deleted meanwhile, and the tag goes with it
        self.tags |= {f"{top}/{name}": current for name, current in tags.items() if current in revisions}
        self.found.manifests += len(revisions)
        return revisions | layers

    def _closed(self, scan: RepositoryScan) -> set[str]:
        """Its manifests, none without its children: what a listing that went on during a push saw only in part.

        A child is in the repository before the index is; so the second listing has the children of all in the first.
        """
        first = self._revisions(scan)
        second = self._revisions(scan)
        new = {digest: self._children(digest) for digest in second - first}
        while incomplete := {one for one, children in new.items() if not children <= second}:
            second -= incomplete
            new = {one: children for one, children in new.items() if one in second}
        return second

    def _revisions(self, scan: RepositoryScan) -> set[str]:
        found = self.storage.repository(scan.name)
        return {link.name for link in found.revisions if is_digest(link.name)} if found else set()

    def _children(self, digest: str) -> set[str]:
        try:
            content = json.loads((self.source / blob_folder(digest) / "data").read_bytes())
            return {one["digest"] for one in content.get("manifests", ())}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return set()  # damaged: it is copied as it is

    def _digest(self, path: str) -> str:
        """What a link says; "" where it is gone or stays damaged."""
        for _ in range(_ATTEMPTS):
            try:
                text = Path(path).read_text(encoding="ascii", errors="replace").strip()
            except FileNotFoundError:
                return ""
            if is_digest(text):
                return text
            time.sleep(0.01)
        return ""

    def _tag(self, folder: str, current: str) -> None:
        there = self._digest(str(self._place(f"{folder}/{CURRENT}")))
        if there not in ("", current) and not self.replace:
            self.found.kept_tags += 1
            return
        self._link(f"{folder}/index/{current.replace(':', '/', 1)}/link", current)
        self._link(f"{folder}/{CURRENT}", current)
        self.found.tags += 1

    def _place(self, path: str) -> Path:
        """The same place in the copy."""
        return self.target / Path(path).relative_to(self.source)

    def _link(self, path: str, digest: str) -> None:
        target = self._place(path)
        if target.exists() and target.read_text(encoding="ascii") == digest:
            return
        self._folder(target.parent)
        new = target.with_name(f".{target.name}.new")
        new.write_text(digest, encoding="ascii")
        os.chown(new, *self.owner)
        new.replace(target)

    def _blob(self, digest: str) -> None:
        relative = Path(blob_folder(digest)) / "data"
        source, target = self.source / relative, self.target / relative
        if not target.exists():
            self._folder(target.parent)
            try:
                if not self._linked(relative, target):
                    self._copy_file(source, target)
            except FileNotFoundError:
                self.found.missing.append(digest)
                return
        self.found.blobs += 1
        self.found.size += target.stat().st_size

    def _linked(self, relative: Path, target: Path) -> bool:
        if self.earlier is None:
            return False
        size = (self.source / relative).stat().st_size
        try:
            if (self.earlier / relative).stat().st_size != size:
                return False  # that one is damaged
            os.link(self.earlier / relative, target)
        except OSError:  # it is not there, or on another file system
            return False
        self.found.linked += 1
        return True

    def _copy_file(self, source: Path, target: Path) -> None:
        """As one: a copy that was cut off has no such file."""
        new = target.with_name(f".{target.name}.new")
        with source.open("rb") as given, new.open("wb") as file:
            os.fchown(file.fileno(), *self.owner)
            shutil.copyfileobj(given, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)

    def _folder(self, path: Path) -> None:
        if not path.is_dir():
            self._folder(path.parent)
            path.mkdir(exist_ok=True)
            os.chown(path, *self.owner)


def _names(folder: str) -> list[str]:
    """The tags below a folder."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208
    except FileNotFoundError:
        return []
