"""What ctl keeps in mind: the wishes for which a certificate was obtained, and attempts that failed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ctl.acme.wanted import Wanted
from ctl.converge.atomic import write_atomic
from ctl.converge.inspect import look

BY_HAND_AN_HOUR = 4
"""Failed validations that people may cause in an hour: Let's Encrypt shuts a host out for an hour after five."""
REMEMBERED = 12
"""How many failures are kept in mind."""


@dataclass(frozen=True)
class Obtained:
    """A certificate that was obtained here.

    Args:
        fingerprint: of the certificate, as CertificateFacts has it.
        wanted: for which wishes.
    """

    fingerprint: str
    wanted: Wanted

    @classmethod
    def read(cls, path: Path) -> Obtained | None:
        """What the file says; None where it is not there, or damaged: the rest is in the certificate itself."""
        found = _read(path)
        try:
            wanted = Wanted(tuple(found["names"]), found["key"], found["chain"], found["directory"])
            return cls(found["fingerprint"], wanted)
        except (KeyError, TypeError):
            return None

    def content(self) -> str:
        """As the text of its file."""
        return json.dumps({"fingerprint": self.fingerprint, **asdict(self.wanted)}, indent=2) + "\n"


@dataclass(frozen=True)
class Attempts:
    """Attempts that failed since the last certificate.

    Args:
        failed: when, in order.
        counted: those of them that the authority counts, too: it was asked, and refused.
        reason: of the last.
        until: before when the authority wants not to be asked, or None.
    """

    failed: tuple[datetime, ...] = ()
    counted: tuple[datetime, ...] = ()
    reason: str = ""
    until: datetime | None = None

    @classmethod
    def read(cls, path: Path) -> Attempts:
        """What the file says; nothing where it is not there or damaged."""
        found = _read(path)
        try:
            failed, counted = (tuple(map(_time, found.get(name, ()))) for name in ("failed", "counted"))
            until = _time(found["until"]) if found.get("until") else None
            return cls(failed, counted, str(found.get("reason", "")), until)
        except (TypeError, ValueError):
            return cls()

    def write(self, path: Path) -> None:
        """Keep it, readable by its owner alone."""
        data = {
            "failed": [one.isoformat() for one in self.failed],
            "counted": [one.isoformat() for one in self.counted],
            "reason": self.reason,
            "until": self.until.isoformat() if self.until else None,
        }
        write_atomic(path, (json.dumps(data, indent=2) + "\n").encode(), mode=0o600)

    def after_failure(
        self, reason: str, now: datetime, *, counted: bool, until: datetime | None = None
    ) -> Attempts:
        """With one more failure; the oldest, which decide nothing any more, are forgotten."""
        failed = (*self.failed, now)[-REMEMBERED:]
        refused = (*self.counted, now)[-REMEMBERED:] if counted else self.counted
        return Attempts(failed, refused, reason, until)

    def from_when(self, now: datetime) -> datetime:
        """When the authority may be asked again; `now` or earlier where it may be at once.

        The timer makes pauses of its own between failures (ctl.timer.outcome).
        """
        return max(one for one in (self._by_hand(now), self.until, now) if one is not None)

    def _by_hand(self, now: datetime) -> datetime | None:
        """People may try at once, but for one who has tried too often within the hour."""
        hour = timedelta(hours=1)
        recent = [one for one in self.counted if one > now - hour]
        return recent[-BY_HAND_AN_HOUR] + hour if len(recent) >= BY_HAND_AN_HOUR else None


def _read(path: Path) -> dict[str, Any]:
    found = look(path)
    if found is None or not found.is_file:
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # damaged: it is written anew with the next certificate
        return {}
    return data if isinstance(data, dict) else {}


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
