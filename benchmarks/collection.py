"""ctl's mark against the registry's own dry run, on the same storage in the same run.

    python -m benchmarks.collection --blobs 1000 10000

Aim: at most 0.15 of the dry run's time. Both are run once before they are measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
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


def measured(work: Callable[[], object]) -> float:
    """Seconds of the second time."""
    work()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(blobs: int, program: Path) -> None:
    """Print one line."""
    with tempfile.TemporaryDirectory(prefix="ctl-benchmark-") as folder:
        store = Store(Path(folder, "images"))
        fill(store, blobs)
        config = Path(folder, "config.yml")
        storage = {"filesystem": {"rootdirectory": str(store.root)}}
        config.write_text(json.dumps({"version": 0.1, "storage": storage}), encoding="utf-8")
        command = [str(program), "garbage-collect", "--dry-run", str(config)]
        theirs = measured(lambda: subprocess.run(command, check=True, capture_output=True))
        collect(str(store.root), Options(settle=()), Silent())  # remembers the manifests
        whole = measured(lambda: collect(str(store.root), Options(dry_run=True), Silent()))
        ours = measured(lambda: mark(store.root))
        print(
            f"{len(store.blobs()):,} blobs: ctl's mark {ours:.3f} s (whole dry run {whole:.3f} s), "
            f"{program.name} {theirs:.3f} s: {ours / theirs:.2f}"
        )


def mark(root: Path) -> None:
    """Find out what every repository needs, as the second and each later collection does."""
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
