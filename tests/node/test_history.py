"""The record of the runs of a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctl.converge.model import Change, Report
from ctl.errors import CtlError
from ctl.node.history import KEPT_RUNS, RUN, History
from ctl.paths import Layout

NOTHING = Report()


def _changed(name: str) -> Report:
    return Report(changes=[Change(resource=name, summary="written", steps=())])


@pytest.fixture
def history(tmp_path: Path) -> History:
    (tmp_path / "gitlab.py").write_text("")
    return History(Layout(tmp_path))


def _record(history: History, report: Report) -> None:
    history.record(report, history.layout.root / "gitlab.py", ())


def _changes(history: History) -> list[str]:
    return [change for run in history.runs() for change in run.changes]


def test_a_run_that_was_interrupted_when_it_was_recorded(history: History) -> None:
    _record(history, _changed("first"))
    _record(history, _changed("second"))
    (history.runs()[0].folder / RUN).unlink()
    assert _changes(history) == ["first: written"]
    _record(history, NOTHING)
    assert len(history.runs()) == 2  # what is there now can be gone back to
    assert len(list((history.layout.state / "history").iterdir())) == 2
    _record(history, NOTHING)
    assert len(history.runs()) == 2


def test_nobody_goes_back_to_half_a_run(history: History) -> None:
    for name in ("first", "second"):
        _record(history, _changed(name))
    lost = history.runs()[1].settings
    lost.unlink()
    with pytest.raises(CtlError, match=f"{lost} is missing"):
        history.earlier(1)
    assert history.earlier(0)


def test_a_damaged_run_stops_no_later_one(history: History) -> None:
    _record(history, _changed("first"))
    (history.runs()[0].folder / RUN).write_bytes(bytes(20))
    _record(history, _changed("second"))
    assert len(list((history.layout.state / "history").iterdir())) == 2


def test_the_oldest_are_dropped(history: History) -> None:
    for number in range(KEPT_RUNS + 2):
        _record(history, _changed(str(number)))
    assert _changes(history) == [f"{number}: written" for number in range(KEPT_RUNS + 1, 1, -1)]
