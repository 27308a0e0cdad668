"""The digests that must stay, by the shards of the storage: ten million of them need not fit into memory."""

from __future__ import annotations

import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from ctl.collector.layout import HEX_LENGTH

IN_MEMORY = 300_000
"""Digests that are held in memory; more are written to files, one a shard."""
COMPACT = 8_000_000
"""Digests that are written before the files are freed of what is in them twice."""
RAW = 32
"""Bytes of a digest of SHA-256."""
_ALGORITHMS = {length // 2: algorithm for algorithm, length in HEX_LENGTH.items()}
_DIGEST = re.compile(
    "^(?:" + "|".join(f"{name}:(?=.{{{length}}}$)" for name, length in HEX_LENGTH.items()) + ")([a-f0-9]+)$",
    re.MULTILINE,
)
_SCRATCH = ("/run", "/dev/shm")  # noqa: S108 - in memory, for when the disk is full
_ENOUGH = 512 * 2**20
"""Bytes that the usual folder for temporary files must have free."""


def raw_of(digests: Iterable[str]) -> list[bytes]:
    """Digests in bytes, without their algorithm; what can name no blob is left out."""
    return [bytes.fromhex(name) for name in _DIGEST.findall("\n".join(digests))]


class Marks:
    """A set of digests.

    Args:
        scratch: where to make the folder of files that do not fit into memory; None chooses.
    """

    def __init__(self, scratch: Path | None = None) -> None:
        self._scratch = scratch
        self._new = {length: bytearray() for length in _ALGORITHMS}
        self._shards: dict[str, bytearray] = {}
        self._count = self._written = self._changes = 0
        self._last: tuple[str, int, set[bytes]] = ("", -1, set())
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def update(self, digests: Iterable[str]) -> None:
        """Add digests; what can name no blob is left out."""
        new = raw_of(digests)
        for raw in new:
            self._new[len(raw)] += raw
        self._added(len(new))

    def update_raw(self, blobs: bytes) -> None:
        """Add digests of SHA-256, in bytes after each other."""
        self._new[RAW] += blobs
        self._added(len(blobs) // RAW)

    def shard(self, algorithm: str, prefix: str) -> set[bytes]:
        """The digests of a shard, without algorithm and in bytes."""
        self._sort()
        name = f"{algorithm}-{prefix}"
        content, length = bytes(self._shards.get(name, b"")), HEX_LENGTH[algorithm] // 2
        if self._folder is not None:
            content += _spilled(Path(self._folder.name, name))
        return set(_split(content, length))

    def has(self, digest: str) -> bool:
        """Whether a digest is in it; those of one shard after each other are cheap."""
        algorithm, _, name = digest.partition(":")
        shard = f"{algorithm}-{name[:2]}"
        if self._last[0] != shard or self._last[1] != self._changes:
            self._last = (shard, self._changes, self.shard(algorithm, name[:2]))
        return bytes.fromhex(name) in self._last[2]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(any(self._new.values()) or self._shards or self._folder)

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.cleanup()

    def _added(self, number: int) -> None:
        self._changes += 1
        self._count += number
        if self._count > IN_MEMORY:
            self._spill()

    def _sort(self) -> None:
        """Into shards; the length of a digest is that of its algorithm."""
        for length, new in self._new.items():
            shards: dict[int, bytearray] = defaultdict(bytearray)
            for raw in _split(new, length):
                shards[raw[0]] += raw
            for first, digests in shards.items():
                self._shards.setdefault(f"{_ALGORITHMS[length]}-{first:02x}", bytearray()).extend(digests)
            new.clear()

    def _spill(self) -> None:
        self._sort()
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ctl-marks-", dir=self._scratch or _scratch())
        for name, digests in self._shards.items():
            with Path(self._folder.name, name).open("ab") as file:
                file.write(digests)
        self._shards.clear()
        self._written += self._count
        self._count = 0
        if self._written > COMPACT:
            self._compact(Path(self._folder.name))

    def _compact(self, folder: Path) -> None:
        self._written = 0
        for path in folder.iterdir():
            length = HEX_LENGTH[path.name.partition("-")[0]] // 2
            path.write_bytes(b"".join({*_split(path.read_bytes(), length)}))


def _split(content: bytes | bytearray, length: int) -> Iterator[bytes]:
    return (bytes(content[at : at + length]) for at in range(0, len(content), length))


def _spilled(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _scratch() -> str:
    usual = tempfile.gettempdir()
    return next((place for place in (usual, *_SCRATCH) if _free(place) >= _ENOUGH), usual)


def _free(folder: str) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize if os.access(folder, os.W_OK) else 0
