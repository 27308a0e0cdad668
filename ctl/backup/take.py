"""Takes a backup of a node: images first, the archive last, so that an archive means a whole backup."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from ctl import __version__
from ctl.backup.archive import IMAGES, NAME, Facts, pack, write
from ctl.backup.images import Copied, copy, held
from ctl.converge import run_lock
from ctl.errors import CtlError, UsageFault
from ctl.node.backup import EtcBackup
from ctl.node.overlap import record_file
from ctl.paths import Layout
from ctl.registry.gate import Gate
from ctl.settings.attributes import Attributes
from ctl.settings.load import Loaded
from ctl.settings.rules.token_issuer import accounts_file

PARTIAL = ".partial.images"
"""A copy under way, or one that was cut off: the next one goes on with it."""


@dataclass(frozen=True)
class Taken:
    """A backup that was taken.

    Args:
        archive: its file.
        images: what its copy of the storage has; None without.
    """

    archive: Path
    images: Copied | None


@dataclass(frozen=True)
class Backup:
    """Backups of one root in one folder.

    Args:
        layout: the root.
        folder: where they are kept.
    """

    layout: Layout
    folder: Path

    def take(
        self, load: Callable[[], Loaded], settings: Path, *, images: bool, recipient: str | None
    ) -> Taken:
        """Take one. A run may go on while images are copied, not while files are read.

        Args:
            load: reads the settings.
            settings: their file.
            images: whether to copy the storage.
            recipient: for whom the archive is encrypted; None for nobody.

        Raises:
            CtlError: something cannot be read or written; LockHeld during a collection.
            UsageFault: images cannot be copied from this storage, or not be encrypted.
        """
        if images and recipient:
            raise UsageFault(
                "images are copied as a storage, which is not encrypted",
                hint="Keep the folder on an encrypted disk; or take two backups: one encrypted, one --with-images.",
            )
        now = time.time()
        path = self._free_name(now)
        copied = self._copy_images(storage_of(load().attributes), path) if images else None
        with self._lock():
            loaded, place = load(), str(self._below_root(settings))
            facts = Facts(now, socket.getfqdn(), versions(loaded.attributes), place, bool(copied))
            content = pack(facts, self.layout.root, self._paths(loaded, settings))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Taken(write(path, content, recipient), copied)

    def _copy_images(self, storage: Path, archive: Path) -> Copied:
        partial, final = self.folder / PARTIAL, self.folder / f"{archive.name}{IMAGES}"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._gate(), held(storage):
            partial.mkdir(mode=0o700, exist_ok=True)
            copied = copy(storage, partial, self._latest_images())
        partial.rename(final)
        return copied

    def _lock(self) -> AbstractContextManager[None]:
        """That of runs; a root that never had a run needs none."""
        return run_lock(self.layout) if self.layout.state.is_dir() else nullcontext()

    def _gate(self) -> AbstractContextManager[object]:
        """Which collections do not pass meanwhile."""
        return Gate(self.layout, shared=True) if self.layout.state.is_dir() else nullcontext()

    def _latest_images(self) -> Path | None:
        found = [path for path in self.folder.glob(f"*.tar{IMAGES}") if path.is_dir()]
        return max(found, default=None, key=lambda path: path.name)

    def _free_name(self, now: float) -> Path:
        second = int(now)
        while True:
            day = time.strftime("%Y_%m_%d", time.localtime(second))
            path = self.folder / f"registry_backup_{second}_{day}.tar"
            if not any(os.path.lexists(f"{path}{end}") for end in ("", ".age", ".gpg", IMAGES)):
                return path
            second += 1

    def _below_root(self, path: Path) -> Path:
        try:
            return path.absolute().relative_to(self.layout.root)
        except ValueError:
            raise UsageFault(
                f"{path} is outside {self.layout.root}: it is not this node's settings file",
                hint="Run the command with the settings file of the node.",
            ) from None

    def _paths(self, loaded: Loaded, settings: Path) -> Iterator[Path]:
        """Everything that is saved, each folder before what is in it."""
        etc = EtcBackup(self.layout)
        vhost = loaded.attributes.registry.nginx
        named = (
            vhost.ssl_certificate,
            vhost.ssl_certificate_key,
            vhost.ssl_password_file,
            accounts_file(loaded.attributes),
        )
        more = [*loaded.sources, *(Path(one) for one in named if one), record_file(self.layout)]
        if etc.source.is_dir():
            yield from (path for path in etc.members(etc.source) if not path.is_relative_to(self.folder))
        for path in (settings.absolute(), *more):
            if path.is_file() and path.is_relative_to(self.layout.root):
                yield path

    def old(self, now: float, keep_seconds: int) -> list[Path]:
        """Backups made longer ago than they should be kept; none if `keep_seconds` is 0. By the time in their names."""
        if not keep_seconds or not self.folder.is_dir():
            return []
        found = ((NAME.fullmatch(path.name.removesuffix(IMAGES)), path) for path in self.folder.iterdir())
        return sorted(path for match, path in found if match and int(match[1]) < now - keep_seconds)

    @staticmethod
    def remove(path: Path) -> None:
        """Remove an archive, or a folder of images."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def storage_of(attributes: Attributes) -> Path:
    """The folder of the images.

    Raises:
        UsageFault: they are not on this machine's disk.
    """
    filesystem = attributes.registry.storage.get("filesystem")
    if not attributes.registry.enable or filesystem is None:
        raise UsageFault(
            "the images are not on a disk of this node",
            hint="Leave out --with-images; object storage has versions and copies of its own.",
        )
    return Path(str(filesystem["rootdirectory"]))


def versions(attributes: Attributes) -> dict[str, str]:
    """Of ctl, the registry and NGINX, as far as they are here."""
    from ctl.node.locate import locate
    from ctl.registry.programs import program_at

    programs = locate(attributes, required=False)
    found = {"ctl": __version__, "nginx": ".".join(map(str, programs.nginx_build.version))}
    with suppress(CtlError):  # a node of GitLab alone has none
        found["registry"] = str(program_at(programs.registry))
    return found
