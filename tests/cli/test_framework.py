"""Global options in any place, names that are nearly right, and failures as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ctl.__main__ import run
from ctl.cli.framework import COMMANDS, LazyGroup, cli, grouped

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_what_it_is_for(name: str) -> None:
    assert isinstance(cli, LazyGroup)
    found = cli.get_command(click.Context(cli, **cli.context_settings), name)
    assert found is not None
    assert found.get_short_help_str(limit=200)


def groups(group: click.Group, at: click.Context) -> Iterator[tuple[click.Group, click.Context]]:
    """A group and all groups in it."""
    yield group, at
    for name in group.list_commands(at):
        inner = group.get_command(at, name)
        if isinstance(inner, click.Group):
            yield from groups(
                inner, click.Context(inner, parent=at, info_name=name, **inner.context_settings)
            )


def test_summaries_fit_a_line_of_80_columns() -> None:
    """Where this fails, shorten the first sentence of that command's docstring."""
    for group, at in groups(
        cli, click.Context(cli, info_name="ctl", terminal_width=80, **cli.context_settings)
    ):
        lines = group.get_help(at).splitlines()
        for name in group.list_commands(at):
            inner = group.get_command(at, name)
            assert inner is not None
            summary = inner.get_short_help_str(limit=200)
            assert any(line.split(maxsplit=1) == [name, summary] for line in lines), (
                f"{at.command_path} {name}"
            )


def test_every_command_is_under_one_heading() -> None:
    assert sorted(name for _, names in grouped() for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize("before", [True, False])
def test_global_options_before_and_after_the_command(tmp_path: Path, capsys: Capture, before: bool) -> None:
    own, options = ["service-list"], ["--root", str(tmp_path), "--quiet"]
    assert run([*options, *own] if before else [*own, *options]) == 0
    assert "registry" in capsys.readouterr().out


def test_the_environment_fills_what_is_not_given(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "other.py"
    monkeypatch.setenv("CTL_ROOT", str(tmp_path))
    monkeypatch.setenv("CTL_SETTINGS", str(settings))
    assert run(["check-config"]) == 2
    assert str(settings) in capsys.readouterr().err
    assert run(["check-config", "--settings", "/given.py"]) == 2
    assert "/given.py" in capsys.readouterr().err


@pytest.mark.parametrize(("written", "meant"), [("reconfgure", "reconfigure"), ("stauts", "status")])
def test_the_nearest_command_is_named(capsys: Capture, written: str, meant: str) -> None:
    assert run([written]) == 2
    assert f"Did you mean {meant!r}?" in capsys.readouterr().err


def test_a_failure_is_a_sentence_and_with_json_a_document(tmp_path: Path, capsys: Capture) -> None:
    assert run(["--root", str(tmp_path), "reconfigure", "--json"]) == 2
    printed = capsys.readouterr()
    assert str(tmp_path) in json.loads(printed.out)["error"]
    assert "Traceback" not in printed.err
