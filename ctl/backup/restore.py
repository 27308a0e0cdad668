"""Puts back what a backup has; what is newer on the machine stays, unless it is asked to go."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ctl.backup.archive import IMAGES, Member
from ctl.backup.place import Place
from ctl.backup.restic import KEY, Key, Restic
from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import look, read_file
from ctl.errors import CtlError, UsageFault
from ctl.paths import Layout


@dataclass
class Restored:
    """What was done.

    Args:
        written: files that are as in the backup now, and were not before.
        same: how many were so already.
        kept: files that are newer here, and stay.
    """

    written: list[Path] = field(default_factory=list)
    same: int = 0
    kept: list[Path] = field(default_factory=list)


def images_of(place: Place, members: Iterable[Member]) -> Restic:
    """The repository of the images of an archive, whose password it has.

    Raises:
        CtlError: it has none.
    """
    for one in members:
        if Path(one.info.name).name == KEY:
            return place.images(Key.read(one.content, one.info.name))
    raise CtlError(f"the archive lacks {KEY}, which opens its images")


def folder_of_images(place: Place, name: str) -> Path:
    """The folder with the images of an archive.

    Raises:
        CtlError: it is not there.
    """
    source = Path(place.where(name + IMAGES))
    if not source.is_dir():
        raise CtlError(
            f"{source} is not there: the images of this backup", hint="Put it beside the archive, run again."
        )
    return source


def restore(layout: Layout, members: Iterable[Member], *, replace: bool, keep: bool = False) -> Restored:
    """Write the files of a backup, each as one; a restore that was cut off is finished by the next.

    Args:
        layout: the root.
        members: of the archive.
        replace: whether what is newer than in the backup is replaced.
        keep: whether it stays, and the rest is restored.

    Raises:
        UsageFault: something is newer, and neither is asked for; names it. Nothing was written.
        CtlError: a folder is where the backup has a file, or the reverse. Nothing was written.
        OSError: a file cannot be written.
    """
    members = list(members)
    for one in members:
        _refuse_other_kind(layout.root / one.info.name, one)
    newer = (
        [] if replace else [path for one in members if _is_newer(path := layout.root / one.info.name, one)]
    )
    if newer and not keep:
        shown = ", ".join(map(str, newer[:5])) + (f" and {len(newer) - 5} more" if len(newer) > 5 else "")
        raise UsageFault(
            f"newer than in the backup: {shown}; nothing was restored",
            hint="With --keep they stay, and the rest is restored; with --replace the backup's take their place.",
        )
    found = Restored(kept=newer)
    for one in members:
        path = layout.root / one.info.name
        if path in newer:
            continue
        if one.info.isdir():
            _make_folder(path, one)
        elif _same(path, one):
            found.same += 1
        else:
            _write(path, one)
            found.written.append(path)
    return found


def _is_newer(path: Path, member: Member) -> bool:
    if member.info.isdir() or look(path) is None or _same(path, member):
        return False
    place = path if member.info.issym() else path.resolve()
    return place.lstat().st_mtime > float(member.info.mtime) if look(place) else False


def _same(path: Path, member: Member) -> bool:
    """Whether it is as in the backup: a link that leads to the same is, as backups have what links lead to."""
    if member.info.issym():
        facts = look(path)
        return facts is not None and facts.is_link and str(path.readlink()) == member.info.linkname
    path = path.resolve()
    facts = look(path)
    if facts is None:
        return False
    return facts.is_file and facts.mode == member.info.mode & 0o7777 and read_file(path) == member.content


def _refuse_other_kind(path: Path, member: Member) -> None:
    if path.exists() and path.is_dir() is not member.info.isdir() and not path.is_symlink():
        kinds = ("a file", "a folder") if member.info.isdir() else ("a folder", "a file")
        raise CtlError(
            f"{path} is {kinds[0]} here, and {kinds[1]} in the backup: nothing was restored",
            hint="Move it away, run again.",
        )


def _make_folder(path: Path, member: Member) -> None:
    if path.is_dir():
        return  # an administrator's, or ctl's by now: it keeps its rights
    path.mkdir(parents=True)
    path.chmod(member.info.mode & 0o7777)
    uid, gid = _owner(member)
    if uid is not None or gid is not None:
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)


def _write(path: Path, member: Member) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if member.info.issym():
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(member.info.linkname)
        new.replace(path)
        return
    uid, gid = _owner(member)
    write_atomic(path, member.content, mode=member.info.mode & 0o7777, uid=uid, gid=gid)
    os.utime(path, (member.info.mtime, member.info.mtime))


def _owner(member: Member) -> tuple[int | None, int | None]:
    """By name, as numbers differ from machine to machine; an account that is not there yet is made by the run."""
    if os.geteuid() != 0:
        return None, None
    try:
        uid: int | None = pwd.getpwnam(member.info.uname).pw_uid
    except KeyError:
        uid = None
    try:
        gid: int | None = grp.getgrnam(member.info.gname).gr_gid
    except KeyError:
        gid = None
    return uid, gid
