"""Reads the storage by itself before the registry's own collector may delete there: that one loses images.

It finds repositories by their `_layers` folder, and deletes what only the others need. It knows nothing of tags
whose manifest lost its link. And it stops at the first broken file without its path.
"""

from __future__ import annotations

import os
from pathlib import Path

from ctl.collector.damage import Damage, Kind
from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.collector.layout import DATABASE_LOCK, LAYERS
from ctl.collector.managed import refuse_managed
from ctl.collector.manifests import Manifests
from ctl.collector.progress import Reporter
from ctl.collector.reading import Reader, Repository
from ctl.errors import PreflightError
from ctl.registry.collect.sizes import nothing_stored
from ctl.registry.config import RegistryConfig

_HARMLESS = (Kind.TAG, Kind.LAYERS)
"""Damages that the registry's own collector passes without harm: a tag's, as it does not look at tags."""
_SHOWN = 20
"""Damages that one error lists."""


class Guard:
    """Looks at the storage of a registry, where that is on this machine's disk.

    Args:
        config: of the registry.
        reporter: gets the damages that do no harm.

    Attributes:
        needed: digests that images need, as the last look found.
    """

    def __init__(self, config: RegistryConfig, reporter: Reporter) -> None:
        self._storage = Filesystem(str(config.root)) if config.root is not None else None
        self._reporter = reporter
        self._reported: set[Damage] = set()
        self.needed: set[str] = set()

    def check(self, *, mend: bool) -> None:
        """Look at every repository and at the names of blobs.

        Args:
            mend: make missing `_layers` folders; nothing else is changed.

        Raises:
            PreflightError: something is damaged so that the registry's collector would stop or lose images.
        """
        if self._storage is None or nothing_stored(Path(self._storage.root)):
            return
        self.needed.clear()
        damages: list[Damage] = []
        manifests = Manifests(self._storage)
        reader = Reader(self._storage, manifests)
        for scan in self._storage.repositories():
            repository = reader.read(scan)
            damages += repository.damages
            self._need(repository)
            if not scan.has_layers and (scan.revisions or scan.tags):
                damages.append(self._mend(scan) if mend else _without_layers(scan))
        for shard in self._storage.shards(damages):
            for _ in self._storage.blobs(*shard, damages):
                pass
        self._judge(damages)

    def _need(self, repository: Repository) -> None:
        self.needed |= repository.revisions.keys() | repository.more
        for digest, manifest in repository.manifests.items():
            self.needed.add(digest)
            self.needed.update(manifest.references)

    def _mend(self, scan: RepositoryScan) -> Damage:
        """Make the folder as the registry would: with the mode and owner of its neighbours."""
        folder, above = Path(scan.path, LAYERS), os.stat(scan.path)  # noqa: PTH116 - as in the reader
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, above.st_uid, above.st_gid)
        folder.chmod(above.st_mode & 0o7777)
        return Damage(Kind.LAYERS, str(folder), scan.name, "the folder was missing", "it was made")

    def _judge(self, damages: list[Damage]) -> None:
        fatal = sorted({one for one in damages if one.kind not in _HARMLESS})
        if fatal:
            lines = [str(one) for one in fatal[:_SHOWN]]
            more = [f"and {len(fatal) - _SHOWN:,} more"] if len(fatal) > _SHOWN else []
            raise PreflightError(
                "the registry's own collector would stop, or lose images, in this storage; nothing was "
                "deleted:\n    " + "\n    ".join(lines + more)
            )
        for one in damages:
            if one not in self._reported:
                self._reported.add(one)
                self._reporter.warn(str(one))


def _without_layers(scan: RepositoryScan) -> Damage:
    what = "the folder is missing, without which the registry's own collector does not see the repository"
    return Damage(Kind.LAYERS, f"{scan.path}/{LAYERS}", scan.name, what, "a collection makes it")


def refuse_database(config: RegistryConfig) -> None:
    """Refuse a registry with a metadata database, and storage that one manages: in the files no image needs anything.

    Every command that changes a storage asks so before it begins, and once more when it takes the lock there.

    Raises:
        PreflightError: it is such; names the file that says so.
    """
    if config.database:
        raise PreflightError(
            f"{config.path}: this registry keeps its metadata in a database and collects garbage by itself; its files "
            "do not say which images there are",
            hint='`registry["gc"]` sets when it does.',
        )
    if config.root is not None:
        refuse_managed(str(config.root), os.path.lexists(config.root / DATABASE_LOCK))
