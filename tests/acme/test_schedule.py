"""The times of crontab fields, against looking at every minute."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctl.acme.schedule import Schedule, numbers


def local(text: str) -> datetime:
    """A time of this machine."""
    return datetime.fromisoformat(text).astimezone()


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("*", {1, 2, 3, 4, 5, 6}), ("4", {4}), ("2-4", {2, 3, 4}), ("*/2", {1, 3, 5}), ("2-6/2", {2, 4, 6}),
        ("1,5", {1, 5}), ("2/3", {2, 5}), ("1,3-4", {1, 3, 4}),
    ],
)  # fmt: skip
def test_numbers(field: str, found: set[int]) -> None:
    assert numbers(field, 1, 6) == found


@pytest.mark.parametrize(
    ("fields", "after", "found"),
    [
        (("30", "0", "*/4"), "2026-05-01T00:29", "2026-05-01T00:30"),
        (("30", "0", "*/4"), "2026-05-01T00:30", "2026-05-05T00:30"),
        (("0", "4,16", "*"), "2026-05-01T04:00", "2026-05-01T16:00"),
        (("0", "0", "31"), "2026-04-01T00:00", "2026-05-31T00:00"),
        (("0", "0", "*/4"), "2026-12-30T00:00", "2027-01-01T00:00"),
        (("0", "0", "29"), "2026-01-30T00:00", "2026-03-29T00:00"),
    ],
)
def test_next(fields: tuple[str, str, str], after: str, found: str) -> None:
    assert Schedule(*fields).next_after(local(after)) == local(found)


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
    moment = begin.astimezone()
    found = Schedule(*fields).next_after(moment)
    assert found > moment
    assert (found.minute in minutes, found.hour in hours, found.day in days) == (True, True, True)
    between = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while between < found - timedelta(hours=1):
        assert not (between.hour in hours and between.day in days)
        between += timedelta(hours=1)
