"""The most memory that a collection takes, of a storage with millions of blobs that is made up while it is read.

    python -m benchmarks.memory --blobs 10000000

Aim: at most 100 MB above what the interpreter takes with its modules.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
from collections.abc import Iterator

from ctl.collector.collection import _Collection
from ctl.collector.damage import Damage
from ctl.collector.filesystem import Blob, Filesystem, Link, RepositoryScan
from ctl.collector.options import Hooks, Options
from ctl.collector.quarantine import Quarantine
from ctl.collector.report import Report
from tests.harness.collecting import Silent

EACH = 200
"""Blobs of a repository."""
GARBAGE = 100
"""Of so many blobs one is not needed."""


def _layer(number: int) -> str:
    return (
        f"sha256:{number % 256:02x}{hashlib.blake2b(number.to_bytes(8, 'big'), digest_size=31).hexdigest()}"
    )


class MadeUp(Filesystem):
    """A storage with nothing in it that lists many blobs.

    Args:
        blobs: how many.
    """

    def __init__(self, blobs: int) -> None:
        super().__init__("/nonexistent")
        self._blobs = blobs
        self._manifest = b""

    def found(self) -> Iterator[RepositoryScan]:
        """Of some blobs each."""
        for first in range(0, self._blobs, EACH):
            name = f"group/of-projects/{first}"
            yield RepositoryScan(name, f"{self.root}/{name}", True)

    def scanned(self, found: RepositoryScan) -> RepositoryScan:
        """One manifest of many layers."""
        first = int(found.name.rpartition("/")[2])
        numbers = range(first, min(first + EACH, self._blobs))
        layers = [{"digest": _layer(number), "size": 1} for number in numbers if number % GARBAGE]
        self._manifest = json.dumps({"layers": layers}).encode()
        digest = f"sha256:{hashlib.sha256(self._manifest).hexdigest()}"
        found.revisions = [Link(f"{found.name}/link", digest, 1, (1, 71, 1, 1), digest)]
        return found

    def layers(self, scan: RepositoryScan, damages: list[Damage]) -> Iterator[tuple[str, str]]:
        """No links."""
        yield from ()

    def size(self, path: str) -> int:
        """Of the manifest that was named last."""
        return len(self._manifest)

    def read_file(self, path: str, limit: int) -> bytes:
        """The manifest that was named last."""
        return self._manifest

    def read_link(self, link: Link, limit: int) -> bytes:
        """What it names."""
        return link.name.encode()

    def shards(self, damages: list[Damage]) -> Iterator[tuple[str, str, str]]:
        """All of them."""
        for number in range(256):
            yield "sha256", f"{number:02x}", str(number)

    def blobs(self, algorithm: str, shard: str, path: str, damages: list[Damage]) -> Iterator[Blob]:
        """Those of a shard."""
        for number in range(int(path), self._blobs, 256):
            yield Blob(_layer(number), "")

    @staticmethod
    def state(blob: Blob) -> tuple[int, int] | None:
        """Old."""
        return 1, 0


def main() -> None:
    """Mark and sweep in a dry run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blobs", type=int, default=10_000_000)
    blobs = parser.parse_args().blobs
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    storage, report = MadeUp(blobs), Report(untagged=False, dry_run=True)
    options = Options(dry_run=True, older_than=0)
    _Collection(storage, options, Silent(), Hooks(), report, Quarantine("/nonexistent")).run()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{blobs:,} blobs, {report.counts['blobs_deleted']:,} not needed: {(most - before) / 1024:.0f} MB "
        f"above the {before / 1024:.0f} MB of the interpreter"
    )


if __name__ == "__main__":
    main()
