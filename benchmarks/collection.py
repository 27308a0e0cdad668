"""ctl's mark against the registry's own dry run, on the same storage in the same run.

    python -m benchmarks.collection --blobs 1000 10000

Aim: at most 0.15 of the dry run's time. Both are run once before they are measured, then three times; the least counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ctl.collector.collection import Options, collect
from ctl.collector.filesystem import Filesystem
from ctl.collector.layout import QUARANTINE
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Marker
from tests.harness import images
from tests.harness.collecting import Silent
from tests.harness.registries import DEBIAN
from tests.harness.registry_store import Store

IMAGES, LAYERS = 9, 8
"""Images of a repository, and layers of each, of which seven are shared."""
ROUNDS = 3
AT_REST = 11
"""Seconds after which a repository is taken for one that does not change."""


def fill(store: Store, blobs: int) -> None:
    """Write repositories until there are so many blobs."""
    written, repository = 0, 0
    while written < blobs:
        shared = [_layer(f"{repository}-{number}") for number in range(LAYERS - 1)]
        for number in range(IMAGES):
            image = images.of_layers([*shared, _layer(f"{repository}:{number}")])
            store.push(f"group/r{repository}", image, f"v{number}")
            written += 2
        written += len(shared)
        repository += 1


def _layer(seed: str) -> images.Blob:
    return images.Blob(images.LAYER, seed.encode())


@dataclass(frozen=True)
class Cost:
    """The least of some rounds.

    Args:
        wall: seconds that passed.
        cpu: seconds of processors, of this process and of what it ran: other load does not count.
    """

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.3f} s ({self.cpu:.3f} s of processor)"


def measured(*works: Callable[[], object]) -> list[Cost]:
    """The cost of each, but for a first time that warms up; by turns, so that other load meets all of them."""
    found: list[list[tuple[float, float]]] = [[] for _ in works]
    for number in range(ROUNDS + 1):
        for work, costs in zip(works, found, strict=True):
            wall, processor = time.perf_counter(), _processor()
            work()
            if number:
                costs.append((time.perf_counter() - wall, _processor() - processor))
    return [Cost(*map(min, zip(*costs, strict=True))) for costs in found]


def _processor() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in usages)


def compare(blobs: int, program: Path) -> None:
    """Print what each takes."""
    with tempfile.TemporaryDirectory(prefix="ctl-benchmark-") as folder:
        store = Store(Path(folder, "images"))
        fill(store, blobs)
        config = Path(folder, "config.yml")
        storage = {"filesystem": {"rootdirectory": str(store.root)}}
        config.write_text(json.dumps({"version": 0.1, "storage": storage}), encoding="utf-8")
        command = [str(program), "garbage-collect", "--dry-run", str(config)]
        theirs, first = measured(
            lambda: subprocess.run(command, check=True, capture_output=True), lambda: mark(store.root)
        )
        time.sleep(AT_REST)
        collect(str(store.root), Options(settle=()), Silent())  # remembers manifests and repositories
        whole, ours = measured(
            lambda: collect(str(store.root), Options(dry_run=True), Silent()), lambda: mark(store.root)
        )
        print(f"{len(store.blobs()):,} blobs: {program.name} {theirs}")
        for name, cost in (("first mark", first), ("each later one", ours), ("whole dry run", whole)):
            print(f"  {name} {cost}: {cost.wall / theirs.wall:.2f} and {cost.cpu / theirs.cpu:.2f} of it")


def mark(root: Path) -> None:
    """Find out what every repository needs, by what an earlier collection has remembered, if there was one."""
    storage = Filesystem(str(root))
    with closing(Manifests(storage, root / QUARANTINE / "manifests.sqlite", writable=False)) as manifests:
        Marker(storage, manifests, untagged=False, young_after=0).mark({}, lambda: None)


def main() -> None:
    """Compare at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blobs", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--program", type=Path, default=DEBIAN)
    given = parser.parse_args()
    for blobs in given.blobs:
        compare(blobs, given.program)


if __name__ == "__main__":
    main()
