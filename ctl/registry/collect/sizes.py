"""Sizes of blobs: measured on disk, or as manifests and collectors give them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ctl.errors import PreflightError

BLOBS = "docker/registry/v2/blobs"
"""Where the storage keeps blobs: BLOBS/sha256/ab/abcd…/data (Distribution, storage/paths.go)."""
REPOSITORIES = "docker/registry/v2/repositories"


def nothing_stored(root: Path) -> bool:
    """Whether nothing was ever pushed to a storage on disk: then the program fails instead of doing nothing.

    Blobs without repositories, or repositories without blobs, are not nothing: a disk is not mounted, or a folder lost.

    Raises:
        OSError: it cannot be looked at.
    """
    return all(is_missing(root / part) or not any((root / part).iterdir()) for part in (REPOSITORIES, BLOBS))


def refuse_missing(storage: Path | None) -> None:
    """Refuse a folder of images that is not there: what is unknown is not nothing.

    Raises:
        PreflightError: it is missing, or no folder.
    """
    if storage is not None and not storage.is_dir():
        what = "does not exist" if is_missing(storage) else "is no folder"
        raise PreflightError(
            f"{storage} {what}: the registry's images should be there", hint="Is its disk mounted?"
        )


def is_missing(path: Path) -> bool:
    """Whether nothing is there; a symbolic link to what is not there is something."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except PermissionError:
        return False
    return False


def blob_sizes(root: Path) -> dict[str, int]:
    """The size in bytes of each blob in a storage on disk, by digest.

    Args:
        root: rootdirectory of the filesystem driver.

    Raises:
        OSError: it cannot be read.
    """
    found = {}
    for algorithm in _folders(root / BLOBS):
        for prefix in _folders(algorithm):
            for blob in _folders(prefix):
                size = _size(blob / "data")
                if size is not None:
                    found[f"{algorithm.name}:{blob.name}"] = size
    return found


def _folders(path: Path) -> Iterator[Path]:
    try:
        with os.scandir(path) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def stored_sizes(root: Path, digests: Iterable[str]) -> dict[str, int]:
    """The sizes in bytes of those blobs that a storage on disk has."""
    found = {}
    for digest in digests:
        algorithm, _, name = digest.partition(":")
        size = _size(root / BLOBS / algorithm / name[:2] / name / "data")
        if size is not None:
            found[digest] = size
    return found


def total(digests: Iterable[str], sizes: Mapping[str, int]) -> int | None:
    """The sum of sizes in bytes, or None where one of them is not known."""
    found = [sizes.get(digest) for digest in digests]
    return None if None in found else sum(size for size in found if size is not None)


def human(size: int) -> str:
    """As "3.0 MB (3,014,290 bytes)"."""
    exact = f"{size:,} bytes"
    amount, unit = float(size), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if amount < 1000 or unit == "PB":
            break
        amount /= 1000
    return exact if unit == "bytes" else f"{amount:.1f} {unit} ({exact})"
