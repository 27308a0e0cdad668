"""Lines of logs that are not older than some time, from their ends."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

MOST_READ = 16 << 20
"""Bytes of one file that are looked at: a busier log has its causes there many times."""
_SVLOGD = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)_(?P<time>\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d* ")
_NGINX = re.compile(r"(?P<day>\d{4}/\d\d/\d\d) (?P<time>\d\d:\d\d:\d\d) \[")
_ACCESS = re.compile(r"\[(?P<when>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_ISO = re.compile(r'(?:time|ts|@timestamp)"?[=:] ?"?(?P<when>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))')


def recent(path: Path, since: datetime) -> Iterator[str]:
    """Lines of a log since a time; those without a time of their own follow the one before.

    Args:
        path: the log; one that ends in ".gz" or ".s" is unpacked.
        since: aware.

    Raises:
        OSError: it cannot be read.
    """
    going = False
    for line in _end(path).splitlines():
        when = moment(line)
        going = when >= since if when is not None else going
        if going:
            yield line


def tail_of(path: Path, size: int) -> str:
    """The end of a log: whole lines of at most so many bytes. Raises OSError."""
    with path.open("rb") as file:
        length = path.stat().st_size
        file.seek(max(0, length - size))
        text = file.read(size).decode("utf-8", "replace")
    return text if length <= size else text.partition("\n")[2]


def _end(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            file.seek(0)
            with gzip.open(file) as packed:
                return packed.read(MOST_READ).decode("utf-8", "replace")
        file.seek(max(0, path.stat().st_size - MOST_READ))
        return file.read().decode("utf-8", "replace")


def moment(line: str) -> datetime | None:
    """When a line was written: by svlogd, NGINX or the registry; None where it does not say."""
    try:
        return _moment(line)
    except ValueError:
        return None


def _moment(line: str) -> datetime | None:
    if found := _SVLOGD.match(line):
        return (
            datetime.fromisoformat(f"{found['day']}T{found['time'].ljust(15, '0')[:15]}+00:00")
            if "." in found["time"]
            else datetime.fromisoformat(f"{found['day']}T{found['time']}+00:00")
        )
    if found := _NGINX.match(line):
        return datetime.strptime(f"{found['day']} {found['time']}", "%Y/%m/%d %H:%M:%S").astimezone(UTC)
    if found := _ISO.search(line[:400]):
        return datetime.fromisoformat(found["when"])
    if found := _ACCESS.search(line[:400]):
        return datetime.strptime(found["when"], "%d/%b/%Y:%H:%M:%S %z")
    return None


def files_of(folder: Path, since: datetime) -> list[Path]:
    """The files of a log folder in which lines since a time may be. Raises PermissionError."""
    if not folder.is_dir():
        return []
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and _is_log(path)]
    return [path for path in found if path.stat().st_mtime >= since.timestamp()]


def _is_log(path: Path) -> bool:
    name = path.name
    return name == "current" or name.startswith("@") or ".log" in name


def agent_of(line: str) -> str:
    """The client's agent in a line of an access log; "" where there is none."""
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except ValueError:
            return ""
        return str(found.get("http_user_agent") or found.get("http.request.useragent") or "")
    found_plain = re.search(r'http\.request\.useragent="?([^"]+)"?', line) or re.search(
        r'"([^"]*)"[^"]*$', line
    )
    return found_plain[1] if found_plain else ""
