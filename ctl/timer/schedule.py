"""When a task is due: cron expressions (crontab(5)), in the machine's own time."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = 5


def five_fields(expression: str) -> str:
    """An expression as five fields.

    Args:
        expression: five fields, or a nickname of crontab(5) ("@daily").

    Raises:
        ValueError: it is neither, or never comes true; says which field is wrong.
    """
    fields = _NICKNAMES.get(expression.strip().lower(), expression).split()
    if len(fields) != _FIELDS:
        raise ValueError("needs five fields: minute, hour, day of month, month, day of week")
    text = " ".join(fields)
    _first_after(text, datetime(2000, 1, 1))
    return text


def daily_from(moment: float) -> str:
    """The expression of the first minute that begins from a moment on (seconds since 1970), each day."""
    time = datetime.fromtimestamp(math.ceil(moment / 60) * 60, local_zone())
    return f"{time.minute} {time.hour} * * *"


def next_after(expression: str, moment: datetime) -> datetime:
    """The first time after a moment, in UTC. A time that a change of clocks leaves out comes right after that.

    Args:
        expression: as `five_fields` takes it.
        moment: aware.

    Raises:
        ValueError: as `five_fields`.
    """
    return _first_after(expression, moment.astimezone(local_zone())).astimezone(UTC)


def _first_after(expression: str, moment: datetime) -> datetime:
    try:
        return next(CronSim(expression, moment))
    except StopIteration:
        raise ValueError("never comes") from None
    except (CronSimError, AssertionError, TypeError) as error:
        raise ValueError(f"has a wrong field: {error}" if str(error) else "has a wrong field") from error


def local_zone() -> tzinfo | None:
    """The machine's time zone with its changes of clocks, as cron has it: TZ, then /etc/localtime."""
    named = os.environ.get("TZ", "").removeprefix(":")
    try:
        if named and not named.startswith("/"):
            return ZoneInfo(named)
        with Path(named or "/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (
        OSError,
        ValueError,
        KeyError,
    ):  # no such zone here, or a rule as POSIX writes them: today's offset
        return datetime.now().astimezone().tzinfo
