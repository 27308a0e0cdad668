"""The times of crontab fields (crontab(5)): minute, hour, day of the month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

_LONGEST_GAP = timedelta(days=366 * 8)
"""The 29th of February comes at least every eight years."""


@dataclass(frozen=True)
class Schedule:
    """When the timer looks after certificates, in the machine's own time.

    Args:
        minute, hour, day: fields as CronField takes them.
    """

    minute: str
    hour: str
    day: str

    def next_after(self, moment: datetime) -> datetime:
        """The first time after a moment, aware; a time that a change of clocks leaves out comes an hour later.

        Args:
            moment: aware.
        """
        days, hours, minutes = (
            numbers(self.day, 1, 31),
            numbers(self.hour, 0, 23),
            numbers(self.minute, 0, 59),
        )
        local = moment.astimezone()
        day, last = local.date(), local.date() + _LONGEST_GAP
        while day <= last:
            if day.day in days:
                for hour in sorted(hours):
                    for minute in sorted(minutes):
                        found = datetime.combine(day, time(hour, minute)).astimezone()
                        if found > moment:
                            return found
            day += timedelta(days=1)
        return moment + _LONGEST_GAP  # day 31 of no month: crontab(5) never comes to it either


def numbers(field: str, minimum: int, maximum: int) -> set[int]:
    """The numbers that a field means.

    Args:
        field: as CronField takes it.
        minimum, maximum: what "*" means.
    """
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        low = minimum if first == "*" else int(first)
        high = int(last) if dash else maximum if first == "*" or step else low
        found.update(range(low, high + 1, int(step or 1)))
    return found & set(range(minimum, maximum + 1))
