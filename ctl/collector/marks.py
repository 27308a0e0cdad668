"""The digests that must stay, by the shards of the storage: ten million of them need not fit into memory."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ctl.collector.layout import HEX_LENGTH

IN_MEMORY = 100_000
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
        self._new: set[bytes] = set()
        self._shards: dict[str, set[bytes]] = {}
        self._count = self._written = self._changes = 0
        self._last: tuple[str, int, set[bytes]] = ("", -1, set())
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def update(self, digests: Iterable[str]) -> None:
        """Add digests; what can name no blob is left out."""
        self._add(raw_of(digests))

    def update_raw(self, blobs: bytes) -> None:
        """Add digests of SHA-256, in bytes after each other."""
        self._add([blobs[at : at + RAW] for at in range(0, len(blobs), RAW)])

    def shard(self, algorithm: str, prefix: str) -> set[bytes]:
        """The digests of a shard, without algorithm and in bytes."""
        self._sort()
        name = f"{algorithm}-{prefix}"
        found = set(self._shards.get(name, ()))
        if self._folder is not None:
            found |= self._spilled(Path(self._folder.name, name), HEX_LENGTH[algorithm] // 2)
        return found

    def has(self, digest: str) -> bool:
        """Whether a digest is in it; those of one shard after each other are cheap."""
        algorithm, _, name = digest.partition(":")
        shard = f"{algorithm}-{name[:2]}"
        if self._last[0] != shard or self._last[1] != self._changes:
            self._last = (shard, self._changes, self.shard(algorithm, name[:2]))
        return bytes.fromhex(name) in self._last[2]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._new or self._shards or self._folder)

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.cleanup()

    def _add(self, raw: Iterable[bytes]) -> None:
        self._changes += 1
        self._new.update(raw)
        if len(self._new) + self._count > IN_MEMORY:
            self._spill()

    def _sort(self) -> None:
        """Into shards; the length of a digest is that of its algorithm."""
        for raw in self._new:
            self._shards.setdefault(f"{_ALGORITHMS[len(raw)]}-{raw[0]:02x}", set()).add(raw)
        self._new.clear()
        self._count = sum(map(len, self._shards.values()))

    def _spill(self) -> None:
        self._sort()
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ctl-marks-", dir=self._scratch or _scratch())
        for name, digests in self._shards.items():
            with Path(self._folder.name, name).open("ab") as file:
                file.write(b"".join(digests))
        self._shards.clear()
        self._written += self._count
        self._count = 0
        if self._written > COMPACT:
            self._compact(Path(self._folder.name))

    def _compact(self, folder: Path) -> None:
        self._written = 0
        for path in folder.iterdir():
            length = HEX_LENGTH[path.name.partition("-")[0]] // 2
            path.write_bytes(b"".join(self._spilled(path, length)))

    @staticmethod
    def _spilled(path: Path, length: int) -> set[bytes]:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return set()
        return {content[at : at + length] for at in range(0, len(content), length)}


def _scratch() -> str:
    usual = tempfile.gettempdir()
    return next((place for place in (usual, *_SCRATCH) if _free(place) >= _ENOUGH), usual)


def _free(folder: str) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize if os.access(folder, os.W_OK) else 0
