"""Failures: how long people and the timer wait after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ctl.acme.record import Attempts

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def failing(times: int, *, counted: bool = True, apart: timedelta = MINUTE) -> Attempts:
    """Failures, the last of them now."""
    attempts = Attempts()
    for number in range(times):
        attempts = attempts.after_failure("refused", NOW - apart * (times - 1 - number), counted=counted)
    return attempts


def wait(attempts: Attempts, *, scheduled: bool) -> timedelta:
    """How long it takes from now until it may be tried again."""
    return attempts.from_when(NOW, scheduled=scheduled) - NOW


@pytest.mark.parametrize(("times", "hours"), [(0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (5, 12), (40, 12)])
def test_the_timer_waits_longer_each_time(times: int, hours: int) -> None:
    assert wait(failing(times), scheduled=True) == hours * HOUR


def test_a_failing_timer_comes_a_few_times_a_day() -> None:
    attempts, now, tries = Attempts(), NOW, 0
    while now < NOW + timedelta(days=1):
        attempts = attempts.after_failure("refused", now, counted=True)
        now = attempts.from_when(now, scheduled=True)
        tries += 1
    assert tries <= 5


def test_people_may_try_at_once_but_not_until_the_authority_shuts_them_out() -> None:
    assert wait(failing(3), scheduled=False) == timedelta(0)
    assert wait(failing(4), scheduled=False) == HOUR - 3 * MINUTE
    assert wait(failing(9, apart=HOUR), scheduled=False) == timedelta(0)


def test_an_authority_that_is_down_counts_nothing() -> None:
    down = failing(9, counted=False)
    assert wait(down, scheduled=False) == timedelta(0)
    assert wait(down, scheduled=True) == 12 * HOUR


@pytest.mark.parametrize("scheduled", [True, False])
def test_the_authority_is_not_asked_before_it_wants_to_be(scheduled: bool) -> None:
    until = NOW + timedelta(days=2)
    limited = Attempts().after_failure("too often", NOW, counted=False, until=until)
    assert limited.from_when(NOW, scheduled=scheduled) == until


def test_success_ends_it() -> None:
    assert failing(5).after_look(NOW).after_success() == Attempts(looked=NOW)


def test_it_is_kept_in_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "letsencrypt.json"
    attempts = failing(2).after_look(NOW).after_failure("limit", NOW, counted=False, until=NOW + HOUR)
    attempts.write(file)
    assert Attempts.read(file) == attempts
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"failed": [1]}', '{"failed": 1}', '{"looked": "never"}'])
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert Attempts.read(tmp_path / "a.json") == Attempts()
