"""What a deletion takes: a tag, a manifest with its tags and signatures, or a repository."""

from __future__ import annotations

from dataclasses import dataclass, field

from ctl.cli.images import find_digest, find_repository, find_tag
from ctl.collector.filesystem import RepositoryScan
from ctl.collector.manifests import Manifests
from ctl.collector.reading import Reader
from ctl.collector.tree import Tree
from ctl.errors import PreflightError
from ctl.images.catalogue import about, tags
from ctl.images.references import Reference
from ctl.images.removal import Remover, parents


@dataclass
class Plan:
    """What must go.

    Args:
        wanted: as it was named.
        scan: of the repository.
        what: all of it, in words.
        tags: that go, each with the digest that it names.
    """

    wanted: Reference
    scan: RepositoryScan
    what: str
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What is asked before."""
        return f"delete {self.what}?"

    def carry_out(self, remover: Remover) -> None:
        """Remove it."""
        remover.tags(self.scan, self.tags)
        if self.wanted.digest:
            remover.manifest(self.scan.name, self.wanted.digest)
        elif not self.wanted.tag:
            remover.repository(self.scan)


def make_plan(storage: Tree, wanted: Reference) -> Plan:
    """Find out what must go.

    Args:
        storage: of the registry.
        wanted: what was named.

    Raises:
        UsageFault: there is nothing such.
        PreflightError: an index needs it.
    """
    scan = find_repository(storage, wanted.repository)
    if wanted.tag:
        tag = find_tag(storage, scan, wanted.tag)
        stays = "its manifest stays" if tag.digest else f"it is damaged: {tag.problem}"
        return Plan(wanted, scan, f"tag {wanted} ({stays})", {wanted.tag: tag.digest})
    if wanted.digest:
        return _plan_manifest(storage, scan, wanted, find_digest(scan, wanted.digest))
    what = f"repository {wanted} with {len(scan.tags):,} tags and {len(scan.revisions):,} manifests"
    return Plan(wanted, scan, what)


def _plan_manifest(storage: Tree, scan: RepositoryScan, wanted: Reference, digest: str) -> Plan:
    above = parents(Reader(storage, Manifests(storage)).read(scan), digest)
    if above:
        raise PreflightError(
            f"{wanted} is one of the images of {above[0]}, which could not be pulled any more",
            hint=f"Delete that first: ctl registry-delete {wanted.repository}@{above[0]}",
        )
    all_tags = list(tags(storage, scan))
    gone = {tag.name: tag.digest for tag in all_tags if tag.digest == digest}
    for tag in all_tags:
        noted = about(tag.name)
        if noted is not None and noted.subject == digest:
            gone[tag.name] = tag.digest
    named = f" with its tags {', '.join(sorted(gone))}" if gone else ""
    return Plan(wanted, scan, f"manifest {wanted}{named}", gone)
