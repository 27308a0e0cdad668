"""The properties of the fuzz targets break where they should."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ctl.errors import CtlError
from ctl.language.source import Diagnostic, Location, SettingsError
from tests.fuzz.properties import MEGABYTES, Broken, bounded, nothing_written, reported_well

PLACE = Location(Path("/x.py"), 1)


def _raises(error: Exception) -> Callable[[], object]:
    def job() -> object:
        raise error

    return job


def _work(calls: int) -> None:
    for _ in range(calls):
        len("")


def test_writing_and_running(tmp_path: Path) -> None:
    for job in (lambda: (tmp_path / "x").write_text("x"), lambda: subprocess.run(["true"], check=True)):
        with pytest.raises(Broken, match="more than read"), nothing_written():
            job()
    with nothing_written():
        list(tmp_path.iterdir())


@pytest.mark.real
def test_work_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Broken, match=r"it took \d+ MB"), bounded():
        assert bytearray(b"x" * ((MEGABYTES + 50) << 20))
    monkeypatch.setattr("tests.fuzz.properties.CALLS", 1_000)
    with pytest.raises(Broken, match=r"it took 2,\d+ calls"), bounded():
        _work(2_000)
    with bounded():
        _work(900)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SettingsError([]), "without a reason"),
        (SettingsError([Diagnostic("wrong")]), "no place"),
        (SettingsError([Diagnostic("too much memory", PLACE)]), "too much memory"),
        (CtlError("wrong"), "no place"),
    ],
)
def test_errors_that_do_not_help(error: Exception, reason: str) -> None:
    with pytest.raises(Broken, match=reason):
        reported_well(_raises(error), placed=True)


def test_other_errors_pass_and_good_ones_are_no_break() -> None:
    with pytest.raises(KeyError):
        reported_well(_raises(KeyError("x")), placed=True)
    assert reported_well(_raises(SettingsError([Diagnostic("wrong", PLACE)])), placed=True) is None
    assert reported_well(lambda: 5, placed=True) == 5
