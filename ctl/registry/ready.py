"""What must be so before the registry's files change: its program can do what is asked, its account gets to storage."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ctl.converge.inspect import group_id, user_id
from ctl.errors import PreflightError
from ctl.machine.access import may
from ctl.machine.as_account import SILENT, Identity, failure_as
from ctl.node.node import Node
from ctl.registry.reachable import refuse_other_metadata
from ctl.registry.support import unsupported_settings


def refuse_unready(node: Node) -> None:
    """Check the registry program, its storage and what manages its metadata.

    Args:
        node: with the new settings.

    Raises:
        PreflightError: something is not ready; says what, and what to do.
    """
    _refuse_unsupported_settings(node)
    _refuse_unreachable_storage(node)
    refuse_other_metadata(node)


def _refuse_unsupported_settings(node: Node) -> None:
    """Registries ignore settings that they do not know; what was asked for must not be lost without a word."""
    problems = unsupported_settings(node.attributes)
    if problems:
        raise PreflightError(
            "; ".join(problems),
            hint='Install that program and name it in registry["executable"], or unset it.',
        )


def _refuse_unreachable_storage(node: Node) -> None:
    """The registry's user must get to its storage: it may enter every folder above, and write.

    Folders that the run itself makes or corrects are not judged.
    """
    filesystem = node.attributes.registry.storage.get("filesystem")
    user = node.attributes.registry.username
    if filesystem is None or (node.privileged and user_id(user) is None):
        return
    storage = Path(filesystem["rootdirectory"])
    _refuse_hanging(storage)
    if not node.attributes.manage_storage_directories.enable and not storage.is_dir():
        raise PreflightError(
            f'the storage folder {storage} does not exist, and manage_storage_directories["enable"] is False',
            hint=f"Run: install -d -o {user} -m 0770 {storage}",
        )
    above = _first_existing(storage.parent)
    if not _may(node, "-x", above):
        blocked = next(place for place in (*reversed(above.parents), above) if not _may(node, "-x", place))
        raise PreflightError(
            f"the storage folder {storage} cannot be reached: user {user} may not enter {blocked} (no x permission)",
            hint=f"Run: chmod o+x {blocked}",
        )
    if _must_be_writable(node, storage) and not _may(node, "-w", storage):
        raise PreflightError(
            f"the storage folder {storage} is not writable by user {user}",
            hint=f"Run: chown -R {user} {storage}",
        )


def _refuse_hanging(storage: Path) -> None:
    """A look into a storage that hangs (a lost file server) never ends: so another process has the first one."""

    def look() -> None:
        with suppress(FileNotFoundError):
            storage.stat()

    if failure_as(Identity(os.geteuid(), os.getegid()), look) == SILENT:
        raise PreflightError(
            f"the storage folder {storage} hangs: {SILENT}",
            hint="Is the server of that file system reachable?",
        )


def _must_be_writable(node: Node, storage: Path) -> bool:
    managed = node.privileged and node.attributes.manage_storage_directories.enable
    return storage.is_dir() and not managed


def _first_existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.is_dir())


def _may(node: Node, access: str, path: Path) -> bool:
    """Whether the registry's user may, where there is one; else this one."""
    if not node.privileged:
        return os.access(path, os.X_OK if access == "-x" else os.W_OK | os.X_OK)
    registry = node.attributes.registry
    account = (
        f"{registry.username}:{registry.group}" if group_id(registry.group) is not None else registry.username
    )
    return may(node.programs.chpst, account, (access, path))
