"""Decides which manifests of a repository stay, and which blobs they need. In doubt, all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ctl.collector.manifest import reached
from ctl.collector.reading import Repository


@dataclass(frozen=True)
class Kept:
    """What a repository needs.

    Args:
        blobs: digests of its manifests and of all that these refer to.
        untagged: the manifests that may go.
    """

    blobs: set[str]
    untagged: list[str]


def keep(
    repository: Repository, *, untagged: bool, absent: Iterable[str] = (), deleted: Iterable[str] = ()
) -> Kept:
    """Find out what a repository needs.

    Args:
        repository: as it was read.
        untagged: whether manifests that no tag leads to may go: those that are neither tagged nor young, nor in an
            index that stays, nor about a manifest that stays (referrers), at any depth.
        absent: those of its manifests that are in quarantine: they stay there unless something leads to them.
        deleted: those of them that do not come back because they are about a manifest that stays.
    """
    away = set(absent)
    present = [digest for digest in repository.revisions if digest not in away]
    whole = repository.whole or not untagged
    needed = set(repository.more)
    if whole and not away:
        leads_to = {*repository.revisions, *repository.tagged, *repository.manifests}  # everything stays
    else:
        roots = {*repository.tagged, *repository.young - away, *(present if whole else ())}
        referrers = (repository.manifests.keys() & set(repository.revisions)) - (away & set(deleted))
        leads_to = reached(repository.manifests, roots, referrers)
    needed |= leads_to
    needed.update(*(one.references for digest, one in repository.manifests.items() if digest in leads_to))
    return Kept(needed, [digest for digest in present if digest not in leads_to])
