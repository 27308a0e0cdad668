"""Carries out undo records: plain data, so that another process can do it after a crash.

Each is safe to repeat, and harmless where its step was never applied.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ctl.converge.atomic import link_atomic, write_atomic
from ctl.converge.folders import open_folder
from ctl.converge.inspect import group_id, look, user_id
from ctl.converge.model import Machine, UndoRecord
from ctl.converge.steps import LOCKED, run, set_ids_and_mode
from ctl.distribution import distribution
from ctl.errors import CtlError
from ctl.machine.child import ChildFailed

SHADOW, GSHADOW = Path("/etc/shadow"), Path("/etc/gshadow")
"""What the tools for accounts write after /etc/passwd and /etc/group (shadow(5), gshadow(5))."""
ABSENT = (6,)
"""Exit code of userdel(8) and groupdel(8) for an account that does not exist."""
_FOR_GOOD = {
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.EINVAL,
    errno.E2BIG,
    errno.ENOEXEC,
}
"""Reasons that no waiting ends; a full disk, a lack of processes or of rights may end."""


def undo(record: UndoRecord, *, backups: Path, machine: Machine) -> str | None:
    """Carry out one record.

    Args:
        backups: the folder of the former files.

    Returns:
        What could not be put back and never will be, in words; None where all was.

    Raises:
        OSError, CtlError: it cannot be done now; `may_end` says whether it can be tried again.
        LookupError, TypeError, ValueError: the record is damaged, or none of this version's.
    """
    if "path" in record and record["kind"] != "restore" and not _has_folder(Path(record["path"])):
        expected = record["kind"] in ("remove", "rmdir")
        return None if expected else f"{record['path']} is not there any more, nor its folder"
    return _KINDS[record["kind"]](record, backups, machine)


def may_end(error: OSError | CtlError) -> bool:
    """Whether what `undo` has raised may be of the moment, so that a later attempt can succeed."""
    if isinstance(error, CtlError):
        cause = error.__cause__
        return isinstance(error, ChildFailed) and not (
            isinstance(cause, OSError) and cause.errno in _FOR_GOOD
        )
    return error.errno not in {*_FOR_GOOD, errno.ENOENT}  # a program that is not there may be installed


def _has_folder(path: Path) -> bool:
    folder = look(path.parent, follow=True)
    return folder is not None and folder.is_folder


def _restore(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    """Put a former file back: by its name alone where that works, so that a full disk is no obstacle."""
    path, backup = Path(record["path"]), backups / record["kept"]
    found = look(backup)
    if found is None or not found.is_file:
        return _was_restored(path, record.get("inode"))
    if not _has_folder(path):
        raise CtlError("its folder is not there any more")
    set_ids_and_mode(backup, record["uid"], record["gid"], record["mode"])
    try:
        with open_folder(path.parent) as folder:
            os.rename(
                backup, path.name, dst_dir_fd=folder
            )  # both names of one file: nothing happens, rightly
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        content = backup.read_bytes()
        write_atomic(path, content, mode=record["mode"], uid=record["uid"], gid=record["gid"])
    return None


def _was_restored(path: Path, inode: int | None) -> str | None:
    """A rollback that was cut off has moved the backup back; else it is lost, and that must be reported."""
    found = look(path)
    if inode is None or (found and found.inode == inode):
        return None
    return f"{path} is not as before: its backup is lost"


def _remove(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    path = Path(record["path"])
    if look(path) is not None:
        with open_folder(path.parent) as folder, suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
    return None


def _link(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    link_atomic(Path(record["path"]), record["target"])
    return None


def _rmdir(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    path = Path(record["path"])
    if look(path) is None:
        return None
    try:
        with open_folder(path.parent) as folder, suppress(FileNotFoundError):
            os.rmdir(path.name, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        return f"{path} stays: there are files in it that the run did not make"
    return None


def _rights(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    path = Path(record["path"])
    if look(path) is not None:
        set_ids_and_mode(path, record["uid"], record["gid"], record["mode"], follow=record["follow"])
    return None


def _run(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    run(record["argv"], done=record["done"], retry=record["retry"])
    return None


def _irreversible(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    return f"what this did stays: {record['what']}"


def _user_added(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    account, gid = record["account"], record["gid"]
    if user_id(account) is None and _half_removed(SHADOW, account):
        run(distribution().add_user(account, {"gid": "0"}, system=True), retry=LOCKED)
    run(distribution().remove_user(account), done=ABSENT, retry=LOCKED)
    if gid is not None and group_id(account) is None:
        run(distribution().add_group(account, gid=gid), retry=LOCKED)
    return None


def _group_added(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    account = record["account"]
    if group_id(account) is None and _half_removed(GSHADOW, account):
        run(distribution().add_group(account, system=True), retry=LOCKED)
    run(distribution().remove_group(account), done=ABSENT, retry=LOCKED)
    return None


def _half_removed(file: Path, account: str) -> bool:
    """Whether a tool that was killed has left the second file: only for an account that is whole it removes that."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:  # a machine without shadowed passwords
        return False
    return any(line.startswith(f"{account}:") for line in lines)


def _service(record: UndoRecord, backups: Path, machine: Machine) -> str | None:
    name, enabled = record["service"], record["enabled"]
    if machine.services.enabled(name) == enabled:
        return None
    if enabled:
        machine.services.enable(name)
    else:
        machine.services.disable(name)
    return None


_KINDS: Mapping[str, Callable[[UndoRecord, Path, Machine], str | None]] = {
    "restore": _restore,
    "remove": _remove,
    "link": _link,
    "rmdir": _rmdir,
    "rights": _rights,
    "run": _run,
    "irreversible": _irreversible,
    "user added": _user_added,
    "group added": _group_added,
    "service": _service,
}
