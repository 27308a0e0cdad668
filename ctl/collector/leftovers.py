"""What fills a storage though no image is made of it: dead uploads, links to nothing, empty repositories."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Protocol

from ctl.collector.damage import Damage
from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.collector.layout import LAYERS, MANIFESTS, UPLOADS, blob_folder
from ctl.collector.removal import Nothing, Removal
from ctl.collector.report import Report
from ctl.collector.times import touched
from ctl.collector.tree import Tree


class Limits(Protocol):
    """The options that count here."""

    @property
    def older_than(self) -> int:
        """Nanoseconds for which what is new is left alone."""

    @property
    def uploads_after(self) -> int:
        """Nanoseconds after which an upload that does not go on is dead."""


class Leftovers:
    """Collects them.

    Args:
        storage: that they are in.
        removal: takes them.
        is_there: whether a blob is there, or in quarantine: a link to it does not lead to nothing.
        limits: ages.
        report: counts them.
        now: the storage's time.
    """

    def __init__(
        self,
        storage: Tree,
        removal: Removal,
        is_there: Callable[[str], bool],
        limits: Limits,
        report: Report,
        now: int,
    ) -> None:
        self._storage = storage
        self._removal = removal
        self._is_there = is_there
        self._limits = limits
        self._report = report
        self._now = now

    def collect(self) -> None:
        """Take them."""
        for scan in self._storage.repositories():
            if not scan.damages:
                self._uploads(scan)
                self._links(scan)
                if isinstance(self._storage, Filesystem):  # elsewhere there are none
                    self._folders(scan)

    def _uploads(self, scan: RepositoryScan) -> None:
        for path, changed in self._storage.uploads(scan):
            if self._now - changed > self._limits.uploads_after and self._removal.take(self._relative(path)):
                self._report.count("uploads_deleted")

    def _links(self, scan: RepositoryScan) -> None:
        """Links to blobs that are gone, also from the quarantine."""
        ignored: list[Damage] = []
        for digest, folder in list(self._storage.layers(scan, ignored)):
            path = self._relative(folder)
            if self._is_there(digest) or not self._is_old(self._storage.linked(scan, folder)):
                continue
            if self._removal.take(path):
                # pushed again meanwhile, by this link?
                back = self._storage.has(
                    self._storage.path(f"{blob_folder(digest)}/data")
                ) and self._removal.bring_back(path)
                self._report.count("links_deleted", int(not back))

    def _folders(self, scan: RepositoryScan) -> None:
        """Folders of deleted manifests, and repositories without any file. Only empty folders are removed."""
        if scan.revisions or scan.tags:
            return
        folders = [
            folder for part in (MANIFESTS, UPLOADS, LAYERS) for folder in _below(f"{scan.path}/{part}")
        ]
        if any(files for _, files in folders):
            return
        if not all(self._is_old(touched(path)[0]) for path, _ in folders):
            return
        self._report.count("repositories_deleted")
        if isinstance(self._removal, Nothing):
            return
        for path in [*(path for path, _ in folders), scan.path]:
            with contextlib.suppress(OSError):  # somebody has just written there, or there are others below
                os.rmdir(path)  # noqa: PTH106 - as above

    def _is_old(self, changed: int) -> bool:
        return self._now - changed >= self._limits.older_than

    def _relative(self, path: str) -> str:
        return path.removeprefix(self._storage.path(""))


def _below(path: str) -> list[tuple[str, list[str]]]:
    """A folder and all below it, the deepest first, each with its files."""
    return [(folder, files) for folder, _, files in os.walk(path, topdown=False)]
