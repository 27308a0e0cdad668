"""A storage on a file system as a clean-up looks at it: all tags, and of manifests only those that tags name.

A repository may have 100,000 of either; of so many each look counts.
"""

from __future__ import annotations

import os

from ctl.collector.filesystem import Filesystem, Link, RepositoryScan, is_gone
from ctl.collector.layout import CURRENT, TAGS


class TagTree(Filesystem):
    """A storage whose scans name tags, but have looked at none; at manifests only where there is no tag."""

    def _look_at_revisions(self, found: RepositoryScan) -> None:
        """Not before it is known whether there is a tag."""

    def _look_at_tags(self, found: RepositoryScan) -> None:
        folder = f"{found.path}/{TAGS}"
        names = self._tag_names(folder, found)
        found.tags += [Link(f"{folder}/{name}/{CURRENT}", name, 0, ()) for name in names]
        if not found.tags:
            super()._look_at_revisions(found)

    @staticmethod
    def identity(link: Link) -> tuple[int, ...]:
        """The identity of a link; () where it is missing.

        Raises:
            OSError: it cannot be looked at.
        """
        try:
            info = os.stat(link.path)  # noqa: PTH116 - as in the reader
        except OSError as error:
            if is_gone(error, link.path):
                return ()
            raise
        return info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns

    def has(self, path: str) -> bool:
        """See Tree. To ask for less than all that `stat` says takes half of the time."""
        return os.access(path, os.F_OK) or super().has(path)
