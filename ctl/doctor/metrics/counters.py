"""Counts lines of logs, each once, over rotations: where the last look ended is kept between runs."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ctl.converge.atomic import write_atomic

MOST_AT_ONCE = 64 << 20
"""Bytes of a log that are read in one run; more than that within a minute is not counted."""
MOST_REPOSITORIES = 500
"""Repositories with numbers of their own; those that come later are counted together."""
OTHERS = "(others)"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Anybody may send words that are none; they are counted together."""
_REQUEST = re.compile(
    r'"(?P<method>[A-Z]{3,10}) (?P<path>/[^\s"]*)(?: HTTP/[\d.]+)?" (?P<status>\d{3})\b(?: (?P<bytes>\d+))?'
)
_OF_REPOSITORY = re.compile(r"/v2/(?P<name>[a-z0-9][a-z0-9._/-]{0,254})/(?:manifests|blobs|tags|referrers)/")
_OUTCOME = re.compile(r'\boutcome="?(?P<word>granted|refused)')
_GOOD = 400


@dataclass
class Counters:
    """What was counted since the node was set up.

    Args:
        path: where it is kept.
        requests: by method, status and repository, parted by blanks.
        sent: bytes of answers, likewise by repository.
        decisions: of the token issuer, by their outcome.
        places: of each log, the file (its inode) and up to where it was read.
    """

    path: Path
    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Counters:
        """As the last run left it; from nothing where that is damaged: counters may begin anew (Prometheus: rate)."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            places = {name: (int(inode), int(end)) for name, (inode, end) in found["places"].items()}
            requests, sent, decisions = (Counter(found[name]) for name in ("requests", "sent", "decisions"))
            return cls(path, requests, sent, decisions, places)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return cls(path)

    def write(self) -> None:
        """Keep it. Raises OSError."""
        plain = {
            "requests": self.requests,
            "sent": self.sent,
            "decisions": self.decisions,
            "places": self.places,
        }
        write_atomic(self.path, json.dumps(plain).encode(), mode=0o600)

    def count_requests(self, log: Path) -> None:
        """Count the new lines of NGINX's access log. Raises OSError."""
        self._count(log, self._request)

    def count_decisions(self, log: Path) -> None:
        """Count the new lines of the token issuer's log. Raises OSError."""
        self._count(log, self._decision)

    def _request(self, line: str) -> None:
        found = _REQUEST.search(line)
        if found is None:
            return
        name = self._repository(found["path"], int(found["status"]))
        method = found["method"] if found["method"] in METHODS else OTHERS
        self.requests[f"{method} {found['status']} {name}".rstrip()] += 1
        self.sent[name] += int(found["bytes"] or 0)

    def _repository(self, path: str, status: int) -> str:
        """Whose request it was; anybody may ask for names that do not exist, so only what was answered counts."""
        found = _OF_REPOSITORY.match(path) if status < _GOOD else None
        if found is None:
            return ""
        name = found["name"]
        return name if name in self.sent or len(self.sent) < MOST_REPOSITORIES else OTHERS

    def _decision(self, line: str) -> None:
        found = _OUTCOME.search(line)
        if found is not None:
            self.decisions[found["word"]] += 1

    def _count(self, log: Path, take: Callable[[str], None]) -> None:
        inode, end = self.places.get(str(log), (0, 0))
        for path in _files(log, inode):
            with path.open("rb") as file:
                facts = os.fstat(file.fileno())
                begin = end if facts.st_ino == inode and end <= facts.st_size else 0
                file.seek(max(begin, facts.st_size - MOST_AT_ONCE))
                start = file.tell()
                whole, newline, _ = file.read(MOST_AT_ONCE).rpartition(b"\n")
                for line in whole.decode("utf-8", "replace").splitlines():
                    take(line)
                self.places[str(log)] = facts.st_ino, start + len(whole) + len(newline)


def _files(log: Path, inode: int) -> Iterator[Path]:
    """The rest of the file that was read last, if it has been rotated since; then the log itself."""
    if not log.exists():
        return
    if inode and log.stat().st_ino != inode:
        yield from (path for path in log.resolve().parent.iterdir() if path.stat().st_ino == inode)
    yield log
