"""Bytes on disk, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.registry.collect.sizes import (
    BLOBS,
    REPOSITORIES,
    blob_sizes,
    human,
    nothing_stored,
    stored_sizes,
    total,
)


def store(root: Path, name: str, size: int) -> str:
    folder = root / BLOBS / "sha256" / name[:2] / name
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(b"x" * size)
    return f"sha256:{name}"


def test_blobs_are_measured(tmp_path: Path) -> None:
    first, second = store(tmp_path, "aa11", 5), store(tmp_path, "ab22", 7)
    (tmp_path / BLOBS / "sha256" / "ab" / "ab33").mkdir()  # what an interrupted deletion leaves
    assert blob_sizes(tmp_path) == {first: 5, second: 7}
    assert stored_sizes(tmp_path, [second, "sha256:ab33", "sha256:ff00"]) == {second: 7}


def test_storage_without_pushes_is_empty(tmp_path: Path) -> None:
    assert nothing_stored(tmp_path / "missing")
    assert nothing_stored(tmp_path)
    (tmp_path / REPOSITORIES).mkdir(parents=True)
    assert nothing_stored(tmp_path)
    store(tmp_path, "aa11", 5)
    assert not nothing_stored(tmp_path)
    (tmp_path / REPOSITORIES).rmdir()
    assert not nothing_stored(tmp_path)


def test_what_is_lost_is_not_nothing(tmp_path: Path) -> None:
    (tmp_path / REPOSITORIES / "app").mkdir(parents=True)
    assert not nothing_stored(tmp_path)  # its blobs are gone
    (tmp_path / REPOSITORIES / "app").rmdir()
    (tmp_path / BLOBS).symlink_to(tmp_path / "not-mounted")
    with pytest.raises(FileNotFoundError):
        nothing_stored(tmp_path)


def test_sum_is_reported_only_if_all_is_known() -> None:
    assert total(["a", "b"], {"a": 1, "b": 2}) == 3
    assert total(["a", "c"], {"a": 1, "b": 2}) is None
    assert total([], {}) == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB (1,000 bytes)"),
        (3_014_290, "3.0 MB (3,014,290 bytes)"),
        (5 * 10**18, "5000.0 PB (5,000,000,000,000,000,000 bytes)"),
    ],
)
def test_sizes_are_reported_both_ways(size: int, text: str) -> None:
    assert human(size) == text
