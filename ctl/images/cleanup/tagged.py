"""A storage on a file system as a clean-up looks at it: all tags, and of manifests only those that tags name.

A repository may have 100,000 of either; of so many each look counts.
"""

from __future__ import annotations

import os
from collections.abc import Container

from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.collector.layout import REVISIONS
from ctl.collector.tree import Tree


class TagTree(Filesystem):
    """A storage whose scans have revisions only where there is no tag; else `Revisions` has them."""

    def _look_at_revisions(self, found: RepositoryScan) -> None:
        if not found.tags:
            super()._look_at_revisions(found)

    def has(self, path: str) -> bool:
        """See Tree. To ask for less than all that `stat` says takes half of the time."""
        return os.access(path, os.F_OK) or super().has(path)


class Revisions(Container[str]):
    """The manifests of a repository, each looked at when it is asked for.

    Args:
        storage: of it.
        scan: of it.
    """

    def __init__(self, storage: Tree, scan: RepositoryScan) -> None:
        self._storage = storage
        self._top = f"{scan.path}/{REVISIONS}"

    def __contains__(self, digest: object) -> bool:
        return self._storage.has(f"{self._top}/{str(digest).replace(':', '/', 1)}/link")
