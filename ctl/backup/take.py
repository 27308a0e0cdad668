"""Takes a backup of a node: images first, the archive last, so that an archive means a whole backup."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from ctl import __version__
from ctl.backup.archive import IMAGES, Facts, bare_name, encrypt, pack
from ctl.backup.contents import Contents
from ctl.backup.images import Copied, copy, held, linked
from ctl.backup.place import Folder, Place
from ctl.backup.restic import Key, Restic, key_file
from ctl.collector.layout import REPOSITORIES
from ctl.converge import run_lock
from ctl.errors import CtlError, LockHeld, UsageFault
from ctl.paths import Layout
from ctl.registry.gate import Gate
from ctl.registry.migration_hold import UNDER_WAY, migration_holds
from ctl.settings.attributes import Attributes
from ctl.settings.load import Loaded

TAKEN = ".ctl-backup"
"""In the storage, beside what registries see: links to what is being saved."""


@dataclass(frozen=True)
class Taken:
    """A backup that was taken.

    Args:
        archive: its path or URL.
        images: what its copy of the storage has; None without.
    """

    archive: str
    images: Copied | None


@dataclass(frozen=True)
class Backup:
    """Backups of one root in one place.

    Args:
        layout: the root.
        place: where they are kept.
    """

    layout: Layout
    place: Place

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
            CtlError: something cannot be read or written; LockHeld during a collection, a run, the end of a migration
                or another backup.
            UsageFault: images cannot be copied from this storage, or would be copied into it.
        """
        if recipient:
            encrypt(b"", recipient)  # rather now than when all images are copied
        with self._alone():
            return self._take(load, settings, images=images, recipient=recipient)

    def _take(
        self, load: Callable[[], Loaded], settings: Path, *, images: bool, recipient: str | None
    ) -> Taken:
        now = time.time()
        name = self._free_name(now)
        plain = recipient is None and isinstance(self.place, Folder)
        copied = None
        if images:
            self._refuse_migration()
            storage = storage_of(load().attributes)
            self._refuse_within(storage)
            copied = self._copy_images(storage, name) if plain else self._save_images(storage, name)
        with self._lock():
            loaded, settings_place = load(), str(self._below_root(settings))
            repository = Key.of(self.layout).name if copied and not plain else ""
            facts = Facts(
                now, socket.getfqdn(), versions(loaded.attributes), settings_place, bool(copied), repository
            )
            paths = Contents(self.layout, self.place.is_backup).paths(loaded, settings)
            content, suffix = pack(facts, self.layout.root, paths), ""
            self._refuse_migration()  # that begins without the lock
        if recipient:
            content, suffix = encrypt(content, recipient)
        try:
            self.place.write(f"{name}{suffix}", content)
        except OSError as error:
            where = error.filename or self.place.where(name)
            raise CtlError(f"{where}: cannot be written: {error.strerror}") from error
        return Taken(self.place.where(f"{name}{suffix}"), copied)

    def _refuse_migration(self) -> None:
        """Settings of a moment in which the registry is read-only are not what a node should come back with."""
        if migration_holds(self.layout):
            raise LockHeld(UNDER_WAY, hint="Wait for its end.")

    def _refuse_within(self, storage: Path) -> None:
        """Nor would a registry that serves backups know that they are none of its repositories."""
        place = self.place.where("")
        if isinstance(self.place, Folder) and Path(place).resolve().is_relative_to(storage.resolve()):
            raise UsageFault(
                f"{place} is in the storage of images, {storage}", hint="Name a folder elsewhere."
            )

    def _copy_images(self, storage: Path, name: str) -> Copied:
        """As a storage that a registry can serve. One that was cut off is gone on with, but for what may have gone."""
        folder = Path(self.place.where(""))
        node = hashlib.sha256(f"{socket.gethostname()}\0{self.layout.root}".encode()).hexdigest()[:8]
        partial, final = folder / f".partial-{node}{IMAGES}", folder / f"{name}{IMAGES}"
        Folder(folder).make()
        with self._gate(), held(storage):
            if (partial / REPOSITORIES).exists():
                shutil.rmtree(partial / REPOSITORIES)
            partial.mkdir(mode=0o700, exist_ok=True)
            copied = copy(storage, partial, self._latest_images(folder))
        partial.rename(final)
        return copied

    def _save_images(self, storage: Path, name: str) -> Copied:
        """By restic, from links to the storage's own blobs: they hold still, and collections need not wait for long."""
        images = self._images()
        images.require()
        with linked(storage, TAKEN) as folder:
            with self._gate(), held(storage):
                copied = copy(storage, folder, storage)
            images.save(folder, name)
        return copied

    def _images(self) -> Restic:
        return self.place.images(Key.of(self.layout), self.layout.state / "restic")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two at a time would tidy up each other's links and partial copies."""
        if not self.layout.state.is_dir():
            yield
            return
        path = self.layout.state / "backup.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise LockHeld("another backup is under way", hint="Wait for its end.") from None
        finally:
            os.close(descriptor)

    def _lock(self) -> AbstractContextManager[None]:
        """That of runs; a root that never had a run needs none."""
        return run_lock(self.layout) if self.layout.state.is_dir() else nullcontext()

    def _gate(self) -> AbstractContextManager[object]:
        """Which collections do not pass meanwhile."""
        return Gate(self.layout, shared=True) if self.layout.state.is_dir() else nullcontext()

    @staticmethod
    def _latest_images(folder: Path) -> Path | None:
        found = [path for path in folder.glob(f"*.tar{IMAGES}") if path.is_dir()]
        return max(found, default=None, key=lambda path: path.name)

    def _free_name(self, now: float) -> str:
        second, there = int(now), set(self.place.names())
        while True:
            day = time.strftime("%Y_%m_%d", time.localtime(second))
            name = f"registry_backup_{second}_{day}.tar"
            if not there & {f"{name}{end}" for end in ("", ".age", ".gpg", IMAGES)}:
                return name
            second += 1

    def _below_root(self, path: Path) -> Path:
        try:
            return path.absolute().relative_to(self.layout.root)
        except ValueError:
            raise UsageFault(
                f"{path} is outside {self.layout.root}: it is not this node's settings file",
                hint="Run the command with the settings file of the node.",
            ) from None

    def remove_old(self, now: float, keep_seconds: int) -> list[str]:
        """Remove backups made longer ago than they should be kept, by the time in their names.

        Never the last one, nor the last with images, which may be taken less often.

        Args:
            now: seconds since 1970.
            keep_seconds: 0 keeps all.

        Returns:
            Where they were.
        """
        there = self.place.backups() if keep_seconds else {}
        old = sorted(name for name, made in there.items() if made < now - keep_seconds)
        if not old:
            return []
        saved = self._saved_names()
        imaged = {name: made for name, made in there.items() if bare_name(name) in saved | with_images(there)}
        last = {bare_name(max(some, key=lambda name: some[name])) for some in (there, imaged) if some}
        gone = [name for name in old if bare_name(name) not in last]
        for name in gone:
            self.place.remove(name)
        if gone and saved:
            self._images().keep({bare_name(name) for name in there if name not in gone})
        return [self.place.where(name) for name in gone]

    def _saved_names(self) -> set[str]:
        """Of the backups whose images restic has."""
        key = key_file(self.layout)
        has_repository = key.exists() and Key.of(self.layout).name in self.place.names()
        return self._images().names() if has_repository else set()


def with_images(names: Iterable[str]) -> set[str]:
    """Names of the archives beside which there is a folder of images."""
    return {name.removesuffix(IMAGES) for name in names if name.endswith(IMAGES)}


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
    folder = Path(str(filesystem["rootdirectory"]))
    if not folder.is_dir():
        raise CtlError(f"{folder}: there is no such folder of images", hint="`ctl reconfigure` makes it.")
    return folder


def versions(attributes: Attributes) -> dict[str, str]:
    """Of ctl, the registry and NGINX, as far as they are here."""
    from ctl.node.locate import locate
    from ctl.registry.programs import program_at

    programs = locate(attributes, required=False)
    found = {"ctl": __version__, "nginx": ".".join(map(str, programs.nginx_build.version))}
    with suppress(CtlError):  # a node of GitLab alone has none
        found["registry"] = str(program_at(programs.registry))
    return found
