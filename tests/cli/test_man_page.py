"""The manual page says what the commands say, and roff takes every character for itself."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from ctl.cli.framework import COMMANDS, cli
from ctl.cli.man_page import EXAMPLES, escape, inline, page

PAGE = Path(__file__).parents[2] / "docs/ctl.8"
needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
ALL_EXAMPLES = "\n".join(line for _, lines in EXAMPLES for line in lines)
HOSTILE = r"""a\b \fBno bold\fR 'quoted' "double" `tick` ^caret ~/tilde --long-option 100% é → \n(.x"""


@click.group()
def family() -> None:
    """Keep a family of commands."""


@family.command()
@click.option("--path", metavar="DIR", help="Where\nit is, .dotted.")
@click.argument("name")
def plain(path: str, name: str) -> None:
    """'Quoted at the beginning.

    .dotted at the beginning, with `code`.

    \b
    kept    as
    .it     is
    """


@family.group()
def nested() -> None:
    """Have members."""


@nested.command()
def member() -> None:
    """Be a member."""


@family.command(hidden=True)
def secret() -> None:
    """Stay out of sight."""


def shown(text: str) -> str:
    """The page as a terminal shows it, without overstrikes and colours."""
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou"],
        input=text.encode(), capture_output=True, check=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == b""
    return done.stdout.decode()


def test_the_page_in_docs_is_fresh() -> None:
    made = page(cli)
    assert PAGE.read_text(encoding="utf-8") == made, "run: python -m ctl.cli.man_page > docs/ctl.8"


@needs_groff
def test_roff_has_nothing_to_complain_of() -> None:
    text = shown(PAGE.read_text(encoding="utf-8"))
    for heading in ("NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS", "FILES", "ENVIRONMENT", "EXAMPLES"):
        assert f"\n{heading}\n" in text


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_has_nothing_to_complain_of() -> None:
    command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(PAGE)]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "MANWIDTH": "80"})
    if b"-l" in done.stderr or b"minimized" in done.stdout:
        pytest.skip("this system's man is a stand-in")
    assert (done.returncode, done.stderr) == (0, b"")


@needs_groff
def test_every_command_and_option_is_on_the_page() -> None:
    text = re.sub(r"\s+", " ", shown(PAGE.read_text(encoding="utf-8")))
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert name in text
        for param in command.params:
            assert all(option in text for option in param.opts if option.startswith("-"))


@needs_groff
def test_every_character_arrives_as_it_is() -> None:
    text = f".TH T 8\n.nh\n.ad l\n.SH S\n{escape(HOSTILE)}\n.PP\n{inline('.dotted')}\n.PP\n{inline(chr(39) + 'q')}\n"
    lines = [line.strip() for line in shown(text).splitlines()]
    assert HOSTILE in " ".join(lines)
    assert ".dotted" in lines
    assert "'q" in lines


@needs_groff
def test_paragraphs_families_and_hidden_commands() -> None:
    text = shown(page(family))
    assert "'Quoted at the beginning." in text
    assert ".dotted at the beginning, with code." in text
    assert re.search(r"kept    as\n\s+\.it     is\n", text)
    assert re.search(r"--path DIR\n\s+Where it is, \.dotted\.", text)
    assert "plain NAME" in text
    assert "nested member" in text
    assert "out of sight" not in text
    assert "ctl - keep a family of commands" in text


@pytest.mark.parametrize("line", re.findall(r"ctl [^)\"\n]+", ALL_EXAMPLES))
def test_examples_are_command_lines_that_exist(line: str) -> None:
    words = shlex.split(line)[1:]
    at = next(number for number, word in enumerate(words) if word in COMMANDS)
    with cli.make_context("ctl", [*words[:at], words[at]]) as context:
        command = cli.get_command(context, words[at])
        assert command is not None
        command.make_context(words[at], words[at + 1 :], parent=context).close()
