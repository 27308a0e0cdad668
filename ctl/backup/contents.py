"""What makes a node what it is: the files of an archive, and under which names.

A symbolic link that leads out of /etc/gitlab is saved as what it leads to: a fresh machine has nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ctl.backup.restic import key_file
from ctl.node.backup import EtcBackup
from ctl.node.overlap import record_file
from ctl.paths import Layout
from ctl.settings.attributes import Attributes
from ctl.settings.load import Loaded
from ctl.settings.rules.token_issuer import accounts_file
from ctl.tls.ca_renewal import renewal_file

_OF_VHOST = (
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_password_file",
    "ssl_client_certificate",
    "ssl_dhparam",
)


@dataclass(frozen=True)
class Contents:
    """The files of one root.

    Args:
        layout: the root.
        is_backup: whether a path is one of a backup's own, wherever these are kept.
    """

    layout: Layout
    is_backup: Callable[[Path], bool]

    def paths(self, loaded: Loaded, settings: Path) -> Mapping[Path, Path]:
        """Everything that is saved, each folder before what is in it.

        Args:
            loaded: the settings.
            settings: their file.

        Returns:
            Where each is saved, with where it is read.
        """
        etc = EtcBackup(self.layout)
        top = etc.source.resolve()
        found = dict(self._below(top, etc.source, (top,))) if top.is_dir() else {}
        state = (record_file(self.layout), renewal_file(self.layout), key_file(self.layout))
        named = (Path(str(one)) for one in _named(loaded.attributes) if one)
        for path in (settings.absolute(), *loaded.sources, *named, *state):
            if path.is_file() and path.is_relative_to(self.layout.root):
                found.setdefault(path, path.resolve())
        return found

    def _below(self, folder: Path, name: Path, above: tuple[Path, ...]) -> Iterator[tuple[Path, Path]]:
        """A folder with all that is in it; `above` are those through which it was reached."""
        yield name, folder
        for path in sorted(folder.iterdir()):
            if self.is_backup(path) or EtcBackup(self.layout).is_excluded(path):
                continue
            place = self._read_at(path, above)
            if place.is_dir() and not place.is_symlink():
                yield from self._below(place, name / path.name, (*above, place))
            else:
                yield name / path.name, place

    def _read_at(self, path: Path, above: tuple[Path, ...]) -> Path:
        """Where a file, folder or link is read: a link itself where it leads to nothing, or to what is saved anyway."""
        if not path.is_symlink():
            return path
        target, etc = path.resolve(), above[0]
        own = [one.resolve() for one in (self.layout.data, self.layout.logs)]
        holds = any(one.is_relative_to(target) for one in (*above, *own))
        is_data = target.is_dir() and any(target.is_relative_to(one) for one in own)
        stays = not path.readlink().is_absolute() and target.is_relative_to(etc)
        return path if holds or is_data or stays or not target.exists() else target


def _named(attributes: Attributes) -> Iterator[object]:
    """Files that settings name, and that ctl does not write."""
    yield from (attributes.registry.nginx[name] for name in _OF_VHOST)
    yield accounts_file(attributes)
    yield attributes.letsencrypt.acme_ca_file
    yield (attributes.registry.storage.get("gcs") or {}).get("keyfile")
    recipient = str(attributes.registry_backup.encrypt_to or "")
    yield recipient if recipient.startswith("/") else None
