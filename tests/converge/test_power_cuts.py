"""What a power cut must find: contents on the disk before their names, and both before a run goes on.

The calls are the real ones; only their order is noted, as no test can cut the power.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ctl.converge.atomic import TEMPORARY_PREFIX, link_atomic, write_atomic
from ctl.converge.journal import Journal
from ctl.paths import Layout


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each fsync with the size of what it brings to the disk, each new name."""
    done: list[str] = []

    def fsync(descriptor: int, real: Callable[..., Any] = os.fsync) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        size = "" if path.is_dir() else f" of {os.fstat(descriptor).st_size} bytes"
        done.append(f"fsync {_plain(path)}{size}")
        real(descriptor)

    def noted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: str | Path, target: str | Path, **more: Any) -> None:  # noqa: ANN401 - dir_fd and the like
            done.append(f"{name} {_plain(Path(target))}")
            real(source, target, **more)

        return call

    monkeypatch.setattr(os, "fsync", fsync)
    for name in ("rename", "link"):
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    return done


def _plain(path: Path) -> str:
    return "temporary" if path.name.startswith(TEMPORARY_PREFIX) else path.name


def test_a_file(calls: list[str], tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"new", mode=0o600)
    assert calls == ["fsync temporary of 3 bytes", "rename file", f"fsync {tmp_path.name}"]


def test_a_link(calls: list[str], tmp_path: Path) -> None:
    link_atomic(tmp_path / "link", "there")
    assert calls == ["rename link", f"fsync {tmp_path.name}"]


def test_a_journal(calls: list[str], tmp_path: Path) -> None:
    """Its folder before the first record, a backup before its record, a record before its step."""
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    (tmp_path / "file").write_text("old")
    with Journal.begin(layout) as journal:
        assert calls == ["fsync journal", "fsync ctl"]
        calls.clear()
        journal.save(tmp_path / "file")
        assert calls == ["link 1", "fsync vault"]
        calls.clear()
        journal.record({"kind": "remove", "path": "/a"})
        assert calls == [f"fsync records of {(journal.folder / 'records').stat().st_size} bytes"]
        assert (journal.folder / "records").read_bytes().endswith(b"}\n")
        calls.clear()
        journal.commit()
    assert calls == ["rename temporary", "fsync ctl"]
