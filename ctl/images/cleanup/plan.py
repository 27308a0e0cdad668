"""What a clean-up would remove, and why each tag goes or stays: the same for a dry run, an explanation, and the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ctl.collector.damage import Damage
from ctl.collector.filesystem import Filesystem, RepositoryScan
from ctl.collector.manifest import reached
from ctl.collector.manifests import Manifests
from ctl.collector.readable import readable
from ctl.collector.reading import Reader, Repository
from ctl.collector.second_process import in_two
from ctl.collector.tree import tree_of
from ctl.cycles import no_cycles_sought
from ctl.images.catalogue import about, repositories
from ctl.images.cleanup.memory import Look, Memory
from ctl.images.cleanup.policy import Candidate, Matcher, Rule, Verdict
from ctl.images.cleanup.tagged import TagTree
from ctl.images.facts import Images
from ctl.images.parallel import each
from ctl.images.references import is_tag
from ctl.storage.store import Store

_SHARE = 500
"""Tags that one process looks at before another one's are added."""


@dataclass
class RepositoryPlan:
    """What becomes of the tags of one repository.

    Args:
        scan: as it was looked at.
        policy: pattern of the policy that holds, or "".
        verdicts: one for each tag.
        removed: the tags that go, each with the digest that it names.
        confirmed: whether it may lose as many as it would.
    """

    scan: RepositoryScan
    policy: str
    verdicts: list[Verdict] = field(default_factory=list)
    removed: dict[str, str] = field(default_factory=dict)
    confirmed: bool = True

    @property
    def name(self) -> str:
        """Of the repository."""
        return self.scan.name

    @property
    def share(self) -> float:
        """Which part of its tags goes; signatures and the like do not count."""
        counted = [one for one in self.verdicts if one.rule is not Rule.SUBJECT]
        return sum(one.removed for one in counted) / len(counted) if counted else 0.0

    def as_json(self, *, explain: bool) -> dict[str, Any]:
        """For `--json`."""
        found = {
            "repository": readable(self.name),
            "policy": self.policy or None,
            "tags": len(self.verdicts),
            "removed": sorted(readable(one) for one in self.removed),
            "share": round(self.share, 4),
            "confirmed": self.confirmed,
        }
        return found | ({"verdicts": [one.as_json() for one in self.verdicts]} if explain else {})


class Planner:
    """Makes plans for a storage.

    Args:
        place: its folder, or the client of object storage.
        matchers: the policies; the first that is for a repository holds.
        now: nanoseconds since 1970, by the storage's clock.
    """

    def __init__(self, place: str | Store, matchers: Sequence[Matcher], now: int) -> None:
        self._whole = tree_of(place)
        self._storage = TagTree(self._whole.root) if isinstance(self._whole, Filesystem) else self._whole
        self._matchers = matchers
        self._now = now
        self.memory = Memory(Images(self._storage))
        self.damages: list[Damage] = []

    def plans(self, wanted: Callable[[str], bool], advance: Callable[[], None]) -> list[RepositoryPlan]:
        """Plans for the repositories that a policy is for.

        Args:
            wanted: whether a repository was asked for.
            advance: called with each.
        """
        with no_cycles_sought(), self.memory.opened():
            return sorted(self._plans(wanted, advance), key=lambda plan: plan.name)

    def _plans(self, wanted: Callable[[str], bool], advance: Callable[[], None]) -> Iterator[RepositoryPlan]:
        for scan in repositories(self._storage):
            self.damages += [one for one in scan.damages if one.blocks or wanted(scan.name)]
            matcher = next((one for one in self._matchers if one.applies_to(readable(scan.name))), None)
            if matcher is not None and scan.name and wanted(scan.name):
                yield self.plan(scan, matcher)
            advance()

    def plan(self, scan: RepositoryScan, matcher: Matcher) -> RepositoryPlan:
        """A plan for one repository."""
        found = RepositoryPlan(scan, matcher.policy.repositories)
        judged: list[Candidate] = []
        followers: list[str] = []
        digests: dict[str, str] = {}
        by_push = matcher.policy.date == "pushed"
        for link, (identity, digest, problem, created, _) in zip(scan.tags, self._looks(scan), strict=True):
            name = link.name
            digests[name] = digest
            if identity:
                link.identity, link.mtime = identity, identity[2]
            if about(name):
                followers.append(name)
            else:
                why = problem or ("" if is_tag(name) else "no tag can be called so")
                judged.append(Candidate(name, link.mtime if by_push else created, why))
        found.verdicts = matcher.decide(judged, self._now)
        found.verdicts += self._follow(scan, followers, found.verdicts, digests)
        found.removed = {one.tag: digests[one.tag] for one in found.verdicts if one.removed}
        return found

    def _looks(self, scan: RepositoryScan) -> list[Look]:
        look = self.memory.looker(scan)
        storage = self._storage
        found = list(in_two(look, scan.tags, _SHARE) if storage.cheap else each(storage, look, scan.tags))
        self.memory.learn(scan, found)
        if self._storage.cheap and any(problem for _, _, problem, _, _ in found):
            whole = self._whole.repository(scan.name)
            self.damages += [one for one in whole.damages if one not in scan.damages] if whole else []
        return found

    # --- signatures and the like

    def _follow(
        self, scan: RepositoryScan, followers: list[str], verdicts: list[Verdict], digests: Mapping[str, str]
    ) -> list[Verdict]:
        """They stay for as long as a tag that stays leads to their subject, and go when the last one goes."""
        if not followers:
            return []
        unknown = next((one for one in verdicts if one.rule is Rule.UNRESOLVED), None)
        if unknown is not None:
            why = f"tag {unknown.tag} cannot be read: it may lead to the subject"
            return [Verdict(tag, False, Rule.SUBJECT, why) for tag in followers]
        whole = self._whole.repository(scan.name) or scan
        read = Reader(self._whole, Manifests(self._whole)).read(whole)
        if read.whole:
            why = "something of the repository cannot be read: it may need the subject"
            return [Verdict(tag, False, Rule.SUBJECT, why) for tag in followers]
        stays = {digests[one.tag] for one in verdicts if not one.removed}
        goes = {digests[one.tag] for one in verdicts if one.removed}
        return _followers(read, {tag: digests[tag] for tag in followers}, stays, goes)


def _followers(
    read: Repository, followers: Mapping[str, str], stays: set[str], goes: set[str]
) -> list[Verdict]:
    kept, gone = _closure(read, followers, stays), _closure(read, followers, goes)
    found = []
    for tag in followers:
        noted = about(tag)
        subject = noted.subject if noted else ""
        removed = subject in gone and subject not in kept
        why = "goes with its subject" if removed else "stays with its subject"
        if subject not in gone and subject not in kept:
            why = "no tag leads to its subject" if subject in read.revisions else "its subject is not here"
        found.append(Verdict(tag, removed, Rule.SUBJECT, why))
    return found


def _closure(read: Repository, followers: Mapping[str, str], roots: set[str]) -> set[str]:
    """What some digests lead to, also by way of signatures (a signature may be signed)."""
    referrers = read.manifests.keys() & read.revisions.keys()
    found = reached(read.manifests, roots, referrers)
    while True:
        more = {
            digest for tag, digest in followers.items() if (noted := about(tag)) and noted.subject in found
        } - found
        if not more:
            return found
        found = reached(read.manifests, found | more, referrers)
