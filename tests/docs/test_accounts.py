"""docs/accounts.md: every command of it works, and prints what the page says."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest

from ctl.auth import passwords
from tests.harness.account_models import HASH
from tests.harness.cli import Cli

PAGE = Path(__file__).parents[2] / "docs/accounts.md"
TYPED = ("Password of ", "Again:")
"""Lines at a terminal only."""


def session(text: str) -> list[tuple[str, list[str]]]:
    """Commands of the page's console blocks, each with the lines that follow."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif not line.startswith(TYPED):
                found[-1][1].append(line)
    return found


def test_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", 4)
    ctl = Cli(tmp_path / "root", capsys)
    ctl.settings('registry_external_url = "https://registry.example.com"\n')
    (tmp_path / "htpasswd").write_text(f"carol:{HASH}\ndave:{HASH}\n")
    monkeypatch.chdir(tmp_path)
    commands = session(PAGE.read_text(encoding="utf-8"))
    assert len(commands) > 15
    for line, expected in commands:
        sudo, program, *words = shlex.split(line.partition(" < ")[0])
        assert (sudo, program) == ("sudo", "ctl")
        monkeypatch.setattr("sys.stdin", io.StringIO("a password to try\n"))
        result = ctl(*words)
        assert result.code == 0, (line, result.err)
        # Standard output and standard error meet at a terminal, in an order that the page must keep by itself.
        printed = sorted((result.out + result.err).splitlines())
        wanted = sorted(expected)
        assert len(printed) == len(wanted), (line, printed)
        for one in wanted:
            fits = re.compile(re.escape(one).replace("…", ".+"))
            match = next((other for other in printed if fits.fullmatch(other)), None)
            assert match is not None, (line, one, printed)
            printed.remove(match)
