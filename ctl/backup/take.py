"""Takes a backup of a node: images first, the archive last, so that an archive means a whole backup."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from ctl import __version__
from ctl.backup.archive import IMAGES, NAME, Facts, encrypt, pack
from ctl.backup.images import Copied, copy, held, linked
from ctl.backup.place import Folder, Place
from ctl.backup.restic import Key, Restic, key_file
from ctl.converge import run_lock
from ctl.errors import CtlError, LockHeld, UsageFault
from ctl.node.backup import EtcBackup
from ctl.node.overlap import record_file
from ctl.paths import Layout
from ctl.registry.gate import Gate
from ctl.settings.attributes import Attributes
from ctl.settings.load import Loaded
from ctl.settings.rules.token_issuer import accounts_file
from ctl.tls.ca_renewal import renewal_file

PARTIAL = ".partial.images"
"""A copy under way, or one that was cut off: the next one goes on with it."""

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
            CtlError: something cannot be read or written; LockHeld during a collection, a run or another backup.
            UsageFault: images cannot be copied from this storage.
        """
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
            storage = storage_of(load().attributes)
            copied = self._copy_images(storage, name) if plain else self._save_images(storage, name)
        with self._lock():
            loaded, settings_place = load(), str(self._below_root(settings))
            repository = Key.of(self.layout).name if copied and not plain else ""
            facts = Facts(
                now, socket.getfqdn(), versions(loaded.attributes), settings_place, bool(copied), repository
            )
            content, suffix = pack(facts, self.layout.root, self._paths(loaded, settings)), ""
        if recipient:
            content, suffix = encrypt(content, recipient)
        try:
            self.place.write(f"{name}{suffix}", content)
        except OSError as error:
            raise CtlError(f"{self.place.where(name)}: cannot be written: {error.strerror}") from error
        return Taken(self.place.where(f"{name}{suffix}"), copied)

    def _copy_images(self, storage: Path, name: str) -> Copied:
        """As a storage that a registry can serve."""
        folder = Path(self.place.where(""))
        partial, final = folder / PARTIAL, folder / f"{name}{IMAGES}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._gate(), held(storage):
            partial.mkdir(mode=0o700, exist_ok=True)
            copied = copy(storage, partial, self._latest_images(folder))
        partial.rename(final)
        return copied

    def _save_images(self, storage: Path, name: str) -> Copied:
        """By restic, from links to the storage's own blobs: they hold still, and collections need not wait for long."""
        with linked(storage, TAKEN) as folder:
            with self._gate(), held(storage):
                copied = copy(storage, folder, storage)
            self._images().save(folder, name)
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
        own = (record_file(self.layout), renewal_file(self.layout), key_file(self.layout))
        more = [*loaded.sources, *(Path(one) for one in named if one), *own]
        if etc.source.is_dir():
            backups = self.place.where("")
            yield from (path for path in etc.members(etc.source) if not f"{path}/".startswith(f"{backups}/"))
        for path in (settings.absolute(), *more):
            if path.is_file() and path.is_relative_to(self.layout.root):
                yield path

    def remove_old(self, now: float, keep_seconds: int) -> list[str]:
        """Remove backups made longer ago than they should be kept, by the time in their names; never the last one.

        Args:
            now: seconds since 1970.
            keep_seconds: 0 keeps all.

        Returns:
            Where they were.
        """
        there = self.place.names() if keep_seconds else []
        matches = {name: NAME.fullmatch(name.removesuffix(IMAGES)) for name in there}
        made = {name: int(match[1]) for name, match in matches.items() if match}
        limit = min(now - keep_seconds, max(made.values(), default=0))
        gone = [name for name, seconds in made.items() if seconds < limit]
        for name in gone:
            if name.endswith(IMAGES):
                shutil.rmtree(self.place.where(name))
            else:
                self.place.remove(name)
        key = key_file(self.layout)
        if gone and key.exists() and Key.of(self.layout).name in there:
            kept = {name.removesuffix(".age").removesuffix(".gpg") for name in made if name not in gone}
            self._images().keep(kept)
        return [self.place.where(name) for name in gone]


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
