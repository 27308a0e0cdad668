"""Progress is shown on a terminal, after a second, and leaves nothing behind; elsewhere only warnings are."""

from __future__ import annotations

import pytest

from ctl.output import Console
from ctl.registry.collect import progress


def report(terminal: progress.Terminal) -> None:
    terminal.step("looking at manifests")
    for _ in range(3):
        terminal.advance()
    terminal.step("deleting blobs")


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard error count as a terminal of 30 columns."""
    monkeypatch.setattr(progress, "_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")


def test_nothing_is_shown_without_a_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.0)
    with progress.shown_on(Console(colored=False)) as terminal:
        report(terminal)
        terminal.warn("grp/app:v1 names nothing")
    assert capfd.readouterr() == ("", "warning: grp/app:v1 names nothing\n")


@pytest.mark.usefixtures("on_terminal")
def test_short_collections_show_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown_on(Console(colored=False)) as terminal:
        report(terminal)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("on_terminal")
def test_long_ones_show_what_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(progress, "_REFRESH_SECONDS", 0.0)
    with progress.shown_on(Console(colored=False)) as terminal:
        report(terminal)
        terminal.warn("in between")
        report(terminal)
    out, err = capsys.readouterr()
    assert out == ""
    assert "deleting blobs" in err
    assert "\r\x1b[Kwarning: in between\n" in err
    assert err.endswith("\r\x1b[K")


@pytest.mark.usefixtures("on_terminal")
def test_a_long_line_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrapped could not be taken away again."""
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.0)
    with progress.shown_on(Console(colored=False)) as terminal:
        terminal.step("x" * 100)
    assert capsys.readouterr().err == f"\r\x1b[K{'x' * 29}\r\x1b[K"


@pytest.mark.usefixtures("on_terminal")
def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.0)
    with progress.shown_on(Console(quiet=True)) as terminal:
        report(terminal)
        terminal.warn("in between")
    assert capsys.readouterr() == ("", "")
