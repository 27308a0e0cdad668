"""What a journal says: its records, read one by one, each checked before anything is done by it."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ctl.converge.inspect import look, read_file
from ctl.converge.model import UndoRecord
from ctl.errors import CtlError

RECORDS = "records"
BACKUPS = "vault"
"""Folder of the backups; a journal of an earlier version has it under this name."""
_MOST = 64 << 20
"""Bytes of records: no run has as many."""
_MAX_ID, _MAX_MODE, _MAX_PATH, _MAX_NAME = 2**32 - 2, 0o7777, 4095, 255
_OF_THE_KERNEL = ("/proc/", "/sys/")
"""Nothing can be put back there, and no run changes a file there."""


@dataclass(frozen=True)
class Records:
    """What a journal says.

    Args:
        readable: the records in their order.
        damage: what could not be read, a few words each.
    """

    readable: tuple[UndoRecord, ...]
    damage: tuple[str, ...] = ()


def read_records(folder: Path) -> Records:
    """Read what can be read. A last line torn by a power cut belongs to a step never begun: it is no damage."""
    found = look(folder)
    if found is not None and not found.is_folder:
        return Records((), (f"{folder} is no folder",))
    try:
        content = read_file(folder / RECORDS, _MOST)
    except FileNotFoundError:
        content = b""
    except (OSError, CtlError) as error:
        return Records((), (str(error),))
    *lines, rest = content.split(b"\n")
    if b"\0" in rest or len(content) == _MOST:
        lines.append(rest)
    records = [_record(line) for line in lines]
    damage = [f"line {number}" for number, record in enumerate(records, start=1) if record is None]
    readable = tuple(record for record in records if record is not None)
    return Records(readable, (*damage, *_lost(folder, readable)))


def _lost(folder: Path, records: tuple[UndoRecord, ...]) -> list[str]:
    """Backups that no record names: each is made just before its record, so one at most is no damage."""
    vault = look(folder / BACKUPS)
    if vault is None or not vault.is_folder:
        return []
    named = {record.get("kept") for record in records}
    without = sorted(path.name for path in (folder / BACKUPS).iterdir() if path.name not in named)
    return [f"the records of {len(without)} backups"] if len(without) > 1 else []


def _record(line: bytes) -> UndoRecord | None:
    """The record in a line, or None where it is damaged. Earlier versions wrote lines without a checksum."""
    checksum, _, body = (b"", b"", line) if line.startswith(b"{") else line.partition(b" ")
    if checksum and checksum != b"%08x" % zlib.crc32(body):
        return None
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        return None
    whole = all(name in record for name in _NEEDED.get(record["kind"], ()))
    sound = all(_FIELDS[name](value) for name, value in record.items() if name in _FIELDS)
    return record if whole and sound else None


_NEEDED = {"service": ("service", "enabled"), "notified": ("service", "action"), "before": ("answered",)}
"""What a record must have that is not only carried out, by its kind."""


def _text(value: object) -> bool:
    """Whether the system could take it: as an argument, as a name."""
    if not isinstance(value, str) or value == "" or "\0" in value:
        return False
    try:
        return bool(os.fsencode(value))
    except UnicodeEncodeError:
        return False


def _short(value: str) -> bool:
    """Whether a path is no longer than the system takes, as a whole and in each part."""
    parts = os.fsencode(value).split(b"/")
    return sum(map(len, parts)) + len(parts) - 1 <= _MAX_PATH and max(map(len, parts)) <= _MAX_NAME


def _name(value: object) -> bool:
    """Of a service or its log, or of an account."""
    text = str(value)
    return (
        _text(value) and not text.startswith(("-", ".", "/")) and ".." not in text.split("/") and _short(text)
    )


def _path(value: object) -> bool:
    text = str(value)
    return _text(value) and text.startswith("/") and not text.startswith(_OF_THE_KERNEL) and _short(text)


def _number(most: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and 0 <= value <= most


def _optional(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


def _list(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _is(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kind)


def _notice(value: object) -> bool:
    return isinstance(value, list) and len(value) == len(("action", "service")) and all(map(_name, value))


_FIELDS: Mapping[str, Callable[[object], bool]] = {
    "path": _path,
    "target": _text,
    "kept": _name,
    "inode": _optional(_number(2**64)),
    "mode": _number(_MAX_MODE),
    "uid": _number(_MAX_ID),
    "gid": _optional(_number(_MAX_ID)),
    "follow": _is(bool),
    "enabled": _is(bool),
    "account": _name,
    "service": _name,
    "action": _name,
    "what": _is(str),
    "answered": _is(dict),
    "argv": lambda value: _list(_text)(value) and value != [],
    "done": _list(_is(int)),
    "retry": _list(_is(int)),
    "notifies": _list(_notice),
}
"""What the values of a record must be, by their name; those of a record that is damaged may be anything."""
