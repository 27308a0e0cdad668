"""Types of settings that are quantities: sizes, durations, times of day and month."""

from __future__ import annotations

import re
from typing import ClassVar

from ctl.settings.place import Place, Refused
from ctl.settings.types.base import Node, Type
from ctl.settings.types.numbers import whole_number

_GO_DURATION = r"(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+"
_NGINX_TIME = r"[0-9]+|(?:[0-9]+(?:ms|[smhdwMy]) ?)+"
_MINUTE = 60
_LIFETIME = r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?"
_GO_PART = re.compile(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
_GO_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_GO_LONGEST = 2**63
"""Nanoseconds that Go's time.Duration cannot hold any more: some 292 years."""
_SIZE = r"(?i)([0-9]{1,18}) ?(?:(k|m|g|t)(i?)b?)?"
_CRON_HINT = 'Write five fields, as "30 3 * * 0" for half past three on Sundays, or "@daily".'
_NUMBER_FIRST = r"[0-9]+(?:\.[0-9]+)?"


class Size(Type):
    """A number of bytes: 25000000, "25MB" (thousands), "25MiB" (1024s).

    Args:
        minimum: the smallest that will do, in bytes.
        why: why that is the smallest, for the error.
    """

    label = "size"

    def __init__(self, minimum: int = 0, why: str = "") -> None:
        self._minimum = minimum
        self._why = why

    def read(self, value: object, place: Place) -> int:
        """The number of bytes."""
        size = self._bytes(value)
        if size is None:
            raise Refused(
                f"must be a number of bytes{place.got(value)}", 'Write 25000000, "25MB" or "25MiB".'
            )
        if size < self._minimum:
            because = f" ({self._why})" if self._why else ""
            raise Refused(f"must be at least {self._minimum} bytes{because}{place.got(value)}")
        return size

    def _bytes(self, value: object) -> int | None:
        number = whole_number(value)
        if number is not None:
            return number if number >= 0 else None
        found = re.fullmatch(_SIZE, value) if isinstance(value, str) else None
        if not found:
            return None
        factor: int = (1024 if found[3] else 1000) ** " kmgt".index((found[2] or " ").lower())
        return int(found[1]) * factor

    def json_schema(self) -> Node:
        """A number of bytes, or text."""
        return {"anyOf": [{"type": "integer", "minimum": self._minimum}, {"type": "string"}]}


class Duration(Type):
    """A length of time as Go programs read it: "500ms", "1m30s". Without a unit they take it for nanoseconds.

    Only 0 needs no unit.
    """

    label = "duration"
    schema: ClassVar[Node] = {"anyOf": [{"type": "string"}, {"const": 0}]}

    def read(self, value: object, place: Place) -> str | int:
        """The text as given, or 0."""
        if whole_number(value) == 0:
            return 0
        text = str(value)
        if isinstance(value, str) and re.fullmatch(_GO_DURATION, text):
            if sum(float(number) * _GO_UNITS[unit] for number, unit in _GO_PART.findall(text)) >= _GO_LONGEST:
                raise Refused(f"must be shorter than 292 years{place.got(value)}")
            return text
        if not isinstance(value, bool) and re.fullmatch(_NUMBER_FIRST, text):
            raise Refused(
                f"needs a unit: to the registry a bare {text} means {text} nanoseconds",
                f'Write "{text}ms", "{text}s" or "{text}m".',
            )
        raise Refused(
            f"must be a duration{place.got(value)}",
            'Write a number and ms, s, m or h: "500ms", "1m30s", "24h".',
        )


class Lifetime(Type):
    """A length of time in whole seconds: "90s", "5m", "1h30m", or a bare number of a unit.

    Args:
        unit: what a bare number counts, in seconds: 1 or 60.
        minimum, maximum: the least and the most, in seconds.
    """

    label = "duration"
    schema: ClassVar[Node] = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}

    def __init__(self, *, unit: int, minimum: int, maximum: int) -> None:
        self._unit, self._minimum, self._maximum = unit, minimum, maximum

    def read(self, value: object, place: Place) -> str:
        """The text as given, with its unit."""
        number = whole_number(value)
        text = str(value) if number is None else f"{number}{'m' if self._unit == _MINUTE else 's'}"
        try:
            seconds = lifetime_seconds(text)
        except ValueError:
            hint = 'Write "90s", "5m", "1h" or "1h30m".'
            raise Refused(f"must be a duration{place.got(value)}", hint) from None
        if not self._minimum <= seconds <= self._maximum:
            raise Refused(f"must be from {self._minimum} to {self._maximum} seconds{place.got(value)}")
        return text


def lifetime_seconds(text: str) -> int:
    """The seconds of a lifetime ("1h30m"). ValueError for other text."""
    found = re.fullmatch(_LIFETIME, text) if text else None
    if found is None:
        raise ValueError(text)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class NginxTime(Type):
    """A length of time as NGINX reads it: 65 (seconds), "1d", "1h 30m"."""

    label = "NGINX time"
    schema: ClassVar[Node] = {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}

    def read(self, value: object, place: Place) -> str | int:
        """The number or text as given."""
        number = whole_number(value)
        if number is not None and number >= 0:
            return number
        if isinstance(value, str) and re.fullmatch(_NGINX_TIME, value):
            return value
        raise Refused(
            f"must be a time as NGINX reads it{place.got(value)}", 'Write seconds (65) or a unit: "1h", "1d".'
        )


class CronField(Type):
    """One field of a crontab line: *, 4, 1-5, */4, 0,30.

    Args:
        minimum, maximum: the range of its numbers.
    """

    label = "cron field"
    literals = (str, int)
    schema: ClassVar[Node] = {"type": ["string", "integer"]}

    def __init__(self, minimum: int, maximum: int) -> None:
        self._minimum, self._maximum = minimum, maximum

    def read(self, value: object, place: Place) -> str:
        """The field as text."""
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not text or not all(self._part(part) for part in text.split(",")):
            raise Refused(
                f"must be a cron field with numbers {self._minimum} to {self._maximum}{place.got(value)}",
                'Write a number, "*", "*/4", "1-5" or "0,30".',
            )
        return text

    def _part(self, part: str) -> bool:
        found = re.fullmatch(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([1-9][0-9]?))?", part)
        if not found:
            return False
        numbers = [int(number) for number in found.groups()[:2] if number]
        in_range = all(self._minimum <= number <= self._maximum for number in numbers)
        return in_range and numbers == sorted(numbers)


class CronExpression(Type):
    """A time of crontab(5): minute, hour, day of month, month, day of week; or "@daily"."""

    label = "cron expression"

    def read(self, value: object, place: Place) -> str:
        """The five fields."""
        from ctl.timer.schedule import five_fields  # imported here because most settings hold none

        if not isinstance(value, str):
            raise Refused(f"must be a cron expression{place.got(value)}", _CRON_HINT)
        try:
            return five_fields(value)
        except ValueError as error:
            raise Refused(f"{error}{place.got(value)}", _CRON_HINT) from None
