"""The digests that must stay, by the shards of the storage: ten million of them need not fit into memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ctl.collector.layout import HEX_LENGTH, is_digest

IN_MEMORY = 100_000
"""Digests that are held in memory; more are written to files, one a shard."""
COMPACT = 8_000_000
"""Digests that are written before the files are freed of what is in them twice."""
_RAW = 32
_SHARDS = [f"sha256-{number:02x}" for number in range(256)]
_SCRATCH = ("/run", "/dev/shm")  # noqa: S108 - in memory, for when the disk is full
_ENOUGH = 512 * 2**20
"""Bytes that the usual folder for temporary files must have free."""


class Marks:
    """A set of digests.

    Args:
        scratch: where to make the folder of files that do not fit into memory; None chooses.
    """

    def __init__(self, scratch: Path | None = None) -> None:
        self._scratch = scratch
        self._shards: dict[str, set[bytes]] = {}
        self._count = self._written = self._changes = 0
        self._last: tuple[str, int, set[bytes]] = ("", -1, set())
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def update(self, digests: Iterable[str]) -> None:
        """Add digests; what can name no blob is left out."""
        self._changes += 1
        for digest in digests:
            algorithm, _, name = digest.partition(":")
            if len(name) != HEX_LENGTH.get(algorithm) or not is_digest(digest):
                continue
            shard = self._shards.setdefault(f"{algorithm}-{name[:2]}", set())
            raw = bytes.fromhex(name)
            if raw not in shard:
                shard.add(raw)
                self._count += 1
        if self._count > IN_MEMORY:
            self._spill()

    def update_raw(self, blobs: bytes) -> None:
        """Add digests of SHA-256, in bytes after each other."""
        self._changes += 1
        for at in range(0, len(blobs), _RAW):
            raw = blobs[at : at + _RAW]
            name = _SHARDS[raw[0]]
            shard = self._shards.get(name)
            if shard is None:
                shard = self._shards[name] = set()
            before = len(shard)
            shard.add(raw)
            self._count += len(shard) - before
        if self._count > IN_MEMORY:
            self._spill()

    def shard(self, algorithm: str, prefix: str) -> set[bytes]:
        """The digests of a shard, without algorithm and in bytes."""
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

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.cleanup()

    def _spill(self) -> None:
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
