"""`ctl status` without the parser: the same output and exit status, and no other command line is taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ctl.__main__ import run
from ctl.cli import plain
from ctl.cli.plain import plain_status

Capture = pytest.CaptureFixture[str]
SERVICE = "opt/gitlab/service/web"

PLAIN = (
    ["status"],
    ["--quiet", "status"],
    ["status", "-q", "--json"],
    ["status", "web"],
    ["status", "web", "web", "--no-color", "-v"],
    ["status", "nothing"],
    ["status", "--json", "nothing"],
    ["status", ""],
)


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
@pytest.mark.parametrize("set_up", [True, False])
def test_it_is_as_with_the_parser(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, words: list[str], set_up: bool
) -> None:
    if set_up:
        (tmp_path / "opt/gitlab/sv/web").mkdir(parents=True)
        (tmp_path / SERVICE).parent.mkdir()
        (tmp_path / SERVICE).symlink_to("../sv/web")
    words = ["--root", str(tmp_path), *words]
    assert plain._read(words) is not None
    found = run(words), capsys.readouterr()
    monkeypatch.setattr("ctl.__main__.plain_status", lambda _: None)
    assert (run(words), capsys.readouterr()) == found


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["status", "--help"],
        ["status", "-h"],
        ["status", "--jso"],
        ["--json", "status"],
        ["status", "-qv"],
        ["status", "--root=/x"],
        ["status", "--", "web"],
        ["status", "--root"],
        ["status", "--settings"],
        ["status", "--root", ""],
        ["--version", "status"],
        ["service-list", "status"],
        ["--root", "status"],
        ["--root", "/etc/passwd", "status"],
        ["--settings", "/etc", "status"],
    ],
    ids=" ".join,
)
def test_the_parser_gets_all_else(words: list[str], capsys: Capture) -> None:
    assert plain_status(words) is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("words", "parser"), [(["status"], False), (["status", "--help"], True)])
def test_the_parser_is_not_loaded(tmp_path: Path, words: list[str], parser: bool) -> None:
    code = "import sys; from ctl.__main__ import run; run(sys.argv[1:]); sys.exit('click' in sys.modules)"
    command = [sys.executable, "-c", code, "--root", str(tmp_path), *words]
    assert subprocess.run(command, capture_output=True, check=False).returncode == parser
