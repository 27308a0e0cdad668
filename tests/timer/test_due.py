"""When a task runs next: its times, missed ones, failures, a clock that is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ctl.errors import EXIT_LOCKED
from ctl.timer.due import due
from ctl.timer.outcome import Outcome
from ctl.timer.task import Task

NIGHTLY = Task("nightly", "30 0 * * *", ("true",), 60)
TRIED_AGAIN = Task("again", "30 0 * * *", ("true",), 60, retry=True)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NEXT = datetime(2026, 5, 2, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def failing(times: int) -> Outcome:
    """An outcome after some failures, the last of them at noon."""
    found = Outcome(NOON - 9 * DAY)
    for _ in range(times):
        found = found.begun(NOON).finished(NOON, 1, "refused")
    return found


def test_a_new_task_waits_for_its_time() -> None:
    assert due(NIGHTLY, Outcome(NOON), NOON) == NEXT


def test_a_missed_time_is_made_up_for_once() -> None:
    found = Outcome(NOON - 3 * DAY)
    assert due(NIGHTLY, found, NOON) <= NOON
    assert due(NIGHTLY, found.begun(NOON).finished(NOON, 0, ""), NOON) == NEXT


@pytest.mark.parametrize(("times", "hours"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 12), (40, 12)])
def test_failures_are_tried_again_with_pauses_that_grow(times: int, hours: int) -> None:
    assert due(TRIED_AGAIN, failing(times), NOON) == NOON + hours * HOUR
    assert due(NIGHTLY, failing(times), NOON) == NEXT


def test_but_no_later_than_its_time() -> None:
    late = NEXT - 30 * MINUTE
    assert due(TRIED_AGAIN, Outcome(NOON).begun(late).finished(late, 1, ""), late) == NEXT


def test_a_lock_that_is_held_is_met_again_in_a_minute_and_is_no_failure() -> None:
    found = Outcome(NOON).begun(NOON).finished(NOON, EXIT_LOCKED, "another run")
    assert due(NIGHTLY, found, NOON) == NOON + MINUTE
    assert not found.failed
    assert failing(2).begun(NOON).finished(NOON, EXIT_LOCKED, "").failures == 2


def test_what_was_cut_off_runs_again() -> None:
    assert due(NIGHTLY, Outcome(NOON).begun(NOON), NOON) == NOON + MINUTE


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    tomorrow = NOON + 300 * DAY
    ahead = Outcome(tomorrow).begun(tomorrow).finished(tomorrow, 0, "")
    assert due(NIGHTLY, ahead, NOON) == NEXT


def test_success_ends_failures() -> None:
    assert failing(3).begun(NOON).finished(NOON, 0, "").failures == 0
