"""Times in records that people may have changed."""

from __future__ import annotations

_END = 253_370_764_800.0
"""The year 9999."""


def moment(found: object) -> float:
    """A time of a record, in seconds since 1970. Raises ValueError where it is none that clocks have."""
    seconds = float(str(found))
    if not 0 <= seconds < _END:
        raise ValueError(f"{found} is no time")
    return seconds
