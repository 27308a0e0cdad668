"""Atomic writes: whole or not at all, and never with the wrong rights."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ctl.converge.atomic import link_atomic, write_atomic


def test_content_and_mode_are_as_asked(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"new", mode=0o640)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with target.open() as reader:
        write_atomic(target, b"new", mode=0o600)
        assert reader.read() == "old"
    assert target.read_text() == "new"


def test_a_symbolic_link_is_replaced_not_followed(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "file"
    victim.write_text("precious")
    target.symlink_to(victim)
    write_atomic(target, b"new", mode=0o600)
    assert victim.read_text() == "precious"
    assert not target.is_symlink()


def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    code = (
        "import resource, signal; from pathlib import Path; from ctl.converge.atomic import write_atomic\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"write_atomic(Path({str(tmp_path / 'file')!r}), b'x' * 5000, mode=0o600)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"File too large: '{tmp_path / 'file'}'" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_relative_path_is_one_below_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomic(Path("file"), b"x", mode=0o600)
    assert (tmp_path / "file").read_bytes() == b"x"


def test_an_error_names_the_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomic(tmp_path / "no/such", b"", mode=0o600)
    assert caught.value.filename == str(tmp_path / "no/such")


def test_mode_and_owner_come_before_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at from inside fchmod: the file that becomes visible is still empty and closed to others."""
    seen: list[tuple[int, int]] = []
    real = os.fchmod

    def watching(descriptor: int, mode: int) -> None:
        facts = os.fstat(descriptor)
        seen.append((facts.st_size, stat.S_IMODE(facts.st_mode)))
        real(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", watching)
    write_atomic(tmp_path / "file", b"secret", mode=0o644)
    assert seen == [(0, 0o600)]


def test_a_link_is_swung_in_one_step(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("a")
    link_atomic(link, "b")
    assert str(link.readlink()) == "b"
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
