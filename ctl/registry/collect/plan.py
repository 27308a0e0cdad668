"""Decides which manifests of a repository survive: pure, and in doubt for survival."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any


@dataclass(frozen=True)
class Manifest:
    """A manifest, as far as it matters what it refers to.

    Args:
        digest: its own.
        size: bytes.
        references: digests that it needs: manifests of an index, config, layers.
        subject: digest of the manifest that it says something about (a signature, an SBOM), or None.
        sizes: the sizes that it tells of what it needs, by digest.
    """

    digest: str
    size: int
    references: tuple[str, ...] = ()
    subject: str | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


def read_manifest(digest: str, content: bytes) -> Manifest:
    """Read a manifest of any kind: OCI, Docker schema 2 and 1, list, index, artifact.

    Media types are passed over: whatever has a descriptor is referred to, however its writer spelled types.

    Raises:
        ValueError: it is not a JSON object.
    """
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError(f"{digest} is no manifest")
    sizes: dict[str, int] = {}
    references: dict[str, None] = {}
    for descriptor in _descriptors(document):
        name = descriptor.get("digest", descriptor.get("blobSum"))
        if isinstance(name, str):
            references[name] = None
            if isinstance(descriptor.get("size"), int):
                sizes[name] = descriptor["size"]
    subject = document.get("subject")
    about = subject.get("digest") if isinstance(subject, dict) else None
    return Manifest(digest, len(content), tuple(references), about if isinstance(about, str) else None, sizes)


def _descriptors(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("config", "manifests", "layers", "fsLayers", "blobs"):
        value = document.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield one


@dataclass(frozen=True)
class Repository:
    """The manifests of one repository.

    Args:
        name: of the repository.
        manifests: every manifest that could be read, by digest.
        tagged: digests that tags name.
        unreadable: digests of manifests that could not be read: nobody knows what they need.
    """

    name: str
    manifests: Mapping[str, Manifest]
    tagged: frozenset[str]
    unreadable: frozenset[str] = frozenset()


def survivors(repository: Repository) -> set[str]:
    """The digests of the manifests that must stay.

    They are: what a tag names; what a survivor refers to, through indexes of any depth; what is
    about a survivor (OCI image specification, `subject`), with all that it needs in turn. Everything, where
    something could not be read.
    """
    known = repository.manifests.keys() | repository.tagged | repository.unreadable
    if repository.unreadable:
        return set(known)
    about: dict[str, list[str]] = {}
    for manifest in repository.manifests.values():
        if manifest.subject is not None:
            about.setdefault(manifest.subject, []).append(manifest.digest)
    found: set[str] = set()
    pending = [*repository.tagged]
    while pending:
        digest = pending.pop()
        if digest in found:
            continue
        found.add(digest)
        if digest in repository.manifests:
            pending += repository.manifests[digest].references
        pending += about.get(digest, ())
    return found & known


def doomed(repository: Repository) -> list[Manifest]:
    """The manifests that go."""
    keep = survivors(repository)
    return [manifest for digest, manifest in repository.manifests.items() if digest not in keep]


def waves(manifests: Iterable[Manifest]) -> Iterator[list[Manifest]]:
    """The order in which manifests are deleted: each comes in an earlier wave than what it refers to.

    An interruption so leaves a whole image or an untagged part, never an index without its parts.
    """
    known = {manifest.digest: manifest for manifest in manifests}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(known, ()))
    for manifest in known.values():
        inner = (*manifest.references, *([manifest.subject] if manifest.subject else []))
        for digest in known.keys() & inner:
            sorter.add(digest, manifest.digest)
    try:
        sorter.prepare()
    except CycleError:  # impossible for content named by its own hash; then no order is the right one
        yield list(known.values())
        return
    while sorter.is_active():
        ready = sorter.get_ready()
        yield [known[digest] for digest in ready]
        sorter.done(*ready)
