"""How long `ctl registry-cleanup --explain` takes for many tags of one repository.

    python -m benchmarks.cleanup --tags 100000

Aim: 100,000 tags explained in 2 s. Three times are printed: of the policy with its explanations alone; of the whole
from the files, with dates and tags remembered by an earlier run; and of the whole for the first time. Each as it
passed, and of the processor, by which a machine with other work can be compared.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ctl.cli.cleanup import explanation
from ctl.images.cleanup.plan import Planner, RepositoryPlan
from ctl.images.cleanup.policy import Candidate, Matcher, Policy
from tests.harness import images
from tests.harness.registry_store import Store

DAY = 86_400 * 10**9
POLICY = Policy(name_regex=".*", name_regex_keep="(v.+|main|release-.*)", keep_n=10, older_than=30 * DAY)


def fill(store: Store, tags: int) -> None:
    """Write a repository with so many tags, each of an image of its own."""
    for number in range(tags):
        created = datetime.now(UTC) - timedelta(minutes=number)
        store.push("group/app", images.dated(f"{number}", created.isoformat()), f"build-{number}")


def seconds(work: Callable[[], object]) -> str:
    """How long something takes."""
    started, busy = time.perf_counter(), time.process_time()
    work()
    return f"{time.perf_counter() - started:.2f} s (processor {time.process_time() - busy:.2f} s)"


def policy_alone(tags: int) -> None:
    """Decide and explain tags that are in memory."""
    dates = [random.randrange(400) * DAY for _ in range(tags)]  # noqa: S311 - no secret
    candidates = [Candidate(f"build-{number}", date) for number, date in enumerate(dates)]
    _text(Matcher(POLICY), candidates)


def _text(matcher: Matcher, candidates: list[Candidate]) -> str:
    verdicts = matcher.decide(candidates, 400 * DAY)
    return "\n".join(f"{one.tag}  {one.removed}  {one.rule.value}: {one.why}" for one in verdicts)


def whole(root: Path) -> list[RepositoryPlan]:
    """Read, decide, explain."""
    planner = Planner(str(root), [Matcher(POLICY)], time.time_ns())
    plans = planner.plans(lambda _: True, lambda: None)
    for plan in plans:
        explanation(plan)
    return plans


def remember(root: Path) -> None:
    """Let an earlier run have read the dates."""
    planner = Planner(str(root), [Matcher(POLICY)], time.time_ns())
    planner.plans(lambda _: True, lambda: None)
    planner.memory.remember()


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, default=100_000)
    tags = parser.parse_args().tags
    print(f"{tags:,} tags: policy and explanation {seconds(lambda: policy_alone(tags))}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ctl-benchmark-") as folder:
        store = Store(Path(folder, "images"))
        fill(store, tags)
        first = seconds(lambda: whole(store.root))
        remember(store.root)
        again = seconds(lambda: whole(store.root))
        print(f"from the files: {again}, for the first time {first}")


if __name__ == "__main__":
    main()
