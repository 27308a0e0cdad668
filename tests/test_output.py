"""What is printed where: results always, the rest unless quiet; colour on a terminal only."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from ctl.errors import OutputFailed
from ctl.output import Console, Style


@pytest.mark.parametrize(
    ("console", "out", "err"),
    [
        (Console(), "text\nresult\n", "note\nerror\n"),
        (Console(quiet=True), "result\n", "error\n"),
        (Console(verbose=True), "text\ndetail\nresult\n", "note\nerror\n"),
        (Console(quiet=True, verbose=True), "result\n", "error\n"),
    ],
)
def test_quiet_and_verbose(capsys: pytest.CaptureFixture[str], console: Console, out: str, err: str) -> None:
    console.say("text")
    console.detail("detail")
    console.result("result")
    console.note("note")
    console.error("error")
    assert tuple(capsys.readouterr()) == (out, err)


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Console().paint("x", Style.BAD) == "x"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Console().paint("x", Style.BAD) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Console().paint("x", Style.BAD) == "x"
    assert Console(colored=False).paint("x", Style.BAD) == "x"


class Full(io.StringIO):
    """Takes nothing, as /dev/full."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_behind_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OutputFailed, match="standard output cannot be written: No space left on device"):
        Console().result("x")
