"""Repositories as nearly all are: each link is sound, each manifest is there, and those that may go are images.

What these need is found with as few calls of the system as there can be, and without a model of each image. Anything
else is for `filesystem` and `reading`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from ctl.collector.files import read_small, read_with_facts
from ctl.collector.filesystem import RepositoryScan, fingerprint_of
from ctl.collector.layout import BLOBS, CURRENT, REVISIONS, TAGS, is_digest
from ctl.collector.manifest import described
from ctl.collector.marks import RAW
from ctl.collector.remembered import newest

_ALGORITHM = "sha256"
_LINK, _SMALL = 1_024, 16 * 1024
"""Bytes; a digest has less than the first, most manifests have less than the second."""
Usual = tuple[bytes, tuple[int, dict[str, int], bytes], list[str], bool]
"""A repository's fingerprint, its `Needs`, its manifests that may go, and whether more may go later."""
_Link = tuple[str, str, tuple[int, ...]]
"""The name of a link's folder, what the link holds, and its identity."""


class _Unusual(Exception):
    """Something is not as nearly always."""


def usual_needs(found: RepositoryScan, root: str, may_go_until: int | None) -> Usual | None:
    """What a repository needs.

    Args:
        found: the repository; only its place is looked at.
        root: of the storage.
        may_go_until: nanoseconds; what was pushed until then and has no tag may go. None for nothing.

    Returns:
        None where anything is unusual.
    """
    try:
        revisions, tags = _revisions(f"{found.path}/{REVISIONS}"), _tags(f"{found.path}/{TAGS}")
        tagged, names = {target for _, target, _ in tags}, {target for _, target, _ in revisions}
        if not tagged <= names:
            return None
        loose = [] if may_go_until is None else [one for one in revisions if one[1] not in tagged]
        old = [
            name for name, _, identity in loose if may_go_until is not None and identity[2] <= may_go_until
        ]
        sizes, blobs = _needs([name for name, _, _ in revisions], {*old}, f"{root}/{BLOBS}/{_ALGORITHM}")
    except (OSError, _Unusual):
        return None
    links = [(target, identity) for _, target, identity in revisions]
    links += [(name, identity) for name, _, identity in tags]
    untagged = [f"{_ALGORITHM}:{name}" for name in old]
    facts = newest(identity for _, identity in links), sizes, blobs
    return fingerprint_of(links, has_layers=found.has_layers), facts, untagged, len(loose) > len(old)


def _revisions(folder: str) -> list[_Link]:
    if os.listdir(folder) != [_ALGORITHM]:  # noqa: PTH208 - of 100,000 links, what is done for each counts
        raise _Unusual
    found = list(_links(f"{folder}/{_ALGORITHM}", "link"))
    if any(target != f"{_ALGORITHM}:{name}" for name, target, _ in found):
        raise _Unusual
    return found


def _tags(folder: str) -> list[_Link]:
    found = list(_links(folder, CURRENT))
    if any(name[0] == "." for name, _, _ in found):
        raise _Unusual
    return found


def _links(folder: str, link: str) -> Iterator[_Link]:
    """The links in each folder of one. That of a manifest may be missing: it was deleted."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in os.listdir(descriptor):  # noqa: PTH208 - as above
            try:
                content, info = read_with_facts(f"{name}/{link}", _LINK, descriptor)
            except FileNotFoundError:
                if not is_digest(f"{_ALGORITHM}:{name}") or os.path.lexists(f"{folder}/{name}/{link}"):
                    raise
                continue
            mtime = info.st_mtime_ns
            identity = (info.st_ino, info.st_size, mtime, info.st_ctime_ns)
            yield name, content.decode("latin-1"), identity
    finally:
        os.close(descriptor)


def _needs(names: list[str], go: set[str], blobs: str) -> tuple[dict[str, int], bytes]:
    """The size of each manifest, and the digests of all that those need that stay, in bytes after each other."""
    sizes, known = {}, {name.encode() for name in names}
    gone = {name.encode() for name in go}
    needed = known - gone
    for name in names:
        content = read_small(f"{blobs}/{name[:2]}/{name}/data", _SMALL)
        found, is_index = described(content)
        if not found or hashlib.sha256(content).hexdigest() != name:
            raise _Unusual
        if is_index and (go or not known.issuperset(found)):
            raise _Unusual
        sizes[f"{_ALGORITHM}:{name}"] = len(content)
        if name not in go:
            needed.update(found)
    if not gone.isdisjoint(needed):
        raise _Unusual
    try:
        raw = bytes.fromhex(b"".join(needed).decode())
    except ValueError as error:  # a text as long as a digest
        raise _Unusual from error
    if len(raw) != RAW * len(needed):
        raise _Unusual
    return sizes, raw
