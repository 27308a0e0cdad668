"""Durations on the command line: "24h", "30m", "1h30m", "7d", "0"."""

from __future__ import annotations

import re

import click

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST = 36_500 * 86_400
_PART = re.compile(r"(\d+)([dhms])")


def duration(_ctx: click.Context, param: click.Parameter, value: str) -> int:
    """The nanoseconds of a duration: a callback for an option.

    Raises:
        click.BadParameter: it is none.
    """
    if value != "0" and not re.fullmatch(rf"(?:{_PART.pattern})+", value):
        raise click.BadParameter(
            f"{value!r} is no duration; write it as 24h, 30m, 1h30m, 7d or 0", param=param
        )
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if seconds > _LONGEST:
        raise click.BadParameter(f"{value} is longer than a hundred years", param=param)
    return seconds * 10**9
