"""`ctl registry-disk-usage` against `find` and `stat` over the same tree, in the same run.

    python -m benchmarks.usage --blobs 10000

Aim: at most 0.5 of the time of `find ROOT -type f -exec stat {} +`. `find -printf`, which asks for the same without a
second program, is shown beside it. First without what a collection remembers, then with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.collection import fill
from ctl.collector.collection import Options, collect
from ctl.images.usage.measure import measure
from tests.harness.collecting import Silent
from tests.harness.registry_store import Store

ROUNDS = 3


def best(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of the processor for the cheapest of some rounds: other work on the machine counts little then."""
    found: dict[str, float] = {}
    for _ in range(ROUNDS + 1):
        for name, work in works.items():
            started = sum(os.times()[:4])  # with those of `find` and `stat`
            work()
            found[name] = min(found.get(name, 1e9), sum(os.times()[:4]) - started)
    return found


def discarding_output(*command: str) -> None:
    """Run a command, and throw its output away."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def find_and_stat(root: Path) -> tuple[str, ...]:
    """The command that looks at each file."""
    return ("find", str(root), "-type", "f", "-exec", "stat", "-c", "%s %Y %n", "{}", "+")


def compare(blobs: int) -> None:
    """Print two lines."""
    with tempfile.TemporaryDirectory(prefix="ctl-benchmark-") as folder:
        store = Store(Path(folder, "images"))
        fill(store, blobs)
        root = str(store.root)
        works: dict[str, Callable[[], object]] = {
            "find and stat": lambda: discarding_output(*find_and_stat(store.root)),
            "find -printf": lambda: discarding_output("find", root, "-type", "f", "-printf", "%s %T@ %p\\n"),
            "ctl": lambda: measure(root),
        }
        for state in ("without", "with"):
            times = best(works)
            parts = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in times.items())
            share = times["ctl"] / times["find and stat"]
            print(f"{blobs:,} blobs, {state} what is remembered: {parts}: {share:.2f}")
            collect(root, Options(settle=()), Silent())  # remembers the manifests


def main() -> None:
    """Compare at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blobs", type=int, nargs="+", default=[1_000, 10_000])
    for blobs in parser.parse_args().blobs:
        compare(blobs)


if __name__ == "__main__":
    main()
