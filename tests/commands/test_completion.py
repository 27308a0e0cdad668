"""The shell itself completes ctl's words."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.cli.framework import COMMANDS
from ctl.errors import EXIT_OK, EXIT_USAGE

BASH, ZSH, FISH = (shutil.which(name) for name in ("bash", "zsh", "fish"))
needs_bash = pytest.mark.skipif(BASH is None, reason="bash is not installed")
needs_zsh = pytest.mark.skipif(ZSH is None, reason="zsh is not installed")
needs_fish = pytest.mark.skipif(FISH is None, reason="fish is not installed")

_OF_REGISTRY = [name for name in COMMANDS if name.startswith("registry-")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts and a `ctl` on its own PATH."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "ctl").write_text(f'#!/bin/sh\nexec {sys.executable} -m ctl "$@"\n')
    (folder / "ctl").chmod(0o755)
    for shell, name in (("bash", "script"), ("zsh", "_ctl"), ("fish", "ctl.fish")):
        command = [sys.executable, "-m", "ctl", "completion", shell]
        (folder / name).write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return folder


def environment(home: Path) -> dict[str, str]:
    return {"PATH": f"{home}:/usr/bin:/bin", "HOME": str(home), "TERM": "dumb", "PS1": "$ ",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}  # fmt: skip


def complete(home: Path, *words: str) -> list[str]:
    """What bash's completion function offers for the last word."""
    quoted = " ".join(f"'{word}'" for word in words)
    code = f". {home}/script; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _ctl_completion ctl;"
    done = subprocess.run(
        [str(BASH), "--norc", "-c", code + 'printf "%s\\n" "${COMPREPLY[@]}"'],
        env=environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.real
@needs_bash
def test_commands_and_options(home: Path) -> None:
    assert complete(home, "ctl", "reg") == _OF_REGISTRY
    assert complete(home, "ctl", "completion", "") == ["bash", "zsh", "fish"]
    assert complete(home, "ctl", "backup-etc", "--no-d") == ["--no-delete-old-backups"]


@pytest.mark.real
@needs_bash
def test_the_key_itself(home: Path) -> None:
    """A person types `ctl reg`, the tab key, and `to`, the tab key, in an interactive bash."""
    with _terminal([str(BASH), "--norc", "--noprofile", "-i"], environment(home)) as terminal:
        os.write(terminal, f". {home}/script; echo rea''dy\n".encode())
        _read_until(terminal, b"ready")
        os.write(terminal, b"ctl reg\t")
        _read_until(terminal, b"istry-")
        os.write(terminal, b"to\t")
        _read_until(terminal, b"ken")


@pytest.mark.real
@needs_zsh
def test_the_key_itself_in_zsh(home: Path) -> None:
    """The script is where zsh looks for such, and is loaded by the first use."""
    setup = f"fpath=({home} $fpath); autoload -Uz compinit; compinit -u -d {home}/dump; echo rea''dy\n"
    with _terminal([str(ZSH), "-f", "-i"], environment(home)) as terminal:
        os.write(terminal, setup.encode())
        _read_until(terminal, b"ready")
        os.write(terminal, b"ctl registry-to\t")
        _read_until(terminal, b"registry-token")
        os.write(terminal, b"\x15ctl settings describe registry.log_l\t")
        _read_until(terminal, b"registry.log_level")


@pytest.mark.real
@needs_fish
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ctl registry-", _OF_REGISTRY),
        ("ctl completion ", ["bash", "fish", "zsh"]),
        ("ctl backup-etc --no-d", ["--no-delete-old-backups"]),
        ("ctl settings describe registry.log_l", ["registry.log_level"]),
    ],
)
def test_fish(home: Path, line: str, words: list[str]) -> None:
    command = [str(FISH), "--no-config", "-c", f"source {home}/ctl.fish; complete -C '{line}'"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
    # fish has an order of its own
    assert sorted(one.partition("\t")[0] for one in done.stdout.splitlines()) == sorted(words)


@contextmanager
def _terminal(command: list[str], variables: dict[str, str]) -> Iterator[int]:
    """A program with a terminal of its own, which ends with that."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, variables)  # noqa: S606
    try:
        yield terminal
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def _read_until(terminal: int, wanted: bytes, seconds: float = 15) -> None:
    output, deadline = b"", time.monotonic() + seconds
    while wanted not in output:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"no {wanted!r} in {output!r}"
        output += os.read(terminal, 4096)


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete -o nosort"), ("zsh", "#compdef ctl"), ("fish", "complete")]
)
def test_every_shell_has_its_script(shell: str, mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == EXIT_OK
    script = capsys.readouterr().out
    assert mark in script
    assert "_CTL_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script.encode(), check=True)


def test_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == EXIT_USAGE
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


def test_every_command_can_be_completed() -> None:
    """Completion describes commands, for which it imports them all."""
    import click

    from ctl.cli.framework import cli

    context = click.Context(cli)
    assert [cli.get_command(context, name) is not None for name in COMMANDS] == [True] * len(COMMANDS)
