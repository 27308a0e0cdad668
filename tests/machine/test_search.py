"""Programs are found on PATH, then in the system's folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.machine.search import find_program


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the only folder of PATH."""
    path = tmp_path / "nginx"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


def test_path_comes_first(program: Path) -> None:
    assert find_program("nginx") == program
    assert find_program("no-such-program", "nginx") == program


def test_the_systems_folders_are_searched_whatever_path_is(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_program("sh") == Path("/usr/bin/sh")
    monkeypatch.delenv("PATH")
    assert find_program("sh") == Path("/usr/bin/sh")
    assert find_program(program.name) != program


def test_what_cannot_be_run_is_no_program(program: Path) -> None:
    assert find_program(str(program)) == program
    program.chmod(0o644)
    assert find_program(str(program)) is None
    assert find_program("no-such-program") is None
