"""What root reads and runs can be changed by nobody else; else it is refused, with the command that mends it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ctl.machine.trusted import unsafe
from tests.harness.cli import Cli

SETTINGS = 'registry_external_url = "https://localhost:5443"\nletsencrypt["enable"] = False\n'
need_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SOMEBODY = 12_345


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder/file"
    path.parent.mkdir()
    path.write_text(SETTINGS)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o755, 0o400])
def test_a_file_of_the_callers_is_safe(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert unsafe(path) is None


def test_what_is_not_there_is_no_fault(path: Path) -> None:
    assert unsafe(path.with_name("none")) is None
    assert unsafe(path / "below a file") is None


@pytest.mark.parametrize("place", ["file", "folder"])
def test_everybody_can_write_it(path: Path, place: str) -> None:
    target = path if place == "file" else path.parent
    target.chmod(0o777)
    found = unsafe(path)
    assert found is not None
    assert "mode 0777" in found.message
    assert found.hint == f"chmod go-w {target}"
    subprocess.run(found.hint.split(), check=True)
    assert unsafe(path) is None


def test_a_folder_for_all_in_which_only_owners_rename_protects(path: Path) -> None:
    path.parent.chmod(0o1777)
    assert unsafe(path) is None


@need_root
@pytest.mark.parametrize("place", ["file", "folder"])
def test_it_belongs_to_somebody(path: Path, place: str) -> None:
    target = path if place == "file" else path.parent
    os.chown(target, SOMEBODY, -1)
    found = unsafe(path)
    assert found is not None
    assert (f"user {SOMEBODY}" in found.message, found.hint) == (True, f"chown root {target}")


@need_root
@pytest.mark.parametrize("group", [0, SOMEBODY])
def test_a_group_can_write_it(path: Path, group: int) -> None:
    os.chown(path, -1, group)
    path.chmod(0o664)
    found = unsafe(path)
    assert found is not None
    assert found.hint == f"chmod go-w {path}"


@need_root
def test_a_link_is_followed_and_is_itself_somebodys(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("folder/file")
    assert unsafe(link) is None
    os.chown(link, SOMEBODY, -1, follow_symlinks=False)
    assert unsafe(link) is not None
    os.chown(link, 0, -1, follow_symlinks=False)
    path.parent.chmod(0o777)
    found = unsafe(link)
    assert found is not None
    assert str(path.parent) in found.message


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert unsafe(tmp_path / "a") is None


def _program(folder: Path, mark: Path) -> Path:
    """A registry program that leaves a mark when it is run."""
    program = folder / "registry"
    program.write_text(f"#!/bin/sh\ntouch {mark}\necho registry github.com/docker/distribution v2.8.2\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("command", [["check-config"], ["reconfigure"], ["reconfigure", "--dry-run"]])
def test_settings_that_all_can_write_run_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    mark = tmp_path / "ran"
    cli = Cli(tmp_path / "root", capsys)
    file = cli.settings(SETTINGS + f'registry["executable"] = "{_program(tmp_path, mark)}"\n')
    file.chmod(0o666)
    result = cli(*command)
    assert result.code == 2
    assert f"chmod go-w {file}" in result.err
    assert not mark.exists()


@pytest.mark.parametrize("what", ["the program", "its folder"])
def test_a_program_that_all_can_write_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    mark, folder = tmp_path / "ran", tmp_path / "bin"
    folder.mkdir()
    program = _program(folder, mark)
    target = program if what == "the program" else folder
    target.chmod(0o777)
    cli = Cli(tmp_path / "root", capsys)
    cli.settings(SETTINGS + f'registry["executable"] = "{program}"\n')
    assert f"chmod go-w {target}" in cli("check-config").err
    result = cli("reconfigure")
    assert (result.code, f"chmod go-w {target}" in result.err) == (1, True)
    assert not mark.exists()


def test_the_control_runs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark, folder = tmp_path / "ran", tmp_path / "bin"
    folder.mkdir()
    cli = Cli(tmp_path / "root", capsys)
    cli.settings(SETTINGS + f'registry["executable"] = "{_program(folder, mark)}"\n')
    cli("check-config")
    assert mark.exists()


@pytest.mark.parametrize("line", ['from_file("{}")', 'external_url = read_file("{}")'])
def test_what_settings_include_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    more = tmp_path / "more.py"
    more.write_text("")
    more.chmod(0o666)
    cli = Cli(tmp_path / "root", capsys)
    cli.settings(SETTINGS + line.format(more) + "\n")
    result = cli("check-config")
    assert result.code == 2
    assert f"chmod go-w {more}" in result.err
    assert "gitlab.py:3:" in result.err
