"""The lines of a storage's history: what earlier collections did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ctl.collector.report import COUNTS

_LATEST = 2**63
"""Nanoseconds: later times cannot be those of a run."""


def parsed(text: str) -> dict[str, Any]:
    """A report in JSON; nothing where a crash has cut it."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def history_in(text: str) -> list[dict[str, Any]]:
    """The lines of a history, without what is damaged."""
    found = (parsed(line) for line in text.splitlines())
    return [one for one in found if type(one.get("at")) is int and 0 <= one["at"] < _LATEST]


def interruption(who: str, began: int) -> dict[str, Any]:
    """The line of the history for what was killed, since it could leave none itself."""
    return {"at": began, "mode": "interrupted", "by": who}


def is_interrupt(raised: Sequence[object]) -> bool:
    """Whether a context ends as its process is to end, by Ctrl-C say."""
    kind = raised[0] if raised else None
    return isinstance(kind, type) and not issubclass(kind, Exception)


def is_idle(report: Mapping[str, Any]) -> bool:
    """Whether a collection has done nothing, and found no damage."""
    did = (report.get(name) for name in (*COUNTS, "damages", "run", "by") if name != "blobs_recent")
    return not any(did)
