"""Words of gitlab-ctl: commands of the same name, or one sentence with what does the same."""

from __future__ import annotations

import click
import pytest

from ctl import __version__
from ctl.cli.framework import COMMANDS, cli
from ctl.cli.gitlab_ctl import ANSWERS
from tests.harness.cli import Cli


def test_help(ctl: Cli) -> None:
    assert ctl("help").out == ctl("--help").out
    assert ctl("help", "reconfigure").out == ctl("reconfigure", "--help").out
    assert ctl("help", "settings", "set").out == ctl("settings", "set", "--help").out
    unknown = ctl("help", "reconfgure")
    assert (unknown.code, "Did you mean 'reconfigure'?" in unknown.err) == (2, True)
    assert ctl("help", "status", "more").code == 2


def test_version(ctl: Cli) -> None:
    without_settings = ctl("version")
    assert (without_settings.code, without_settings.out) == (0, f"ctl {__version__}\n")
    ctl.settings('registry_external_url = "https://registry.example.com"\n')
    assert ctl("version", "--json").json()["ctl"] == __version__


@pytest.mark.parametrize("word", ANSWERS)
def test_every_other_word_is_answered_in_a_sentence(ctl: Cli, word: str) -> None:
    answered = ctl(word)
    assert (answered.code, answered.out) == (2, "")
    assert answered.err.splitlines()[-1].startswith(f"Error: {word}: ")
    assert answered.err.strip().endswith(".")
    assert word not in COMMANDS


def test_commands_that_answers_name_exist() -> None:
    named = {
        text.split("`ctl ", 1)[1].split("`")[0].split()[0] for text in ANSWERS.values() if "`ctl " in text
    }
    assert named <= set(COMMANDS)
    assert isinstance(cli, click.Group)
