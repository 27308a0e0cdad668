"""What a soak runs against its pushers: ctl's collector, one that marks and then deletes, and none."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ctl.collector.collection import HOUR, Hooks, Options, _Collection
from ctl.collector.filesystem import Filesystem
from ctl.collector.holding import HeldRun
from ctl.collector.manifests import Manifests
from ctl.collector.marking import Marker
from ctl.collector.quarantine import Quarantine
from ctl.collector.report import Report
from ctl.collector.times import blob_state
from tests.harness.collecting import Silent

GRACE, DAY = 400_000_000, 24 * HOUR
"""Nanoseconds for which blobs are left alone: short, so that there is something to lose."""
KEPT = 3 * 10**9
"""Nanoseconds after which what was moved is purged."""
SLOW = 0.15
"""Seconds between mark and sweep, as where the storage is large."""


class Slow(Silent):
    """Lets a collection take its time between mark and sweep."""

    def step(self, text: str) -> None:
        """Wait before blobs are moved."""
        if text == "moving blobs":
            time.sleep(SLOW)


@dataclass(frozen=True)
class Scale:
    """How hard it is made.

    Args:
        shared: layers that images share. The fewer, the sooner one that is garbage is wanted again.
        aged: nanoseconds after which what nobody has used is made 25 hours old, so that the collector runs with its
            grace of 24 h; 0 for none, and a grace of moments.
        journal: file for each move, refusal and miss; "" for none.
        asks: whether pushers ask for each layer before they send it.
    """

    shared: int = 30
    aged: int = 0
    journal: str = ""
    asks: bool = False

    @property
    def grace(self) -> int:
        """The collector's."""
        return DAY if self.aged else GRACE


AS_IT_IS = Scale()


def age(root: str, after: int) -> None:
    """Make everything 25 hours older that neither a registry nor a client has used for that long.

    The collector, the registry and the file system (`relatime`) then do what they do to a storage of yesterday.
    """
    storage, now = Filesystem(root), time.time_ns()
    old = now - 25 * HOUR
    paths = [path for _, _, shard in storage.shards([]) for path in _with_file(shard, "data")]
    for scan in storage.repositories():
        paths += [path for _, folder in storage.layers(scan, []) for path in (folder, f"{folder}/link")]
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            info = os.stat(path)  # noqa: PTH116 - many
            latest = info.st_mtime_ns if path[-5:] != "/link" else max(info.st_mtime_ns, info.st_atime_ns)
            if old + HOUR < latest < now - after:
                os.utime(path, ns=(old, old))


def _with_file(shard: str, name: str) -> Iterator[str]:
    for entry in os.scandir(shard):
        yield from (entry.path, f"{entry.path}/{name}")


def note(journal: str, text: str) -> None:
    """Add a line with its time: of one call, since several processes write."""
    if journal:
        with Path(journal).open("a", encoding="utf-8") as file:
            file.write(f"{time.time():.6f} {text}\n")


class Journalled(Quarantine):
    """Writes down what it moves, and when."""

    def __init__(self, root: str, journal: str) -> None:
        super().__init__(root)
        self.journal = journal

    def take(self, run: HeldRun, path: str) -> bool:
        """Move something into a run."""
        moved = super().take(run, path)
        note(self.journal, f"taken {path}")
        return moved

    def bring_back(self, run: HeldRun, path: str) -> bool:
        """Move something back."""
        moved = super().bring_back(run, path)
        note(self.journal, f"back {path} {moved}")
        return moved


def ours(root: str, scale: Scale) -> None:
    """A collection by ctl; what it moved is purged three seconds later."""
    options = Options(older_than=scale.grace, keep_for=KEPT, settle=())
    with Journalled(root, scale.journal) as quarantine:
        _Collection(Filesystem(root), options, Slow(), Hooks(), Report(False, False), quarantine).run()


def mark_then_delete(root: str, scale: Scale) -> None:
    """A collection as others do it: a complete mark, a grace time, then deletion."""
    storage = Filesystem(root)
    marker = Marker(storage, Manifests(storage), untagged=False, young_after=0)
    mark = marker.mark({}, lambda: None)
    time.sleep(SLOW)
    for algorithm, shard, path in storage.shards([]):
        marked = mark.marks.shard(algorithm, shard)
        for blob in storage.blobs(algorithm, shard, path, []):
            state = blob_state(blob.path)
            old = state is not None and time.time_ns() - state[1] >= scale.grace
            if old and bytes.fromhex(blob.digest.partition(":")[2]) not in marked:
                shutil.rmtree(blob.path, ignore_errors=True)


def no_collector(root: str, scale: Scale) -> None:
    """Nothing is collected: what the registry refuses now, it refuses by itself."""


Collector = Callable[[str, Scale], None]
