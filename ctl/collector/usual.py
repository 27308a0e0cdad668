"""Repositories as nearly all are: each link is sound, each manifest is there, and all of them stay.

What these need is found without a model of each image, in a third of the time. Anything else is for `reading`.
"""

from __future__ import annotations

from ctl.collector.files import read_small
from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import HEX_LENGTH, blob_folder
from ctl.collector.manifest import described, verify
from ctl.collector.marks import RAW
from ctl.collector.remembered import Needs, newest
from ctl.collector.tree import Tree

_SHA256 = "sha256:"
_LENGTH = len(_SHA256) + HEX_LENGTH["sha256"]
_SMALL = 16 * 1024
"""Bytes; most manifests have less."""


def usual_needs(scan: RepositoryScan, storage: Tree, *, untagged: bool) -> Needs | None:
    """What a repository needs, where a scan has read its links.

    Args:
        scan: of the repository.
        storage: that it is in, where to read a file costs next to nothing.
        untagged: whether manifests that no tag leads to may go: then each must be tagged.

    Returns:
        None where anything is unusual.
    """
    names = {link.name for link in scan.revisions}
    tagged = {link.target for link in scan.tags}
    if not tagged <= names or (untagged and tagged != names) or not all(map(_is_sound, scan.revisions)):
        return None
    needed, sizes = {name.removeprefix(_SHA256).encode() for name in names}, {}
    for name in names:
        try:
            content = read_small(storage.path(f"{blob_folder(name)}/data"), _SMALL)
            verify(name, content)
        except (OSError, ValueError):
            return None
        found, is_index = described(content)
        if not found or (is_index and not names.issuperset(f"{_SHA256}{one.decode()}" for one in found)):
            return None
        sizes[name] = len(content)
        needed.update(found)
    blobs = _raw(needed)
    return Needs(newest(scan), sizes, blobs) if len(blobs) == RAW * len(needed) else None


def _is_sound(link: Link) -> bool:
    return link.target == link.name and len(link.name) == _LENGTH


def _raw(names: set[bytes]) -> bytes:
    try:
        return bytes.fromhex(b"".join(names).decode())
    except ValueError:  # a text as long as a digest
        return b""
