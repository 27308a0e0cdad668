"""Tags in object storage, where several objects are one tag and nothing moves them at once.

A registry that pushes a tag first writes `index/ALGORITHM/HEX/link`, then `current/link`. So a tag whose newest object
is some seconds old is not just being pushed; and what is there after it was taken away is a push that came meanwhile.
Where that push's `current/link` was taken with the rest, its `index` names the digest, and the link is written again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from ctl.collector.filesystem import Link
from ctl.collector.layout import CURRENT, is_digest
from ctl.collector.objects import Objects
from ctl.images.catalogue import link_digest, tag_folder

_SETTLED = 2
"""Seconds after which a push has written both objects of its tag; most storage gives whole seconds."""
_BETWEEN = 0.5
"""Seconds within which a push that has written the first object writes the second."""


@dataclass(frozen=True)
class ObjectTags:
    """Looks at tags around their removal.

    Args:
        storage: that they are in.
    """

    storage: Objects

    def is_settled(self, link: Link, digest: str, now: int) -> bool:
        """Whether a tag still names a digest, and nobody is just pushing it. Waits for a push that has just ended.

        Args:
            link: of the tag.
            digest: that it must name; "" for a damaged one.
            now: the time by the storage's clock.
        """
        newest = max((one.mtime for one in self.storage.store.list(f"{tag_folder(link)}/")), default=0)
        age = (now - newest) / 10**9
        if age < _SETTLED:
            time.sleep(min(_SETTLED, _SETTLED - age))
        if not link.identity:
            return not self.storage.has(link.path)
        with suppress(OSError):
            return link_digest(self.storage, Link(link.path, link.name, 0, link.identity)) == digest
        return False

    def mend(self, link: Link) -> bool:
        """Whether the tag was pushed while it was removed; then it names what was pushed."""
        folder = tag_folder(link)
        if not any(True for _ in self.storage.store.list(f"{folder}/")):
            return False
        time.sleep(_BETWEEN)
        found = {one.key: one.mtime for one in self.storage.store.list(f"{folder}/")}
        former = {key: mtime for key, mtime in found.items() if key.startswith(f"{folder}/index/")}
        if f"{folder}/{CURRENT}" not in found and former:
            newest = max(former, key=lambda key: former[key])
            digest = ":".join(newest.split("/")[-3:-1])
            if is_digest(digest):
                self.storage.store.write(f"{folder}/{CURRENT}", [digest.encode()])
        return True
