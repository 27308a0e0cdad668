"""A clean-up as the command and its report see it: which policies hold, whom to ask, what is printed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ctl.cli.collections import count
from ctl.collector.readable import readable
from ctl.collector.report import Report
from ctl.errors import UsageFault
from ctl.images.cleanup.plan import RepositoryPlan
from ctl.images.cleanup.policy import Matcher, Policy, compiled, loose_alternatives, pattern_of
from ctl.images.removal import Removed
from ctl.images.usage.usage import when
from ctl.output import Console
from ctl.settings.types.quantities import lifetime_seconds

_NANO = 10**9


def policies_of(given: Iterable[Mapping[str, Any]]) -> list[Policy]:
    """The policies of `registry_cleanup["policies"]`."""
    found = []
    for one in given:
        values = dict(one)
        if "older_than" in values:
            values["older_than"] = lifetime_seconds(values["older_than"]) * _NANO
        found.append(Policy(**values))
    return found


def matchers_of(policies: Sequence[Policy], console: Console) -> list[Matcher]:
    """The policies with their expressions compiled.

    Raises:
        UsageFault: there is none, or an expression is wrong.
    """
    if not policies:
        raise UsageFault(
            "there is no policy by which tags could be removed",
            hint='Set registry_cleanup["policies"], or give --name-regex with --keep-n or --older-than.',
        )
    for policy in policies:
        for name in ("name_regex", "name_regex_keep"):
            text = getattr(policy, name)
            if loose_alternatives(text):
                console.note(
                    f"warning: {policy}: {name} {text} is anchored at its ends only, as in GitLab: what is left of "
                    f"the first | must begin a tag, what is right of the last must end one; write ({text}) for "
                    "whole names"
                )
    return [Matcher(policy) for policy in policies]


def wanted_by(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a repository was asked for, by name or pattern."""
    expressions = [compiled("REPOSITORY", pattern_of(one)) for one in patterns]
    return lambda name: not expressions or any(one.search(readable(name)) for one in expressions)


@dataclass
class Outcome:
    """What a clean-up did, or would do.

    Args:
        plans: for each repository.
        dry_run: whether nothing was changed.
        removed: what went into quarantine.
        collection: what the collection at the end did; None where there was none.
        keep_for: nanoseconds for which it can be brought back.
        problem: why the collection failed, or "".
    """

    plans: list[RepositoryPlan]
    dry_run: bool
    removed: Removed = field(default_factory=Removed)
    collection: Report | None = None
    keep_for: int = 0
    problem: str = ""

    @property
    def refused(self) -> list[RepositoryPlan]:
        """The repositories that were left alone, as they would have lost too much."""
        return [plan for plan in self.plans if not plan.confirmed]

    @property
    def freed_after(self) -> str | None:
        """The time from which on a collection frees the space, as RFC 3339 has it; None where nothing went."""
        return when(time.time_ns() + self.keep_for) if self.removed.run else None

    def as_json(self, *, explain: bool) -> dict[str, Any]:
        """For `--json`."""
        removed = self.removed.as_json()
        return {
            "dry_run": self.dry_run,
            "run": self.removed.run,
            "tags_deleted": self._tags(),
            "manifests_deleted": removed["manifests_deleted"],
            "kept": self.removed.kept,
            "repositories": [plan.as_json(explain=explain) for plan in self.plans],
            "collection": self.collection.as_json() if self.collection else None,
            "freed_after": self.freed_after,
        }

    def _tags(self) -> int:
        if self.dry_run:
            return sum(len(plan.removed) for plan in self.plans if plan.confirmed)
        return len(self.removed.tags)

    def lines(self) -> Iterator[str]:
        """The report for people."""
        judged = sum(len(plan.verdicts) for plan in self.plans)
        within = f"{count(judged, 'tag')} of {count(len(self.plans), 'repository')}"
        if self.dry_run:
            refused = sum(len(plan.removed) for plan in self.refused)
            more = f", {count(refused, 'tag')} more with --yes" if refused else ""
            yield f"would remove {count(self._tags(), 'tag')}{more}; there are {within}"
            return
        if not self.removed.run:
            yield f"nothing to remove; looked at {within}"
            return
        manifests = count(len(self.removed.manifests), "manifest")
        yield f"removed {count(self._tags(), 'tag')} and {manifests}; looked at {within}"
        yield f"    ctl registry-cleanup --undo {self.removed.run} brings them back"
        if self.freed_after:
            yield f"space is freed by the first collection after {self.freed_after}"


def explanation(plan: RepositoryPlan) -> str:
    """For each tag of a repository, the rule that kept or removed it; one text, as there may be 100,000."""
    width = max((len(one.tag) for one in plan.verdicts), default=0)
    lines = [f"{readable(plan.name)} (policy of {plan.policy})"]
    lines += [
        f"  {readable(one.tag):<{width}}  {'removed' if one.removed else 'kept   '}  {one.rule}: {one.why}"
        for one in plan.verdicts
    ]
    return "\n".join(lines)
