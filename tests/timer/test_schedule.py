"""The times of cron expressions, against looking at every minute, and over changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.timer.schedule import five_fields, next_after


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize(
    ("expression", "after", "found"),
    [
        ("30 0 */4 * *", "2026-05-01T00:29", "2026-05-01T00:30"),
        ("30 0 */4 * *", "2026-05-01T00:30", "2026-05-05T00:30"),
        ("0 4,16 * * *", "2026-05-01T04:00", "2026-05-01T16:00"),
        ("0 0 31 * *", "2026-04-01T00:00", "2026-05-31T00:00"),
        ("0 0 */4 * *", "2026-12-30T00:00", "2027-01-01T00:00"),
        ("0 3 * * SUN", "2026-05-01T00:00", "2026-05-03T03:00"),
        ("* * * * *", "2026-05-01T00:00:30", "2026-05-01T00:01"),
    ],
)
def test_next(expression: str, after: str, found: str) -> None:
    assert next_after(expression, at(after)) == at(found)


@given(
    st.sets(st.integers(0, 59), min_size=1, max_size=3),
    st.sets(st.integers(0, 23), min_size=1, max_size=2),
    st.sets(st.integers(1, 28), min_size=1, max_size=3),
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),
)
def test_it_is_the_first_that_fits(
    minutes: set[int], hours: set[int], days: set[int], begin: datetime
) -> None:
    fields = [",".join(map(str, sorted(one))) for one in (minutes, hours, days)]
    moment = begin.replace(tzinfo=UTC)
    found = next_after(" ".join([*fields, "*", "*"]), moment)
    assert found > moment
    assert (found.minute in minutes, found.hour in hours, found.day in days) == (True, True, True)
    between = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while between < found - timedelta(hours=1):
        assert not (between.hour in hours and between.day in days)
        between += timedelta(hours=1)


@pytest.mark.parametrize(
    ("expression", "after", "times"),
    [
        # the clock goes from 02:00 to 03:00: what is left out comes right after that
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # the hour from 02:00 comes twice: once a day is once a day, every half hour goes on
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("*/30 * * * *", "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"]),
    ],
)
def test_a_change_of_clocks(
    expression: str, after: str, times: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    moment = at(after)
    for one in times:
        moment = next_after(expression, moment)
        assert moment == at(one)


def test_a_zone_without_a_file_still_has_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Nowhere/Here")
    assert next_after("* * * * *", at("2026-05-01T00:00")) == at("2026-05-01T00:01")


@pytest.mark.parametrize(("given", "fields"), [("@daily", "0 0 * * *"), (" 0  3 * * 0 ", "0 3 * * 0")])
def test_five_fields(given: str, fields: str) -> None:
    assert five_fields(given) == fields


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("", "five fields"),
        ("@often", "five fields"),
        ("0 0 0 * * *", "five fields"),
        ("60 0 * * *", "minute"),
        ("0 0 30 2 *", "day-of-month"),
        ("0 0 L-3/2 * *", "wrong field"),
        ("0 0 * * MON#6", "day-of-week"),
    ],
)
def test_a_wrong_expression_is_explained(wrong: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        five_fields(wrong)
