"""Carries out undo records: plain data, so that another process can do it after a crash.

Each is safe to repeat, and harmless where its step was never applied.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ctl.converge.atomic import link_atomic, write_atomic
from ctl.converge.folders import open_folder
from ctl.converge.inspect import group_id, look
from ctl.converge.model import Action, Machine, Notification, UndoRecord
from ctl.converge.steps import LOCKED, run, set_ids_and_mode
from ctl.distribution import distribution

ABSENT = (6,)
"""Exit code of userdel(8) and groupdel(8) for an account that does not exist."""


def undo(record: UndoRecord, *, backups: Path, machine: Machine) -> None:
    """Carry out one record.

    Args:
        backups: the folder in which former files are kept.

    Raises:
        OSError, CtlError: it cannot be done now; it can be tried again.
    """
    _KINDS[record["kind"]](record, backups, machine)


def _restore(record: UndoRecord, backups: Path, machine: Machine) -> None:
    """Put a kept file back: by its name alone where that works, so that a full disk is no obstacle."""
    path, kept = Path(record["path"]), backups / record["kept"]
    if look(kept) is None:
        return
    set_ids_and_mode(kept, record["uid"], record["gid"], record["mode"])
    try:
        with open_folder(path.parent) as folder:
            os.rename(kept, path.name, dst_dir_fd=folder)  # both names of one file: nothing happens, rightly
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        content = kept.read_bytes()
        write_atomic(path, content, mode=record["mode"], uid=record["uid"], gid=record["gid"])


def _remove(record: UndoRecord, backups: Path, machine: Machine) -> None:
    path = Path(record["path"])
    if look(path) is not None:
        with open_folder(path.parent) as folder:
            os.unlink(path.name, dir_fd=folder)


def _link(record: UndoRecord, backups: Path, machine: Machine) -> None:
    link_atomic(Path(record["path"]), record["target"])


def _rmdir(record: UndoRecord, backups: Path, machine: Machine) -> None:
    try:
        path = Path(record["path"])
        with open_folder(path.parent) as folder:
            os.rmdir(path.name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # what others put into it since must stay
            raise


def _rights(record: UndoRecord, backups: Path, machine: Machine) -> None:
    path = Path(record["path"])
    if look(path) is not None:
        set_ids_and_mode(path, record["uid"], record["gid"], record["mode"], follow=record["follow"])


def _run(record: UndoRecord, backups: Path, machine: Machine) -> None:
    run(record["argv"], done=record["done"], retry=record["retry"])


def _user_added(record: UndoRecord, backups: Path, machine: Machine) -> None:
    account, gid = record["account"], record["gid"]
    run(distribution().remove_user(account), done=ABSENT, retry=LOCKED)
    if gid is not None and group_id(account) is None:
        run(distribution().add_group(account, gid=gid), retry=LOCKED)


def _group_added(record: UndoRecord, backups: Path, machine: Machine) -> None:
    run(distribution().remove_group(record["account"]), done=ABSENT, retry=LOCKED)


def _service(record: UndoRecord, backups: Path, machine: Machine) -> None:
    name, enabled = record["service"], record["enabled"]
    if machine.services.enabled(name) == enabled:
        return
    if enabled:
        machine.services.enable(name)
    else:
        machine.services.disable(name)


def _notified(record: UndoRecord, backups: Path, machine: Machine) -> None:
    """A service that took up the new files must take up the former ones."""
    if machine.services.enabled(record["service"].partition("/")[0]) and machine.services.supervised():
        machine.services.perform(Notification(Action(record["action"]), record["service"]))


_KINDS: Mapping[str, Callable[[UndoRecord, Path, Machine], None]] = {
    "restore": _restore,
    "remove": _remove,
    "link": _link,
    "rmdir": _rmdir,
    "rights": _rights,
    "run": _run,
    "user added": _user_added,
    "group added": _group_added,
    "service": _service,
    "notified": _notified,
}
