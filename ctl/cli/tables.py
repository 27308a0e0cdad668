"""Prints columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def table(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Lines with columns under each other.

    Args:
        rows: all of the same length.
        right: numbers of the columns that are aligned to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def size(number: int | None) -> str:
    """Bytes in three digits or so: "3.0 MB"; "unknown" for None."""
    if number is None:
        return "unknown"
    if number < 1000:
        return f"{number} B"
    power = next((one for one in range(1, len(_UNITS)) if number < 999.95 * 1000**one), len(_UNITS))
    return f"{number / 1000**power:.1f} {_UNITS[power - 1]}"
