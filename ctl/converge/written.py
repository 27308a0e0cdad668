"""What ctl wrote: a record in its state, from which it knows its own files when a setting names a path.

The record is written by the run that writes the files, in the same journal: an interrupted run leaves neither.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ctl.converge.inspect import Found, look, read_file
from ctl.converge.model import DesiredFile, Machine, Resource
from ctl.converge.resources.entries import Absent, Directory, FileRights, Symlink
from ctl.converge.resources.environment import EnvDirectory
from ctl.converge.resources.yaml_part import YamlPart
from ctl.errors import CtlError
from ctl.paths import Layout

HEADER = b"Written by ctl"
"""In the first lines of every file that has comments: by it the files of earlier versions are known too."""
_FIRST_LINES = 200


@dataclass(frozen=True)
class Entry:
    """One file, folder or symbolic link as a run left it.

    Args:
        digest: sha256 of a file, "-> TARGET" of a link, "" of a folder.
        mode, uid, gid: its rights.
        managed: whether the last whole run still had it; else it is ctl's only as long as nobody changes it.
    """

    digest: str
    mode: int
    uid: int
    gid: int
    managed: bool = True


@dataclass(frozen=True)
class Written:
    """The record.

    Args:
        entries: by path.
        present: whether there is a record: versions before it kept none.
    """

    entries: Mapping[Path, Entry]
    present: bool

    @classmethod
    def read(cls, layout: Layout) -> Written:
        """The record of a root.

        Raises:
            CtlError: it is damaged.
        """
        if look(layout.written) is None:
            return cls({}, present=False)
        try:
            found = json.loads(read_file(layout.written))
            return cls({Path(path): Entry(**entry) for path, entry in found.items()}, present=True)
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise CtlError(
                f"{layout.written} is damaged: ctl remembers there which files it wrote",
                hint=f"Move it away and run again: mv {layout.written} {layout.written}.damaged",
            ) from None

    def holds(self, path: Path) -> bool:
        """Whether what is at a path is ctl's by this record."""
        entry = self.entries.get(path)
        return entry is not None and (entry.managed or entry.digest == _digest_at(path))

    def unchanged(self, path: Path) -> bool:
        """Whether a file or link is still just what ctl wrote."""
        entry = self.entries.get(path)
        return entry is not None and entry.digest == _digest_at(path)

    def after(self, resources: Iterable[Resource], machine: Machine, *, whole: bool) -> Written:
        """The record after a run.

        Args:
            resources: those of the run, whose changes have been made.
            machine: as it is now.
            whole: whether the run had every resource, so that what it did not have is not managed any more.
        """
        resources = list(resources)
        now = dict(_entries(resources, machine))
        still = {path for resource in resources for path in getattr(resource, "keeps", tuple)()}
        kept = {
            path: replace(entry, managed=entry.managed and (path in still or not whole))
            for path, entry in self.entries.items()
            if look(path)
        }
        return Written(kept | now, present=True)

    def left(self, after: Written) -> list[Path]:
        """Files and links that a run, after which the record is another, manages no more and has left in place."""
        return [
            path
            for path, entry in sorted(self.entries.items())
            if entry.managed and entry.digest and path in after.entries and not after.entries[path].managed
        ]

    def content(self) -> bytes:
        """The record's file."""
        plain = {str(path): vars(entry) for path, entry in sorted(self.entries.items())}
        return json.dumps(plain, indent=1).encode() + b"\n"


def _entries(resources: Iterable[Resource], machine: Machine) -> Iterator[tuple[Path, Entry]]:
    for resource in resources:
        digests = {file.path: digest(file.content) for file in files_of(resource, machine)}
        if isinstance(resource, Directory | EnvDirectory):
            digests[resource.path] = ""
        elif isinstance(resource, Symlink):
            digests[resource.path] = f"-> {resource.target}"
        for path, value in digests.items():
            found = look(path, follow=not value)
            if found is not None:
                yield path, Entry(value, found.mode, found.uid, found.gid)


def files_of(resource: Resource, machine: Machine) -> Iterable[DesiredFile]:
    """The files that are ctl's as a whole: not one that it changes a value of, such as GitLab's gitlab.yml."""
    others = isinstance(resource, YamlPart) or not getattr(resource, "remembered", True)
    return () if others else resource.desired(machine)


def digest(content: bytes) -> str:
    """The sha256 of a content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _digest_at(path: Path) -> str | None:
    found = look(path)
    if found is None or not (found.is_file or found.is_link):
        return None
    return f"-> {path.readlink()}" if found.is_link else digest(read_file(path))


@dataclass(frozen=True)
class Stranger:
    """Something that ctl did not write, at a place where a resource would replace, remove or take it over.

    Args:
        path: where.
        found: what is there.
        what: in words: "a file of 213,777 bytes".
    """

    path: Path
    found: Found
    what: str


def strangers(resource: Resource, machine: Machine, written: Written) -> Iterator[Stranger]:
    """What is in a resource's way and was not written by ctl, as far as that can be known.

    A file of an earlier version, which kept no record, is known by its header or by having the wanted content.
    """
    for path, wanted in outputs(resource, machine):
        found = look(path)
        if found is None or written.holds(path):
            continue
        if isinstance(resource, Symlink) and found.is_file and _is_of_ctl(path.parent, written):
            continue  # a log of an earlier version, in whose place there is a link now
        if found.is_file and not is_ours(read_file(path), wanted):
            yield Stranger(path, found, f"a file of {path.stat().st_size:,} bytes")
        elif found.is_link and not isinstance(resource, FileRights) and not _wanted_link(path, resource):
            yield Stranger(path, found, f"a symbolic link to {path.readlink()}")
    if isinstance(resource, Directory):
        yield from _taken_over(resource, machine, written)


def _wanted_link(path: Path, resource: Resource) -> bool:
    return isinstance(resource, Symlink) and str(path.readlink()) == resource.target


def outputs(resource: Resource, machine: Machine) -> Iterator[tuple[Path, bytes | None]]:
    """The paths at which a resource replaces, removes or takes over what is there, with the content that it wants."""
    for file in files_of(resource, machine):
        yield file.path, file.content
    if isinstance(resource, Absent | Symlink | FileRights):
        yield resource.path, None
    if isinstance(resource, EnvDirectory):
        for path in resource.strays(machine):
            yield path, None


def is_ours(content: bytes, wanted: bytes | None) -> bool:
    """Whether a file is ctl's without a record of it: it has the wanted content, or ctl's header."""
    return content == wanted or HEADER in content[:_FIRST_LINES]


def _taken_over(resource: Directory, machine: Machine, written: Written) -> Iterator[Stranger]:
    """A folder with somebody's files in it, of which owner or mode would be changed."""
    change = resource.plan(machine)
    found = look(resource.path, follow=True)
    if change is None or found is None or not found.is_folder or written.holds(resource.path):
        return
    inside = sorted(resource.path.iterdir())
    if inside and not _is_of_ctl(resource.path, written):
        yield Stranger(resource.path, found, f"a folder with {inside[0].name} in it")


def _is_of_ctl(folder: Path, written: Written) -> bool:
    """Whether ctl has written in a folder."""
    return any(written.holds(path) or _has_header(path) for path in folder.iterdir())


def _has_header(path: Path) -> bool:
    found = look(path)
    return bool(found and found.is_file and HEADER in read_file(path)[:_FIRST_LINES])
