"""Reads what `garbage-collect` prints, in the forms of Distribution 2 and 3 and of GitLab's registry."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ctl.registry.reason import reason

_DIGEST = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+"
_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_MANIFEST = re.compile(rf"(?P<repository>[^:\s]+): marking manifest (?P<digest>{_DIGEST})\s*")
_BLOB = re.compile(rf"blob eligible for deletion: (?P<digest>{_DIGEST})")
_SUMMARY = re.compile(
    r"(?P<marked>\d+) blobs marked, (?P<blobs>\d+) blobs(?: and \d+ manifests)? eligible for deletion"
)
_EMPTY = re.compile(r"Path not found: \S*/docker/registry/v2/(?:repositories|blobs)/?(?=[\s\"]|$)")
_LAST_LINES = 50
"""How much of the end is kept, to find the program's reason in."""


@dataclass
class Collected:
    """What a collector printed, fed line by line: the output of a large registry is not kept.

    Args:
        found: called with each manifest and each blob that it names: for progress.

    Attributes:
        manifests: the digests of all manifests of each repository, in its order.
        blobs: the digests that nothing refers to, each with its size where the program prints it.
        complete: whether it came to its end: its exit status is 0 for a usage error too.
        empty: whether there was nothing to collect, since nothing was ever pushed.
    """

    found: Callable[[], None] = lambda: None
    manifests: dict[str, list[str]] = field(default_factory=dict)
    blobs: dict[str, int | None] = field(default_factory=dict)
    complete: bool = False
    empty: bool = False
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))

    def feed(self, line: str) -> None:
        """Take in one line of standard output or error."""
        line = line.rstrip("\n")
        if line.startswith("{"):
            self._structured(line)
        elif match := _MANIFEST.fullmatch(line):
            self._manifest(match["repository"], match["digest"])
        elif match := _BLOB.fullmatch(line):
            self._blob(match["digest"], None)
        elif _SUMMARY.fullmatch(line):
            self.complete = True
        elif _REPOSITORY.fullmatch(line):
            self.manifests.setdefault(line, [])
        else:
            self._other(line)

    def reason(self, secrets: frozenset[str]) -> str:
        """Why it failed, in its own words."""
        return reason(self._last, secrets=secrets)

    def _manifest(self, repository: str, digest: str) -> None:
        self.manifests.setdefault(repository, []).append(digest)
        self.found()

    def _blob(self, digest: str, size: int | None) -> None:
        self.blobs[digest] = size
        self.found()

    def _other(self, line: str) -> None:
        if _EMPTY.search(line):
            self.empty = True
        if line and ": marking blob " not in line and " eligible for deletion: " not in line:
            self._last.append(line)

    def _structured(self, line: str) -> None:
        """A log entry of GitLab's registry, or of another one that logs JSON."""
        try:
            entry: Mapping[str, Any] = json.loads(line)
        except ValueError:
            return self._other(line)
        message, digest = entry.get("msg"), entry.get("digest")
        repository = entry.get("repository", entry.get("repo"))
        if message in ("marking blob", "marking manifest"):
            if entry.get("digest_type") == "manifest" and repository and digest:
                self._manifest(str(repository), str(digest))
        elif message == "marking repository":
            self.manifests.setdefault(str(repository), [])
        elif message == "blob eligible for deletion":
            self._blob(str(digest), entry.get("size_bytes"))
        elif message == "mark stage complete":
            self.complete = True
        elif message == "skipping garbage collection":
            self.empty = True
        else:
            self._other(line)
        return None
