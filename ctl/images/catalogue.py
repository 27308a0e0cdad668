"""Lists repositories and their tags while a registry serves."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ctl.collector.filesystem import Link, RepositoryScan
from ctl.collector.layout import CURRENT, is_digest
from ctl.collector.tree import Tree
from ctl.images.facts import Facts, Images
from ctl.images.parallel import each

_LINK_SIZE = 1_024
_PATIENCE_SECONDS = 0.02
"""A registry that writes a link anew cuts it first: an empty one is read again."""
_ABOUT = re.compile(r"(sha256|sha512)-([a-f0-9]{64}|[a-f0-9]{128})(?:\.([A-Za-z0-9_.-]+))?")
"""Tags of signatures, attestations and SBOMs (cosign), and of referrers where a registry has no API for them (OCI)."""
_KINDS = {"sig": "signature", "att": "attestation", "sbom": "SBOM", "": "referrers"}


@dataclass(slots=True)
class Tag:
    """A tag.

    Args:
        repository: that it is in.
        name: of the tag.
        digest: that it names; "" where nobody knows.
        pushed: nanoseconds since 1970 when its link was last written, by the storage's clock; None if it is missing.
        identity: of its link: another one, another content.
        problem: why the digest is not known, or "".
    """

    repository: str
    name: str
    digest: str
    pushed: int | None
    identity: tuple[int, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class About:
    """What a tag says by its name: that its manifest is about another one.

    Args:
        subject: digest of the other one.
        kind: as "signature".
    """

    subject: str
    kind: str


def about(tag: str) -> About | None:
    """What a tag like `sha256-….sig` is about; None for one with another name."""
    match = _ABOUT.fullmatch(tag) if tag.startswith("sha") else None
    digest = f"{match[1]}:{match[2]}" if match else ""
    if match is None or not is_digest(digest):
        return None
    suffix = match[3] or ""
    return About(digest, _KINDS.get(suffix, suffix))


def repositories(storage: Tree) -> Iterator[RepositoryScan]:
    """The repositories that hold something, or that cannot be read."""
    for scan in storage.repositories():
        if scan.revisions or scan.tags or (scan.damages and (scan.name or not _is_empty(storage, scan.path))):
            yield scan


def _is_empty(storage: Tree, top: str) -> bool:
    """Whether nothing was ever pushed: then the folder of all repositories is missing or empty."""
    if not storage.cheap:
        return True  # a listing that could not be had is an error
    try:
        with os.scandir(top) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return not os.path.islink(top)  # noqa: PTH114 - one to a disk that is not mounted is something
    except OSError:
        return False


def tags(
    storage: Tree, scan: RepositoryScan, digest_in: Callable[[Link], str] | None = None
) -> Iterator[Tag]:
    """The tags of a repository, in no order.

    Args:
        storage: of it.
        scan: of it.
        digest_in: finds the digest in a link, as `link_digest`.
    """
    revisions = {link.name for link in scan.revisions}
    read = digest_in or partial(link_digest, storage)
    return each(storage, lambda link: read_tag(scan.name, link, revisions, read), scan.tags)


def read_tag(repository: str, link: Link, revisions: set[str], digest_in: Callable[[Link], str]) -> Tag:
    """Read one tag.

    Args:
        repository: that it is in.
        link: its link.
        revisions: the manifests of the repository; what is not among them a registry does not serve.
        digest_in: finds the digest in its link.
    """
    if not link.identity:
        return Tag(repository, link.name, "", None, problem="it has no link to a manifest")
    try:
        digest = digest_in(link)
    except OSError as error:
        why = error.strerror or str(error)
        return Tag(repository, link.name, "", link.mtime, link.identity, why)
    if not digest:
        return Tag(repository, link.name, "", link.mtime, link.identity, "its link holds no digest")
    problem = "" if digest in revisions else f"it names {digest}, which is no manifest of this repository"
    return Tag(repository, link.name, digest, link.mtime, link.identity, problem)


def link_digest(storage: Tree, link: Link) -> str:
    """The digest in a link, or "".

    Raises:
        OSError: it cannot be read.
    """
    content = storage.read_link(link, _LINK_SIZE)
    if not content:
        time.sleep(_PATIENCE_SECONDS)
        content = storage.read_link(link, _LINK_SIZE)
    text = content.decode("ascii", "replace")
    return text if is_digest(text) else ""


def tag_folder(tag: Link) -> str:
    """The folder of a tag."""
    return tag.path.removesuffix(f"/{CURRENT}")


def tags_and_facts(images: Images, scan: RepositoryScan) -> list[tuple[Tag, Facts]]:
    """The tags of a repository, each with what is known of its image."""
    found = list(tags(images.storage, scan))
    return list(zip(found, each(images.storage, lambda tag: facts_of(images, tag), found), strict=True))


def facts_of(images: Images, tag: Tag) -> Facts:
    """What is known of the image that a tag names."""
    if tag.problem:
        return Facts(tag.digest, "unknown", None, None, problem=tag.problem)
    return images.facts(tag.digest)
