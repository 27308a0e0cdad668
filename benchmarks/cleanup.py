"""How long `ctl registry-cleanup --explain` takes for many tags of one repository.

    python -m benchmarks.cleanup --tags 100000

Aim: 100,000 tags explained in 2 s on two cores. The whole command is run, its lines written to /dev/null: for the first
time, and with dates and tags remembered by an earlier run. Beside it the policy alone, and `find` with `stat` over the
same files. Each as it passed, and of the processors, by which a machine with other work can be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.usage import discarding_output, find_and_stat
from ctl.images.cleanup.plan import Planner
from ctl.images.cleanup.policy import Candidate, Matcher, Policy
from tests.harness import images
from tests.harness.registry_store import Store

DAY = 86_400 * 10**9
ROUNDS = 3
POLICY = Policy(name_regex=".*", name_regex_keep="(v.+|main|release-.*)", keep_n=10, older_than=30 * DAY)


def fill(store: Store, tags: int) -> None:
    """Write a repository with so many tags, each of an image of its own."""
    for number in range(tags):
        created = datetime.now(UTC) - timedelta(minutes=number)
        store.push("group/app", images.dated(f"{number}", created.isoformat()), f"build-{number}")


def seconds(work: Callable[[], object]) -> str:
    """How long something takes, with the programs that it runs."""
    started, busy = time.perf_counter(), sum(os.times()[:4])
    work()
    return f"{time.perf_counter() - started:.2f} s (processors {sum(os.times()[:4]) - busy:.2f} s)"


def policy_alone(tags: int) -> None:
    """Decide and explain tags that are in memory."""
    dates = [random.randrange(400) * DAY for _ in range(tags)]  # noqa: S311 - no secret
    candidates = [Candidate(f"build-{number}", date) for number, date in enumerate(dates)]
    _text(Matcher(POLICY), candidates)


def _text(matcher: Matcher, candidates: list[Candidate]) -> str:
    verdicts = matcher.decide(candidates, 400 * DAY)
    return "\n".join(f"{one.tag}  {one.removed}  {one.rule.value}: {one.why}" for one in verdicts)


def explain(root: Path, config: Path) -> None:
    """Run the command."""
    config.write_text(json.dumps({"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(root)}}}))
    options = (
        "--name-regex",
        POLICY.name_regex,
        "--name-regex-keep",
        POLICY.name_regex_keep,
        "--keep-n",
        "10",
    )
    ctl = (sys.executable, "-m", "ctl", "registry-cleanup", "--config", str(config), "--explain")
    discarding_output(*ctl, *options, "--older-than", "30d")


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
        root, config = Path(folder, "images"), Path(folder, "config.yml")
        fill(Store(root), tags)
        print(f"the command, for the first time: {seconds(lambda: explain(root, config))}", flush=True)
        remember(root)
        for _ in range(ROUNDS):
            print(f"the command: {seconds(lambda: explain(root, config))}", flush=True)
        print(f"find and stat: {seconds(lambda: discarding_output(*find_and_stat(root)))}")


if __name__ == "__main__":
    main()
