"""Decides which manifests of a repository survive: pure, and in doubt for survival."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from ctl.collector.manifest import Manifest, reached


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
    return known & reached(repository.manifests, repository.tagged, repository.manifests)


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
