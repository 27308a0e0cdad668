"""One style in every command: help of options, --json, refusals of usage, and failures."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import click
import pytest

import ctl as ctl_package
from ctl.cli.framework import cli
from tests.harness.cli import Cli


def walk(group: click.Group, at: click.Context) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is no group, with its words."""
    for name in group.list_commands(at):
        found = group.get_command(at, name)
        assert found is not None
        if isinstance(found, click.Group):
            inner = click.Context(found, parent=at, info_name=name)
            yield from (((name, *words), one) for words, one in walk(found, inner))
        else:
            yield (name,), found


COMMANDS = list(walk(cli, click.Context(cli, info_name="ctl")))
every_command = pytest.mark.parametrize(
    ("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS]
)
WITH_JSON = [
    words
    for words, one in COMMANDS
    for option in one.params
    if isinstance(option, click.Option) and "--json" in option.opts
]


def own_options(command: click.Command) -> list[click.Option]:
    """Those with a help; options for ctl's own use have none that is shown."""
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def test_help_is_in_sentences() -> None:
    for words, command in COMMANDS:
        assert command.help, words
        first = command.help.split("\n\n")[0].strip()
        assert first[0].isupper(), words
        assert first.endswith("."), first
        for option in own_options(command):
            assert option.help, (words, option.opts)
            first_word = option.help.split()[0]
            assert first_word[0].isupper() or "_" in first_word or "." in first_word, option.help
            assert option.help.endswith((".", "?")), option.help
            assert option.opts[0].startswith("-"), words


def test_json_is_one_option_of_one_meaning() -> None:
    for words, command in COMMANDS:
        for option in own_options(command):
            if "--json" in option.opts:
                assert option.is_flag, words
                assert option.help is not None, words
                assert option.help.startswith("Print JSON"), words


@every_command
def test_an_unknown_option_is_an_error_of_usage(
    ctl: Cli, words: tuple[str, ...], command: click.Command
) -> None:
    found = ctl(*words, "--no-such-option")
    assert (found.code, found.out) == (2, "")
    assert f"Try 'ctl {' '.join(words)} --help' for help." in found.err
    assert found.err.splitlines()[-1].startswith("Error: No such option")


@pytest.mark.parametrize("words", WITH_JSON, ids=" ".join)
def test_without_settings_json_is_printed_all_the_same(
    ctl: Cli, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that need arguments refuse their lack as usage; what fails otherwise says so in JSON."""
    monkeypatch.chdir(tmp_path)  # a support bundle goes where the caller is
    found = ctl(*words, "--json")
    if found.err.startswith("Usage:"):
        assert (found.code, found.out) == (2, "")
        return
    assert found.code in {0, 1, 2, 75}
    printed = found.json()
    if isinstance(printed, dict) and "error" in printed:
        assert found.code != 0
        assert set(printed) >= {"error", "hint"}
        assert f"error: {printed['error']}" in found.err


def _beginnings(value: ast.expr) -> Iterator[str]:
    """How the text of a hint begins; "" where a variable does."""
    if isinstance(value, ast.IfExp):
        yield from _beginnings(value.body)
        yield from _beginnings(value.orelse)
    elif isinstance(value, ast.BinOp):
        yield from _beginnings(value.left)
    elif isinstance(value, ast.JoinedStr):
        yield from _beginnings(value.values[0])
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def _is_hint(node: ast.AST) -> TypeGuard[ast.keyword | ast.Assign]:
    if isinstance(node, ast.Assign):
        return any(isinstance(one, ast.Name) and one.id in {"hint", "_HINT"} for one in node.targets)
    return isinstance(node, ast.keyword) and node.arg == "hint"


def _hints(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if _is_hint(node):
            yield from ((node.value.lineno, text) for text in _beginnings(node.value))


@pytest.mark.real
def test_hints_are_sentences() -> None:
    """A command to type comes after "Run: "."""
    files = sorted(Path(ctl_package.__file__).parent.rglob("*.py"))
    wrong = [
        f"{path}:{line}: {text}"
        for path in files
        if "hint" in (source := path.read_text(encoding="utf-8")).lower()
        for line, text in _hints(ast.parse(source))
        if text[:1].islower()
    ]
    assert wrong == []


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS], ids=" ".join)
def test_failures_have_one_form(
    ctl: Cli, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong after "error: ", in lower case and without a stop; what to do in a sentence below it."""
    monkeypatch.chdir(tmp_path)
    found = ctl(*words)
    if found.err.startswith("Usage:") or "error: " not in found.err:
        return
    assert found.code in {1, 2, 75}
    error, *more = found.err[found.err.index("error: ") :].splitlines()
    assert not error.endswith(".")
    for hint in more[:1]:
        assert hint.startswith("    "), found.err
        assert not hint.strip()[0].islower(), found.err
