"""Repositories as nearly all are: each link is sound, each manifest is there, and all of them stay.

What these need is found without a model of each image, in a third of the time. Anything else is for `reading`.
"""

from __future__ import annotations

from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import HEX_LENGTH
from ctl.collector.manifest import described
from ctl.collector.manifests import Manifests, Unreadable
from ctl.collector.remembered import Needs, newest

_SHA256 = "sha256:"
_LENGTH = len(_SHA256) + HEX_LENGTH["sha256"]


def usual_needs(scan: RepositoryScan, manifests: Manifests, *, untagged: bool) -> Needs | None:
    """What a repository needs, where what its links hold is known.

    Args:
        scan: its links.
        manifests: of the storage.
        untagged: whether manifests that no tag leads to may go: then each must be tagged.

    Returns:
        None where anything is unusual.
    """
    names = {link.name for link in scan.revisions}
    tagged = {link.target for link in scan.tags}
    if not tagged <= names or (untagged and tagged != names) or not all(map(_is_sound, scan.revisions)):
        return None
    sizes: dict[str, int] = {}
    needed = {name.removeprefix(_SHA256) for name in names}
    for name in names:
        try:
            content = manifests.content(name)
        except Unreadable:
            return None
        found, is_index = described(content)
        if not found or (is_index and not names.issuperset(f"{_SHA256}{one}" for one in found)):
            return None
        sizes[name] = len(content)
        needed.update(found)
    return Needs(newest(scan), sizes, bytes.fromhex("".join(needed)))


def _is_sound(link: Link) -> bool:
    return link.target == link.name and len(link.name) == _LENGTH
